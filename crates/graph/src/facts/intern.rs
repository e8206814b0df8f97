use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher as _;
use tandem_domain::short::{packed, plain_number};

/// Dense numbers for texts, in order of arrival. The texts lie end to end in one buffer, so that millions of them
/// cost their bytes and two dozen more each.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    all: String,
    /// Where each text ends.
    ends: Vec<usize>,
    numbers: HashTable<(Mark, u32)>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// None, with room for so many.
    pub(super) fn with_capacity(texts: usize) -> Self {
        Self {
            all: String::new(),
            ends: Vec::with_capacity(texts),
            numbers: HashTable::with_capacity(texts),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, text: &str) -> Option<u32> {
        self.find(Mark::of(text), text)
    }

    /// The number of `text`, whose mark is known.
    #[inline]
    pub(super) fn find(&self, mark: Mark, text: &str) -> Option<u32> {
        let is_it =
            |&(known, number): &(Mark, u32)| known == mark && (mark.is_whole() || self.text(number) == text);
        self.numbers.find(mark.hash(), is_it).map(|one| one.1)
    }

    /// The number of `text`, a new one where it is new.
    pub(super) fn number(&mut self, text: &str) -> u32 {
        self.number_marked(Mark::of(text), text)
    }

    fn number_marked(&mut self, mark: Mark, text: &str) -> u32 {
        if let Some(known) = self.find(mark, text) {
            return known;
        }
        let next = dense(self.ends.len());
        self.all.push_str(text);
        self.ends.push(self.all.len());
        self.numbers
            .insert_unique(mark.hash(), (mark, next), |one| one.0.hash());
        next
    }

    /// The numbers of texts, as [`Self::number`] gives them one after the other. To look one up is to wait for memory, and
    /// lookups that do not depend on each other wait together.
    pub(super) fn number_all<'t>(
        &mut self,
        texts: impl Iterator<Item = Option<&'t str>>,
    ) -> Vec<Option<u32>> {
        const TOGETHER: usize = 32;
        let texts: Vec<Option<(Mark, &str)>> = texts
            .map(|text| text.map(|text| (Mark::of(text), text)))
            .collect();
        let mut numbers = Vec::with_capacity(texts.len());
        for some in texts.chunks(TOGETHER) {
            let start = numbers.len();
            numbers.extend(
                some.iter()
                    .map(|one| one.and_then(|(mark, text)| self.find(mark, text))),
            );
            for (number, new) in numbers[start..].iter_mut().zip(some) {
                // Whoever is new may have come a moment ago.
                *number = number.or_else(|| new.map(|(mark, text)| self.number_marked(mark, text)));
            }
        }
        numbers
    }

    pub(super) fn text(&self, number: u32) -> &str {
        let at = number as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start..self.ends[at]]
    }
}

/// Eight bytes that stand for a text: most ids are numbers or short, and then nothing else need be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark(u64);

impl Mark {
    /// Set in what is no long number.
    const TEXT: u64 = 1 << 63;
    /// Set beside it in what only hints at the text.
    const HINT: u64 = 1 << 62;

    #[inline]
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        if let length @ ..=7 = bytes.len() {
            return Self(Self::TEXT | ((length as u64) << 56) | packed(bytes));
        }
        match plain_number(bytes) {
            Some(number) => Self(number),
            None => Self(FxBuildHasher.hash_one(text) | Self::TEXT | Self::HINT),
        }
    }

    /// Whether no other text has this mark.
    const fn is_whole(self) -> bool {
        self.0 & Self::HINT == 0
    }

    fn hash(self) -> u64 {
        FxBuildHasher.hash_one(self.0)
    }
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

    proptest::proptest! {
        #[test]
        fn the_numbers_of_many_are_those_of_one_after_the_other(
            texts in proptest::collection::vec(proptest::option::of("[ab]{0,3}|[0-9]{1,2}|[ab]{9}"), 0..200),
            known in proptest::collection::vec("[ab]{0,3}", 0..5),
        ) {
            let (mut one_by_one, mut together) = (Texts::new(), Texts::new());
            for text in &known {
                one_by_one.number(text);
                together.number(text);
            }
            let texts = || texts.iter().map(Option::as_deref);
            let numbers: Vec<_> = texts().map(|text| text.map(|text| one_by_one.number(text))).collect();
            proptest::prop_assert_eq!(together.number_all(texts()), numbers);
            proptest::prop_assert_eq!(together.len(), one_by_one.len());
        }
    }

    #[test]
    fn texts_that_look_alike_are_told_apart() {
        let alike = [
            "",
            "0",
            "00",
            "7",
            "07",
            "\0",
            "\0\0",
            "a",
            "a\0",
            "\0a",
            "1234567",
            "12345678",
            "abcdefg",
            "abcdefgh",
            "123456789012345678",
            "1234567890123456789",
            "0123456789012345678",
            "12345678901234567x",
            "ä",
            "\u{7f}",
        ];
        let mut texts = Texts::new();
        for (at, text) in alike.iter().enumerate() {
            assert_eq!(texts.number(text), dense(at), "{text:?}");
        }
        for (at, text) in alike.iter().enumerate() {
            assert_eq!(texts.get(text), Some(dense(at)), "{text:?}");
        }
    }
}
