//! One read per key, however many callers miss it.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;

use super::key::{Key, Known};

/// A read that several callers wait for. Whoever waits drives it, so that it goes on when the first gives up.
pub(crate) type Flight<T> = Shared<BoxFuture<'static, T>>;

/// Reads under way, each of one or more keys, with what each key's was begun for.
#[derive(Debug)]
pub(crate) struct Flights<B, T>(Mutex<HashMap<Key, UnderWay<B, T>, BuildHasherDefault<Known>>>);

#[derive(Debug)]
struct UnderWay<B, T> {
    begun: B,
    read: WeakShared<BoxFuture<'static, T>>,
    at: usize,
}

/// Where what is read of a key will be found.
#[derive(Debug)]
pub(crate) struct Seat<T> {
    /// The read.
    pub(crate) flight: Flight<T>,
    /// Its place among the keys that the read was begun for.
    pub(crate) at: usize,
}

impl<B, T> Default for Flights<B, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<B, T: Clone> Flights<B, T> {
    /// The reads for `keys`, in their order: one that is under way and `suits`, or else the one that `begin` makes of all
    /// keys that nobody reads; it is given their places among `keys`, and says of each what it is begun for.
    pub(crate) fn join(
        &self,
        keys: &[Key],
        suits: impl Fn(usize, &B) -> bool,
        begin: impl FnOnce(&[usize]) -> (Vec<B>, BoxFuture<'static, T>),
    ) -> Vec<Seat<T>> {
        let mut under_way = self.0.lock();
        let joined: Vec<Option<Seat<T>>> = keys
            .iter()
            .enumerate()
            .map(|(place, key)| {
                let known = under_way.get(key).filter(|known| suits(place, &known.begun))?;
                let flight = known.read.upgrade()?;
                Some(Seat { flight, at: known.at })
            })
            .collect();
        let alone: Vec<usize> = (0..keys.len()).filter(|place| joined[*place].is_none()).collect();
        if alone.is_empty() {
            return joined.into_iter().flatten().collect();
        }
        let (begun, read) = begin(&alone);
        let flight = read.shared();
        let mut begun = begun.into_iter().enumerate();
        let seats = joined.into_iter().zip(keys).map(|(joined, key)| {
            joined.or_else(|| {
                let (at, begun) = begun.next()?;
                if let Some(read) = flight.downgrade() {
                    under_way.insert(*key, UnderWay { begun, read, at });
                }
                let flight = flight.clone();
                Some(Seat { flight, at })
            })
        });
        seats.flatten().collect()
    }

    /// Forgets the reads for `keys` once it is dropped, as far as nobody waits for them by then.
    pub(crate) fn landing<'f>(&'f self, keys: &'f [Key]) -> impl Drop + use<'f, B, T> {
        Landing { flights: self, keys }
    }

    fn land(&self, keys: &[Key]) {
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
struct Landing<'f, B, T: Clone> {
    flights: &'f Flights<B, T>,
    keys: &'f [Key],
}

impl<B, T: Clone> Drop for Landing<'_, B, T> {
    fn drop(&mut self) {
        self.flights.land(self.keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_of_callers_that_gave_up_are_forgotten() {
        let flights: Flights<(), ()> = Flights::default();
        let keys = [1, 2].map(Key::numbered);
        let never = |alone: &[usize]| (vec![(); alone.len()], futures::future::pending().boxed());
        {
            let _landing = flights.landing(&keys);
            let seats = flights.join(&keys, |_, ()| true, never);
            let mut all = futures::future::join_all(seats.into_iter().map(|seat| seat.flight));
            assert!((&mut all).now_or_never().is_none());
            assert_eq!(flights.0.lock().len(), 2);
        }
        assert!(flights.0.lock().is_empty());
    }
}
