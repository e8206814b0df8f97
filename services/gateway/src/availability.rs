//! What of all products can be bought, in memory, as of the feed's last entry.
//!
//! Each pool is a [`Table`] of 8-byte slots without ids: 11 to 22 bytes per product of the normal pool, and for other
//! pools, which hold few products, 8 KB at least. All tables of a shelf have the same prints. One task writes; readers
//! never wait for it.

mod pulse;
mod table;

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use tandem_domain::id::ProductId;
use tandem_domain::stock::{Availability, Pool};
use tandem_domain::surface::StockRules;

pub use pulse::{Age, Pulse};
pub use table::{Reading, Sight, Table};

type Pools = HashMap<Pool, Arc<Table>>;

/// Sellable states of all products of a marketplace. An empty one knows nothing.
#[derive(Debug)]
pub struct Shelf {
    normal: ArcSwap<Table>,
    pools: RwLock<Pools>,
    /// How often the normal pool has moved.
    moves: AtomicU64,
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
            moves: AtomicU64::new(0),
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
        // Counted before anything is looked at: what has moved by this count is seen.
        let moves = self.moves.load(Ordering::Acquire);
        Reading::counted(self.normal.load_full(), moves)
    }

    /// A consistent look at the pools that one answer sells from: the normal one where `rules` say so, and `pool`.
    #[must_use]
    pub fn reading(&self, rules: &StockRules, pool: Option<&Pool>) -> Reading {
        let named = pool.filter(|pool| **pool != Pool::Normal);
        let beside = named.and_then(|pool| self.pools.read().get(pool).map(Arc::clone));
        match (rules.sells_normal(), beside) {
            (true, None) => self.normal(),
            (true, beside) => Reading::new(self.normal.load_full(), beside),
            (false, Some(own)) => Reading::new(own, None),
            (false, None) => Reading::new(Arc::new(Table::new(self.normal.load().hashing())), None),
        }
    }

    /// The state of a product in a pool.
    #[must_use]
    pub fn state(&self, product: &ProductId, pool: &Pool) -> Availability {
        if *pool == Pool::Normal {
            return self.normal().state(product);
        }
        let pools = self.pools.read();
        pools
            .get(pool)
            .map_or(Availability::Unknown, |table| table.state(product))
    }

    /// Notes a state; readers see it at once.
    pub fn set(&self, product: &ProductId, pool: &Pool, state: Availability) {
        let _writing = self.writing.lock();
        if *pool == Pool::Normal {
            if let Some(larger) = noted(&self.normal.load(), product, state) {
                self.normal.store(Arc::new(larger));
            }
            self.moves.fetch_add(1, Ordering::Release);
            return;
        }
        let table = self.pools.read().get(pool).map(Arc::clone);
        let table = table.unwrap_or_else(|| Arc::new(Table::new(self.normal.load().hashing())));
        let larger = noted(&table, product, state);
        let table = larger.map_or(table, Arc::new);
        self.pools.write().insert(pool.clone(), table);
    }

    /// Takes over everything that `other` holds, in one step for the normal pool.
    pub fn replace_by(&self, other: Self) {
        let _writing = self.writing.lock();
        self.normal.store(other.normal.into_inner());
        self.moves.fetch_add(1, Ordering::Release);
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

/// Notes a state, in a larger table where there is no room left.
fn noted(table: &Table, product: &ProductId, state: Availability) -> Option<Table> {
    table.set(product, state).err()?;
    let mut larger = table.grown();
    while larger.set(product, state).is_err() {
        larger = larger.grown();
    }
    Some(larger)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use tandem_domain::stock::{PoolKind, SellableCount};

    use super::*;

    fn product(no: u32) -> ProductId {
        ProductId::new(format!("product {no}")).expect("a valid id")
    }

    fn known(units: u64) -> Availability {
        Availability::of(SellableCount::saturating(units))
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
    fn a_reading_sells_from_what_the_rules_and_the_request_name() {
        let shelf = Shelf::default();
        let room = Pool::Room("42".into());
        shelf.set(&product(1), &Pool::Normal, known(3));
        shelf.set(&product(1), &room, known(4));
        shelf.set(&product(2), &room, known(5));
        let rules = StockRules::default();
        let both = shelf.reading(&rules, Some(&room));
        assert_eq!(
            (both.state(&product(1)), both.state(&product(2))),
            (known(7), known(5))
        );
        assert_eq!(shelf.reading(&rules, None).state(&product(1)), known(3));
        assert_eq!(
            shelf.reading(&rules, Some(&Pool::Normal)).state(&product(1)),
            known(3)
        );
        let own = StockRules {
            pools: vec![PoolKind::Room],
            ..rules
        };
        assert_eq!(shelf.reading(&own, Some(&room)).state(&product(1)), known(4));
        assert_eq!(
            shelf.reading(&own, None).state(&product(1)),
            Availability::Unknown
        );
        shelf.set(&product(1), &Pool::Normal, Availability::Delisted);
        assert_eq!(both.state(&product(1)), Availability::Delisted);
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
