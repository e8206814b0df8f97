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

    /// Forgets the reads for `keys` once it is dropped, as far as nobody waits for them by then.
    pub(crate) fn landing<'f>(&'f self, keys: &'f [K]) -> impl Drop + use<'f, K, B, T> {
        Landing { flights: self, keys }
    }

    fn land(&self, keys: &[K]) {
        let mut under_way = self.0.lock();
        for key in keys {
            let over = |known: &UnderWay<B, T>| known.read.upgrade().is_none_or(|read| read.peek().is_some());
            if under_way.get(key).is_some_and(over) {
                under_way.remove(key);
            }
        }
    }
}

/// Whoever waits for reads holds one, and drops it after them: also a caller that has given up.
struct Landing<'f, K: Hash + Eq + Clone, B, T: Clone> {
    flights: &'f Flights<K, B, T>,
    keys: &'f [K],
}

impl<K: Hash + Eq + Clone, B, T: Clone> Drop for Landing<'_, K, B, T> {
    fn drop(&mut self) {
        self.flights.land(self.keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_of_callers_that_gave_up_are_forgotten() {
        let flights: Flights<u8, (), ()> = Flights::default();
        let keys = [1, 2];
        let never = |alone: &[usize]| {
            alone
                .iter()
                .map(|_| ((), futures::future::pending().boxed()))
                .collect()
        };
        {
            let _landing = flights.landing(&keys);
            let reads = flights.join(&keys, |_, ()| true, never);
            let mut all = futures::future::join_all(reads);
            assert!((&mut all).now_or_never().is_none());
            assert_eq!(flights.0.lock().len(), 2);
        }
        assert!(flights.0.lock().is_empty());
    }
}
