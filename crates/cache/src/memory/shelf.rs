//! The stock of one product, and what a gateway is to know of it.

use std::collections::{BTreeMap, HashMap};

use tandem_domain::catalog::Listing;
use tandem_domain::id::SkuId;
use tandem_domain::stock::{Availability, Pool, SellableCount, StockChange};

use crate::port::ExactStock;
use crate::version::Version;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    listing: Option<(Version, Listing)>,
    stock: BTreeMap<(SkuId, Pool), Level>,
    /// Sellable units over all SKUs, per pool.
    totals: BTreeMap<Pool, u64>,
    /// What the feed said last.
    announced: HashMap<Pool, Availability>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    version: Version,
    available: i64,
    sellable: u32,
}

/// A state that moved.
pub(super) type Move = (Pool, Availability);

impl Shelf {
    /// Whether the change was newer than what stood there, and the state if it moved.
    pub(super) fn put_stock(&mut self, version: Version, change: &StockChange) -> (bool, Option<Move>) {
        let level = Level {
            version,
            available: change.available,
            sellable: change.sellable,
        };
        let key = (change.sku.clone(), change.pool.clone());
        let before = self.stock.get(&key).copied();
        if before.is_some_and(|before| before.version >= version) {
            return (false, None);
        }
        self.stock.insert(key, level);
        let total = self.totals.entry(change.pool.clone()).or_default();
        *total = *total - before.map_or(0, |before| before.sellable.into()) + u64::from(change.sellable);
        (true, self.moved(&change.pool))
    }

    /// Whether the change was newer than what stood there, and the states that moved.
    pub(super) fn put_listing(&mut self, version: Version, listing: Listing) -> (bool, Vec<Move>) {
        if self.listing.is_some_and(|(before, _)| before >= version) {
            return (false, Vec::new());
        }
        self.listing = Some((version, listing));
        let mut pools: Vec<Pool> = self.totals.keys().cloned().collect();
        if !pools.contains(&Pool::Normal) {
            pools.push(Pool::Normal);
        }
        (true, pools.iter().filter_map(|pool| self.moved(pool)).collect())
    }

    /// Whatever was announced and is not "unknown".
    pub(super) fn states(&self) -> impl Iterator<Item = (&Pool, &Availability)> {
        self.announced.iter()
    }

    pub(super) fn exact(&self) -> impl Iterator<Item = ExactStock> {
        self.stock.iter().map(|((sku, pool), level)| ExactStock {
            sku: sku.clone(),
            pool: pool.clone(),
            available: level.available,
            sellable: level.sellable,
        })
    }

    fn moved(&mut self, pool: &Pool) -> Option<Move> {
        let now = self.state(pool);
        let before = match now {
            Availability::Unknown => self.announced.remove(pool),
            now => self.announced.insert(pool.clone(), now),
        };
        let before = before.unwrap_or(Availability::Unknown);
        (before != now).then(|| (pool.clone(), now))
    }

    fn state(&self, pool: &Pool) -> Availability {
        if matches!(self.listing, Some((_, Listing::Delisted))) {
            return Availability::Delisted;
        }
        match self.totals.get(pool) {
            Some(&units) => Availability::Known(SellableCount::saturating(units)),
            None => Availability::Unknown,
        }
    }
}
