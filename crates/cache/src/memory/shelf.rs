//! The stock of one product, and what a gateway is to know of it.

use std::collections::{BTreeMap, HashMap};

use tandem_domain::catalog::{Listing, StockPolicy};
use tandem_domain::id::{ShopId, SkuId};
use tandem_domain::stock::{Availability, PolicySet, Pool, Standing, StockChange, Supply, Thresholds};

use crate::port::ExactStock;
use crate::version::Version;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    listing: Option<(Version, Listing)>,
    /// Whose thresholds judge it.
    shop: Option<ShopId>,
    stock: BTreeMap<(SkuId, Pool), Level>,
    /// What was derived of each pool last; the supply decides on the next one.
    supplies: BTreeMap<Pool, Supply>,
    /// What the feed said last.
    announced: HashMap<Pool, Availability>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    version: Version,
    available: i64,
    sellable: u32,
    policy: StockPolicy,
}

/// The thresholds of every shop that has any.
pub(super) type AllThresholds = HashMap<ShopId, (Version, Thresholds)>;

/// A state that moved.
pub(super) type Move = (Pool, Availability);

impl Shelf {
    /// Whether the change was newer than what stood there, and the state if it moved.
    pub(super) fn put_stock(
        &mut self,
        version: Version,
        change: &StockChange,
        thresholds: &AllThresholds,
    ) -> (bool, Option<Move>) {
        let level = Level {
            version,
            available: change.available,
            sellable: change.sellable,
            policy: change.policy,
        };
        let key = (change.sku.clone(), change.pool.clone());
        if self
            .stock
            .get(&key)
            .is_some_and(|before| before.version >= version)
        {
            return (false, None);
        }
        self.stock.insert(key, level);
        if let Some(shop) = &change.shop {
            self.shop = Some(shop.clone());
        }
        (true, self.moved(&change.pool, thresholds))
    }

    /// Whether the change was newer than what stood there, and the states that moved.
    pub(super) fn put_listing(
        &mut self,
        version: Version,
        listing: Listing,
        thresholds: &AllThresholds,
    ) -> (bool, Vec<Move>) {
        if self.listing.is_some_and(|(before, _)| before >= version) {
            return (false, Vec::new());
        }
        self.listing = Some((version, listing));
        (true, self.judge_again(thresholds))
    }

    /// The version of what was reported of a SKU in a pool.
    pub(super) fn level(&mut self, sku: &SkuId, pool: &Pool) -> Option<&mut Version> {
        let level = self.stock.get_mut(&(sku.clone(), pool.clone()));
        level.map(|level| &mut level.version)
    }

    /// The version of the listing.
    pub(super) fn listing(&mut self) -> Option<&mut Version> {
        self.listing.as_mut().map(|(version, _)| version)
    }

    /// Derives the states of all pools; those that moved.
    pub(super) fn judge_again(&mut self, thresholds: &AllThresholds) -> Vec<Move> {
        let mut pools: Vec<Pool> = self.stock.keys().map(|(_, pool)| pool.clone()).collect();
        pools.push(Pool::Normal);
        pools.sort_by_key(ToString::to_string);
        pools.dedup();
        pools
            .iter()
            .filter_map(|pool| self.moved(pool, thresholds))
            .collect()
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
            policy: level.policy,
        })
    }

    fn moved(&mut self, pool: &Pool, thresholds: &AllThresholds) -> Option<Move> {
        let standing = self.judged(pool, thresholds);
        let now = match (&self.listing, standing) {
            (Some((_, Listing::Delisted)), _) => Availability::Delisted,
            (_, Some(standing)) => Availability::Known(standing),
            (_, None) => Availability::Unknown,
        };
        let before = match now {
            Availability::Unknown => self.announced.remove(pool),
            now => self.announced.insert(pool.clone(), now),
        };
        let before = before.unwrap_or(Availability::Unknown);
        (before != now).then(|| (pool.clone(), now))
    }

    /// What stands in a pool; nothing where no stock was ever reported.
    fn judged(&mut self, pool: &Pool, thresholds: &AllThresholds) -> Option<Standing> {
        let levels = self.stock.iter().filter(|((_, own), _)| own == pool);
        let (mut total, mut uncounted, mut any) = (0, PolicySet::NONE, false);
        for (_, level) in levels {
            any = true;
            total += u64::from(level.sellable);
            uncounted = uncounted.with(PolicySet::of(level.policy));
        }
        if !any {
            return None;
        }
        let limits = self.shop.as_ref().and_then(|shop| thresholds.get(shop));
        let limits = limits.map(|(_, limits)| *limits).unwrap_or_default();
        let before = self.supplies.entry(pool.clone()).or_default();
        let (units, supply) = limits.judge(total, *before);
        *before = supply;
        Some(Standing::new(units, supply, uncounted))
    }
}
