//! One read per key, however many callers miss it.

use std::collections::HashMap;
use std::hash::Hash;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;

/// A read that several callers wait for. Whoever waits drives it, so that it goes on when the first gives up.
pub(crate) type Flight<T> = Shared<BoxFuture<'static, T>>;

/// Reads under way, each with what it was begun for.
#[derive(Debug)]
pub(crate) struct Flights<K, B, T>(Mutex<HashMap<K, UnderWay<B, T>>>);

#[derive(Debug)]
struct UnderWay<B, T> {
    begun: B,
    read: WeakShared<BoxFuture<'static, T>>,
}

impl<K, B, T> Default for Flights<K, B, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone, B, T: Clone> Flights<K, B, T> {
    /// The reads for `keys`, in their order: one that is under way and `suits`, or else its part of what `begin`
    /// makes of the keys that nobody reads; it is given their places among `keys`.
    pub(crate) fn join(
        &self,
        keys: &[K],
        suits: impl Fn(usize, &B) -> bool,
        begin: impl FnOnce(&[usize]) -> Vec<(B, BoxFuture<'static, T>)>,
    ) -> Vec<Flight<T>> {
        let mut under_way = self.0.lock();
        let joined: Vec<Option<Flight<T>>> = keys
            .iter()
            .enumerate()
            .map(|(at, key)| {
                under_way
                    .get(key)
                    .filter(|known| suits(at, &known.begun))?
                    .read
                    .upgrade()
            })
            .collect();
        let alone: Vec<usize> = (0..keys.len()).filter(|at| joined[*at].is_none()).collect();
        let mut begun = if alone.is_empty() {
            Vec::new()
        } else {
            begin(&alone)
        }
        .into_iter();
        let flights = joined.into_iter().zip(keys).map(|(joined, key)| {
            joined.or_else(|| {
                let (begun, read) = begun.next()?;
                let read = read.shared();
                if let Some(read) = read.downgrade() {
                    under_way.insert(key.clone(), UnderWay { begun, read });
                }
                Some(read)
            })
        });
        flights.flatten().collect()
    }

    /// Forgets reads that nobody waits for any more; called by whoever has finished one.
    pub(crate) fn land(&self, keys: &[K]) {
        let mut under_way = self.0.lock();
        for key in keys {
            let over = |known: &UnderWay<B, T>| known.read.upgrade().is_none_or(|read| read.peek().is_some());
            if under_way.get(key).is_some_and(over) {
                under_way.remove(key);
            }
        }
    }
}
