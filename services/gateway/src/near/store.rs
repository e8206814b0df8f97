//! Where entries lie: shards of a map, each bounded by bytes, that give way to what is asked for (CLOCK, the second
//! chance of Corbató 1968). A hit costs a lookup under a shared lock and one flag: no queue of reads to be worked off,
//! which took as long as the rest of a hit when moka kept the entries. An entry that nobody asks for again goes first,
//! so a scan over cold anchors passes through without pushing out the warm ones.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::key::{Key, Known};

const SHARDS: usize = 16;

/// Entries by key.
#[derive(Debug)]
pub(super) struct Store<V> {
    shards: [RwLock<Shard<V>>; SHARDS],
    max_bytes_per_shard: usize,
}

#[derive(Debug)]
struct Shard<V> {
    /// The entries, with the places of their slots.
    entries: HashMap<Key, (Arc<V>, usize), BuildHasherDefault<Known>>,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    hand: usize,
    bytes: usize,
}

/// What decides how long an entry stays.
#[derive(Debug)]
struct Slot {
    key: Key,
    bytes: usize,
    asked_for: AtomicBool,
}

/// Why an entry went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// Another came in its place.
    Replaced,
    /// There was no room.
    Evicted,
}

impl<V> Store<V> {
    /// An empty store for `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            max_bytes_per_shard: max_bytes / SHARDS,
        }
    }

    /// The entry under `key`.
    pub(super) fn get(&self, key: Key) -> Option<Arc<V>> {
        let shard = self.shard(key).read();
        let (entry, at) = shard.entries.get(&key)?;
        if let Some(slot) = &shard.slots[*at] {
            slot.asked_for.store(true, Ordering::Relaxed);
        }
        Some(Arc::clone(entry))
    }

    /// Puts an entry of so many bytes, unless the one there `stays`; tells of each that went.
    pub(super) fn put(
        &self,
        key: Key,
        value: Arc<V>,
        bytes: usize,
        stays: impl FnOnce(&V) -> bool,
        mut went: impl FnMut(Gone, &V),
    ) {
        let mut shard = self.shard(key).write();
        if let Some((known, at)) = shard.entries.get(&key) {
            if stays(known) {
                return;
            }
            let at = *at;
            if let Some(replaced) = shard.take(at) {
                went(Gone::Replaced, &replaced);
            }
        }
        while shard.bytes + bytes > self.max_bytes_per_shard {
            match shard.evict() {
                Some(evicted) => went(Gone::Evicted, &evicted),
                None => break,
            }
        }
        if bytes <= self.max_bytes_per_shard {
            let slot = Slot {
                key,
                bytes,
                asked_for: AtomicBool::new(false),
            };
            shard.add(slot, value);
        }
    }

    /// Entries, and their bytes.
    pub(super) fn load(&self) -> (u64, u64) {
        let shards = self.shards.iter().map(|shard| {
            let shard = shard.read();
            (shard.entries.len() as u64, shard.bytes as u64)
        });
        shards.fold((0, 0), |(entries, bytes), (more, larger)| {
            (entries + more, bytes + larger)
        })
    }

    fn shard(&self, key: Key) -> &RwLock<Shard<V>> {
        // Bits that the maps do not look at first.
        let at = (key.hash() >> 32) as usize % SHARDS;
        &self.shards[at]
    }
}

impl<V> Default for Shard<V> {
    fn default() -> Self {
        Self {
            entries: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            hand: 0,
            bytes: 0,
        }
    }
}

impl<V> Shard<V> {
    fn add(&mut self, slot: Slot, value: Arc<V>) {
        self.bytes += slot.bytes;
        let key = slot.key;
        let at = if let Some(at) = self.free.pop() {
            self.slots[at] = Some(slot);
            at
        } else {
            self.slots.push(Some(slot));
            self.slots.len() - 1
        };
        self.entries.insert(key, (value, at));
    }

    fn take(&mut self, at: usize) -> Option<Arc<V>> {
        let slot = self.slots[at].take()?;
        self.bytes -= slot.bytes;
        self.free.push(at);
        self.entries.remove(&slot.key).map(|(value, _)| value)
    }

    /// The first entry from the hand on that nobody has asked for since the hand last passed it.
    fn evict(&mut self) -> Option<Arc<V>> {
        if self.entries.is_empty() {
            return None;
        }
        loop {
            let at = self.hand % self.slots.len();
            self.hand = at + 1;
            let spared = match &self.slots[at] {
                Some(slot) => slot.asked_for.swap(false, Ordering::Relaxed),
                None => true,
            };
            if !spared {
                return self.take(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(key: u32) -> Key {
        Key::numbered(key.into())
    }

    fn put(store: &Store<u32>, key: u32, bytes: usize) -> Vec<Gone> {
        let mut gone = Vec::new();
        store.put(of(key), Arc::new(key), bytes, |_| false, |why, _| gone.push(why));
        gone
    }

    #[test]
    fn what_is_asked_for_outlives_a_scan() {
        let store = Store::new(SHARDS * 1_000);
        (0..40).for_each(|key| drop(put(&store, key, 100)));
        for scanned in 1_000..9_000 {
            (0..40).for_each(|key| drop(store.get(of(key))));
            put(&store, scanned, 100);
        }
        let kept = (0..40).filter(|key| store.get(of(*key)).is_some()).count();
        assert!(kept >= 30, "{kept} of 40");
    }

    #[test]
    fn one_that_stays_is_not_replaced() {
        let store = Store::new(SHARDS * 1_000);
        put(&store, 7, 10);
        store.put(
            of(7),
            Arc::new(8),
            10,
            |known| *known == 7,
            |_, _| panic!("nothing goes"),
        );
        assert_eq!(store.get(of(7)).as_deref(), Some(&7));
        assert_eq!(put(&store, 7, 20), [Gone::Replaced]);
        assert_eq!(store.load(), (1, 20));
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may_and_never_another_s_value(
            puts in prop::collection::vec((0..300_u32, 1..400_usize), 1..600),
        ) {
            let store = Store::new(SHARDS * 1_000);
            for (key, bytes) in puts {
                put(&store, key, bytes);
                prop_assert!(store.get(of(key)).is_some_and(|value| *value == key), "it was put just now");
                prop_assert!(store.load().1 <= 16_000);
            }
            for key in 0..300 {
                prop_assert!(store.get(of(key)).is_none_or(|value| *value == key));
            }
        }

        #[test]
        fn what_is_larger_than_a_shard_is_not_kept(bytes in 1_001..9_000_usize) {
            let store = Store::new(SHARDS * 1_000);
            put(&store, 1, bytes);
            prop_assert_eq!(store.load(), (0, 0));
        }
    }
}
