use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher as _;

/// Dense numbers for texts, in order of arrival. The texts lie end to end in one buffer, so that millions of them
/// cost their bytes and a dozen more each.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    all: String,
    /// Where each text ends.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, text: &str) -> Option<u32> {
        let found = self.numbers.find(hash(text), |&number| self.text(number) == text);
        found.copied()
    }

    /// The number of `text`, a new one where it is new.
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(known) = self.get(text) {
            return known;
        }
        let next = dense(self.ends.len());
        self.all.push_str(text);
        self.ends.push(self.all.len());
        let Self { all, ends, numbers } = self;
        numbers.insert_unique(hash(text), next, |&number| hash(slice(all, ends, number)));
        next
    }

    fn text(&self, number: u32) -> &str {
        slice(&self.all, &self.ends, number)
    }
}

fn slice<'a>(all: &'a str, ends: &[usize], number: u32) -> &'a str {
    let at = number as usize;
    let start = at.checked_sub(1).map_or(0, |before| ends[before]);
    &all[start..ends[at]]
}

fn hash(text: &str) -> u64 {
    FxBuildHasher.hash_one(text)
}

/// A dense index; the design point of a cell lies far below the limit.
pub(crate) fn dense(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 of anything in one marketplace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number_however_many_follow() {
        let mut texts = Texts::new();
        let names: Vec<String> = (0..5000).map(|n| format!("{n}")).collect();
        for (at, name) in names.iter().enumerate() {
            assert_eq!(texts.number(name), dense(at));
        }
        assert!(
            names
                .iter()
                .enumerate()
                .all(|(at, name)| texts.get(name) == Some(dense(at)))
        );
        assert_eq!((texts.get(""), texts.get("5000")), (None, None));
        assert_eq!(texts.number(""), 5000);
        assert_eq!(texts.len(), 5001);
    }
}
