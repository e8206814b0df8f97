//! Lines of baskets that count less than whole.

use std::ops::Range;

/// How often each line counts half, by its place among the lines of all baskets. Most lines count whole: nothing is
/// kept behind the last one that does not, and nothing at all where none does.
#[derive(Debug, Default)]
pub(crate) struct Halvings {
    of_line: Vec<u8>,
}

impl Halvings {
    /// The lines from place `at` on, which nothing was pushed for yet.
    pub(super) fn push(&mut self, at: usize, lines: impl Iterator<Item = u8> + Clone) {
        if lines.clone().any(|halvings| halvings > 0) {
            self.of_line.resize(at, 0);
            self.of_line.extend(lines);
        }
    }

    /// Those of the lines from place `at` on.
    pub(super) fn extend(&mut self, at: usize, lines: Self) {
        if !lines.is_empty() {
            self.of_line.resize(at, 0);
            self.of_line.extend(lines.of_line);
        }
    }

    /// Whether every line counts whole.
    pub(crate) fn is_empty(&self) -> bool {
        self.of_line.is_empty()
    }

    pub(crate) fn of(&self, line: usize) -> u8 {
        self.of_line.get(line).copied().unwrap_or(0)
    }

    pub(crate) fn in_range(
        &self,
        lines: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = u8> + ExactSizeIterator + Clone {
        lines.map(|line| self.of(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_keeps_its_halvings_wherever_whole_ones_stand() {
        let baskets: [&[u8]; 6] = [&[0, 0], &[0, 2, 0], &[], &[0], &[1], &[0, 0]];
        let (mut one, mut parts, mut at) = (Halvings::default(), Halvings::default(), 0);
        for basket in baskets {
            one.push(at, basket.iter().copied());
            let mut part = Halvings::default();
            part.push(0, basket.iter().copied());
            parts.extend(at, part);
            at += basket.len();
        }
        let all: Vec<u8> = baskets.concat();
        assert_eq!(one.in_range(0..at).collect::<Vec<_>>(), all);
        assert_eq!(parts.in_range(0..at).collect::<Vec<_>>(), all);
        let mut whole = Halvings::default();
        whole.push(3, [0, 0].into_iter());
        assert!(whole.is_empty() && !one.is_empty());
    }
}
