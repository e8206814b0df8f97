//! Where entries lie: shards of a map, each bounded by bytes, that give way to what is asked for (CLOCK, the second
//! chance of Corbató 1968). A hit costs a lookup under a shared lock and one flag: no queue of reads to be worked off,
//! which took as long as the rest of a hit when moka kept the entries. An entry that nobody asks for again goes first,
//! so a scan over cold anchors passes through without pushing out the warm ones.
//!
//! Keys are not kept, only 128 bits of two hashes with seeds of this process: to compare a key would be to wait for its
//! texts to come from memory. Among 10 million entries that any two share them has a chance of 1 in 10²⁴, and who does
//! not know the seeds cannot choose ids that do.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher, RandomState};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

const SHARDS: usize = 16;

/// Entries by key.
#[derive(Debug)]
pub(super) struct Store<K, V> {
    shards: [RwLock<Shard<V>>; SHARDS],
    hashing: [RandomState; 2],
    max_bytes_per_shard: usize,
    keys: PhantomData<fn(K)>,
}

#[derive(Debug)]
struct Shard<V> {
    places: HashMap<Print, usize, BuildHasherDefault<Known>>,
    slots: Vec<Option<Slot<V>>>,
    free: Vec<usize>,
    hand: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Slot<V> {
    key: Print,
    value: Arc<V>,
    bytes: usize,
    asked_for: AtomicBool,
}

/// What a key is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Print(u64, u64);

impl Hash for Print {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Passes on the hash that a [`Print`] holds.
#[derive(Default)]
struct Known(u64);

impl Hasher for Known {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Why an entry went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// Another came in its place.
    Replaced,
    /// There was no room.
    Evicted,
}

impl<K: Hash, V> Store<K, V> {
    /// An empty store for `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            hashing: [RandomState::new(), RandomState::new()],
            max_bytes_per_shard: max_bytes / SHARDS,
            keys: PhantomData,
        }
    }

    /// The entry under `key`.
    pub(super) fn get(&self, key: &K) -> Option<Arc<V>> {
        let key = self.print(key);
        let shard = self.shard(key.0).read();
        let slot = shard.slots[*shard.places.get(&key)?].as_ref()?;
        slot.asked_for.store(true, Ordering::Relaxed);
        Some(Arc::clone(&slot.value))
    }

    /// Puts an entry of so many bytes, unless the one there `stays`; tells of each that went.
    pub(super) fn put(
        &self,
        key: &K,
        value: Arc<V>,
        bytes: usize,
        stays: impl FnOnce(&V) -> bool,
        mut went: impl FnMut(Gone, &V),
    ) {
        let key = self.print(key);
        let mut shard = self.shard(key.0).write();
        if let Some(at) = shard.places.get(&key).copied() {
            if shard.slots[at].as_ref().is_some_and(|slot| stays(&slot.value)) {
                return;
            }
            if let Some(slot) = shard.take(at) {
                went(Gone::Replaced, &slot.value);
            }
        }
        while shard.bytes + bytes > self.max_bytes_per_shard {
            match shard.evict() {
                Some(slot) => went(Gone::Evicted, &slot.value),
                None => break,
            }
        }
        if bytes <= self.max_bytes_per_shard {
            shard.add(Slot {
                key,
                value,
                bytes,
                asked_for: AtomicBool::new(false),
            });
        }
    }

    /// Entries, and their bytes.
    pub(super) fn load(&self) -> (u64, u64) {
        let shards = self.shards.iter().map(|shard| {
            let shard = shard.read();
            (shard.places.len() as u64, shard.bytes as u64)
        });
        shards.fold((0, 0), |(entries, bytes), (more, larger)| {
            (entries + more, bytes + larger)
        })
    }

    fn print(&self, key: &K) -> Print {
        let [one, other] = &self.hashing;
        Print(one.hash_one(key), other.hash_one(key))
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard<V>> {
        // Bits that the maps do not look at first.
        let at = (hash >> 32) as usize % SHARDS;
        &self.shards[at]
    }
}

impl<V> Default for Shard<V> {
    fn default() -> Self {
        Self {
            places: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            hand: 0,
            bytes: 0,
        }
    }
}

impl<V> Shard<V> {
    fn add(&mut self, slot: Slot<V>) {
        self.bytes += slot.bytes;
        let key = slot.key;
        let at = if let Some(at) = self.free.pop() {
            self.slots[at] = Some(slot);
            at
        } else {
            self.slots.push(Some(slot));
            self.slots.len() - 1
        };
        self.places.insert(key, at);
    }

    fn take(&mut self, at: usize) -> Option<Slot<V>> {
        let slot = self.slots[at].take()?;
        self.places.remove(&slot.key);
        self.bytes -= slot.bytes;
        self.free.push(at);
        Some(slot)
    }

    /// The first entry from the hand on that nobody has asked for since the hand last passed it.
    fn evict(&mut self) -> Option<Slot<V>> {
        if self.places.is_empty() {
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

    fn put(store: &Store<u32, u32>, key: u32, bytes: usize) -> Vec<Gone> {
        let mut gone = Vec::new();
        store.put(&key, Arc::new(key), bytes, |_| false, |why, _| gone.push(why));
        gone
    }

    #[test]
    fn what_is_asked_for_outlives_a_scan() {
        let store = Store::new(SHARDS * 1_000);
        (0..40).for_each(|key| drop(put(&store, key, 100)));
        for scanned in 1_000..9_000 {
            (0..40).for_each(|key| drop(store.get(&key)));
            put(&store, scanned, 100);
        }
        let kept = (0..40).filter(|key| store.get(key).is_some()).count();
        assert!(kept >= 30, "{kept} of 40");
    }

    #[test]
    fn one_that_stays_is_not_replaced() {
        let store = Store::new(SHARDS * 1_000);
        put(&store, 7, 10);
        store.put(
            &7,
            Arc::new(8),
            10,
            |known| *known == 7,
            |_, _| panic!("nothing goes"),
        );
        assert_eq!(store.get(&7).as_deref(), Some(&7));
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
                prop_assert!(store.get(&key).is_some_and(|value| *value == key), "it was put just now");
                prop_assert!(store.load().1 <= 16_000);
            }
            for key in 0..300 {
                prop_assert!(store.get(&key).is_none_or(|value| *value == key));
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
