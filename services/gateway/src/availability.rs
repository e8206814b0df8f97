//! What of all products can be bought, in memory, as of the feed's last entry.
//!
//! The normal pool, asked for every candidate of every answer, lives in a [`Table`] of 8-byte slots without ids: 11 to
//! 22 bytes per product. Other pools hold few products and live in a map. One task writes; readers never wait for it.

mod pulse;
mod table;

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use tandem_domain::id::ProductId;
use tandem_domain::stock::{Availability, Pool};

pub use pulse::{Age, Pulse};
pub use table::{Reading, Table};

type Pools = HashMap<Pool, HashMap<ProductId, Availability>>;

/// Sellable states of all products of a marketplace. An empty one knows nothing.
#[derive(Debug)]
pub struct Shelf {
    normal: ArcSwap<Table>,
    pools: RwLock<Pools>,
    writing: Mutex<()>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new(RandomState::new())
    }
}

impl Shelf {
    /// An empty shelf; the seed of `hashing` keeps callers from choosing ids that collide.
    #[must_use]
    pub fn new(hashing: RandomState) -> Self {
        Self {
            normal: ArcSwap::from_pointee(Table::new(hashing)),
            pools: RwLock::default(),
            writing: Mutex::default(),
        }
    }

    /// An empty shelf with the same prints, to be filled aside.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::new(self.normal.load().hashing())
    }

    /// A consistent look at the normal pool for one answer; never waits.
    #[must_use]
    pub fn normal(&self) -> Reading {
        Reading::new(self.normal.load_full())
    }

    /// The state of a product in a pool.
    #[must_use]
    pub fn state(&self, product: &ProductId, pool: &Pool) -> Availability {
        if *pool == Pool::Normal {
            return self.normal().state(product);
        }
        let pools = self.pools.read();
        let state = pools.get(pool).and_then(|products| products.get(product));
        state.copied().unwrap_or(Availability::Unknown)
    }

    /// Notes a state; readers see it at once.
    pub fn set(&self, product: &ProductId, pool: &Pool, state: Availability) {
        let _writing = self.writing.lock();
        if *pool == Pool::Normal {
            let table = self.normal.load_full();
            if let Some(larger) = table.grown_for_one() {
                larger.set(product, state);
                self.normal.store(Arc::new(larger));
            } else {
                table.set(product, state);
            }
            return;
        }
        let mut pools = self.pools.write();
        pools
            .entry(pool.clone())
            .or_default()
            .insert(product.clone(), state);
    }

    /// Takes over everything that `other` holds, in one step for the normal pool.
    pub fn replace_by(&self, other: Self) {
        let _writing = self.writing.lock();
        self.normal.store(other.normal.into_inner());
        *self.pools.write() = other.pools.into_inner();
    }

    /// Products known in the normal pool.
    #[must_use]
    pub fn len(&self) -> usize {
        self.normal.load().len()
    }

    /// Whether no product is known in the normal pool.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory of the normal pool in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.normal.load().bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use tandem_domain::stock::SellableCount;

    use super::*;

    fn product(no: u32) -> ProductId {
        ProductId::new(format!("product {no}")).expect("a valid id")
    }

    fn known(units: u64) -> Availability {
        Availability::Known(SellableCount::saturating(units))
    }

    #[test]
    fn pools_are_apart_and_unreported_stock_is_unknown() {
        let shelf = Shelf::default();
        shelf.set(&product(1), &Pool::Normal, known(3));
        shelf.set(&product(1), &Pool::Promotion, known(7));
        assert_eq!(shelf.state(&product(1), &Pool::Normal), known(3));
        assert_eq!(shelf.state(&product(1), &Pool::Promotion), known(7));
        assert_eq!(shelf.state(&product(1), &Pool::Held), Availability::Unknown);
        assert_eq!(shelf.state(&product(2), &Pool::Normal), Availability::Unknown);
        assert_eq!(shelf.len(), 1);
    }

    #[test]
    fn a_snapshot_replaces_everything() {
        let (shelf, next) = (Shelf::default(), Shelf::default());
        shelf.set(&product(1), &Pool::Normal, known(3));
        shelf.set(&product(1), &Pool::Promotion, known(3));
        next.set(&product(2), &Pool::Normal, known(9));
        shelf.replace_by(next);
        assert_eq!(shelf.state(&product(1), &Pool::Normal), Availability::Unknown);
        assert_eq!(shelf.state(&product(1), &Pool::Promotion), Availability::Unknown);
        assert_eq!(shelf.state(&product(2), &Pool::Normal), known(9));
    }

    #[test]
    fn readers_beside_a_writer_never_miss_a_noted_product() {
        let (shelf, noted) = (Shelf::default(), AtomicU32::new(0));
        let last = 20_000;
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        let until = noted.load(Ordering::Acquire);
                        let now = shelf.normal();
                        for no in (0..until).rev().take(64) {
                            assert_ne!(now.state(&product(no)), Availability::Unknown, "{no} of {until}");
                        }
                        if until == last {
                            return;
                        }
                    }
                });
            }
            for no in 0..last {
                shelf.set(&product(no), &Pool::Normal, known(u64::from(no)));
                noted.store(no + 1, Ordering::Release);
            }
        });
    }

    #[test]
    fn a_hundred_thousand_products_cost_at_most_24_bytes_each() {
        let shelf = Shelf::default();
        let products = 100_000_u32;
        for no in 0..products {
            shelf.set(&product(no), &Pool::Normal, known(u64::from(no % 300)));
        }
        for no in (0..products).step_by(7) {
            assert_eq!(
                shelf.state(&product(no), &Pool::Normal),
                known(u64::from(no % 300))
            );
        }
        assert_eq!(shelf.len(), products as usize);
        assert!(shelf.bytes() <= 24 * products as usize, "{} bytes", shelf.bytes());
    }
}
