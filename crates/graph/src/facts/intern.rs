use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Dense numbers for whatever comes along, in order of arrival.
#[derive(Debug)]
pub(super) struct Numbers<K>(FxHashMap<K, u32>);

impl<K: Hash + Eq> Numbers<K> {
    pub(super) fn new() -> Self {
        Self(FxHashMap::default())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn number(&mut self, key: K) -> u32 {
        let next = dense(self.0.len());
        *self.0.entry(key).or_insert(next)
    }
}

/// Dense numbers for texts; a text seen before is not copied.
#[derive(Debug)]
pub(super) struct Texts(FxHashMap<Box<str>, u32>);

impl Texts {
    pub(super) fn new() -> Self {
        Self(FxHashMap::default())
    }

    pub(super) fn get(&self, text: &str) -> Option<u32> {
        self.0.get(text).copied()
    }

    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(&known) = self.0.get(text) {
            return known;
        }
        let next = dense(self.0.len());
        self.0.insert(Box::from(text), next);
        next
    }
}

/// A dense index; the design point of a cell lies far below the limit.
pub(crate) fn dense(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 of anything in one marketplace")
}
