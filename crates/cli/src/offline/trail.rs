//! Which event ids come twice, without keeping millions of them where they simply count up.

use std::hash::BuildHasher as _;

use rustc_hash::FxBuildHasher;
use tandem_domain::short::plain_number;

/// The ids of one chunk as numbers: themselves where they are plain numbers, else a digest with the top bit set.
#[derive(Debug, Default)]
pub struct Marks(Vec<u64>);

const DIGEST: u64 = 1 << 63;

impl Marks {
    /// Takes down an id.
    pub fn push(&mut self, id: &str) {
        self.0.push(mark(id));
    }
}

/// What stands for an id; two ids may share it, an id never has two.
#[must_use]
pub fn mark(id: &str) -> u64 {
    plain_number(id.as_bytes()).unwrap_or_else(|| FxBuildHasher.hash_one(id) | DIGEST)
}

/// The ids of a file.
#[derive(Debug, Default)]
pub struct Trail {
    /// First and last of chunks of plain numbers that count up.
    rising: Vec<(u64, u64)>,
    /// All ids of other chunks.
    loose: Vec<u64>,
}

impl Trail {
    /// Adds the ids of a chunk.
    pub fn add(&mut self, marks: &Marks) {
        let marks = &marks.0;
        let (Some(&first), Some(&last)) = (marks.first(), marks.last()) else {
            return;
        };
        // Digests do not count up, even where they happen to rise: their spans would overlap everything.
        if last < DIGEST && marks.windows(2).all(|pair| pair[0] < pair[1]) {
            self.rising.push((first, last));
        } else {
            self.loose.extend_from_slice(marks);
        }
    }

    /// Whether an id may stand there twice. When this says no, none does.
    #[must_use]
    pub fn may_repeat(&mut self) -> bool {
        self.rising.sort_unstable();
        self.loose.sort_unstable();
        let meet = |pair: &[(u64, u64)]| pair[0].1 >= pair[1].0;
        let is_inside = |&(first, last): &(u64, u64)| {
            let at = self.loose.partition_point(|&loose| loose < first);
            self.loose.get(at).is_some_and(|&loose| loose <= last)
        };
        self.rising.windows(2).any(meet)
            || self.loose.windows(2).any(|pair| pair[0] == pair[1])
            || self.rising.iter().any(is_inside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(chunks: &[&[&str]]) -> bool {
        let mut trail = Trail::default();
        for chunk in chunks {
            let mut marks = Marks::default();
            chunk.iter().for_each(|id| marks.push(id));
            trail.add(&marks);
        }
        trail.may_repeat()
    }

    #[test]
    fn ids_that_count_up_or_differ_raise_no_doubt() {
        assert!(!trail(&[&["1", "2", "9"], &["10", "11"]]));
        assert!(!trail(&[&["10", "11"], &["1", "2", "9"]]));
        assert!(!trail(&[&["b", "a"], &["d", "c"], &["7", "3"]]));
        assert!(!trail(&[&["1", "01", "001"]]));
    }

    #[test]
    fn an_id_that_comes_again_raises_doubt_wherever_it_stands() {
        assert!(trail(&[&["1", "2", "2"]]));
        assert!(trail(&[&["1", "2"], &["2", "3"]]));
        assert!(trail(&[&["1", "5"], &["8", "3"]]));
        assert!(trail(&[&["x", "a"], &["a", "y"]]));
    }
}
