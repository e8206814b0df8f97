//! Stock: what sources report, what the store keeps, what a shopper may buy.

mod report;
mod standing;
mod thresholds;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::StockPolicy;
use crate::clock::Timestamp;
use crate::id::{InvalidId, ProductId, ShopId, SkuId};
pub use report::{InvalidReport, Reported, StockReport};
pub use standing::{PolicySet, Standing, Supply};
pub use thresholds::{InvalidThresholds, ShopThresholds, Thresholds};

/// A pool that stock is set aside in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(try_from = "String", into = "String")]
pub enum Pool {
    /// What everyone may buy.
    #[default]
    Normal,
    /// Held back: nobody may buy.
    Held,
    /// For promotions.
    Promotion,
    /// For one creator, by id.
    Creator(String),
    /// For one live room, by id.
    Room(String),
}

/// Not the name of a pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPool {
    /// Neither a fixed name nor `creator:ID` nor `room:ID`.
    #[error("{0:?} is no pool: use normal, held, promotion, creator:ID or room:ID")]
    Unknown(String),
    /// The part behind the colon is no id.
    #[error("the id in pool {0:?} {1}")]
    Id(String, #[source] InvalidId),
}

impl std::str::FromStr for Pool {
    type Err = InvalidPool;
    fn from_str(name: &str) -> Result<Self, InvalidPool> {
        let owner = |id: &str| match SkuId::new(id) {
            Ok(_) => Ok(id.to_owned()),
            Err(why) => Err(InvalidPool::Id(name.to_owned(), why)),
        };
        match name.split_once(':') {
            None if name == "normal" => Ok(Self::Normal),
            None if name == "held" => Ok(Self::Held),
            None if name == "promotion" => Ok(Self::Promotion),
            Some(("creator", id)) => owner(id).map(Self::Creator),
            Some(("room", id)) => owner(id).map(Self::Room),
            _ => Err(InvalidPool::Unknown(name.to_owned())),
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Held => f.write_str("held"),
            Self::Promotion => f.write_str("promotion"),
            Self::Creator(id) => write!(f, "creator:{id}"),
            Self::Room(id) => write!(f, "room:{id}"),
        }
    }
}

/// What kind of pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// What everyone may buy.
    Normal,
    /// Held back.
    Held,
    /// For promotions.
    Promotion,
    /// For one creator.
    Creator,
    /// For one live room.
    Room,
}

impl PoolKind {
    /// The name in configuration; that of the pool, without an owner.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Held => "held",
            Self::Promotion => "promotion",
            Self::Creator => "creator",
            Self::Room => "room",
        }
    }
}

impl Pool {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> PoolKind {
        match self {
            Self::Normal => PoolKind::Normal,
            Self::Held => PoolKind::Held,
            Self::Promotion => PoolKind::Promotion,
            Self::Creator(_) => PoolKind::Creator,
            Self::Room(_) => PoolKind::Room,
        }
    }
}

impl TryFrom<String> for Pool {
    type Error = InvalidPool;
    fn try_from(name: String) -> Result<Self, InvalidPool> {
        name.parse()
    }
}

impl From<Pool> for String {
    fn from(pool: Pool) -> Self {
        pool.to_string()
    }
}

/// What became of one report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockOutcome {
    /// The state after the report.
    pub level: StockLevel,
    /// False when it was older, doubled, or said what was known already.
    pub applied: bool,
    /// Whether a product holds the SKU. Stock of unknown SKUs is kept but not sold.
    pub known_sku: bool,
}

/// The stock of a SKU in a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// The SKU.
    pub sku: SkuId,
    /// The pool.
    pub pool: Pool,
    /// Units; deltas may take it below 0.
    pub available: i64,
    /// Assigned by the store; rises with every change of this SKU and pool.
    pub store_version: u64,
    /// Time of the last change.
    pub updated: Timestamp,
}

/// Units of `available` that are counted under `policy`: none where stock is not counted.
#[must_use]
pub fn counted(policy: StockPolicy, available: i64) -> u32 {
    match policy {
        StockPolicy::Tracked | StockPolicy::ContinueSelling => {
            u32::try_from(available.max(0)).unwrap_or(u32::MAX)
        }
        StockPolicy::Untracked | StockPolicy::PreOrder => 0,
    }
}

/// A change of stock on its way to the cache: everything needed to project it, so that no SQL read sits in between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockChange {
    /// The product that the SKU belongs to.
    pub product: ProductId,
    /// The SKU.
    pub sku: SkuId,
    /// The pool.
    pub pool: Pool,
    /// Compared in the cache: an older one changes nothing.
    pub store_version: u64,
    /// Exact units, for quotes.
    pub available: i64,
    /// Units that are counted, by the SKU's policy.
    pub sellable: u32,
    /// How stock decides whether the SKU can be bought.
    #[serde(default)]
    pub policy: StockPolicy,
    /// The shop whose thresholds judge the product; `None` when nobody knows it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
}

/// What a gateway knows of a product in a pool: sellable units that saturate at 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SellableCount(u8);

impl SellableCount {
    /// Cannot be bought.
    pub const NONE: Self = Self(0);
    /// 255 or more.
    pub const MANY: Self = Self(u8::MAX);

    /// Saturates `units` at 255.
    #[must_use]
    pub fn saturating(units: u64) -> Self {
        Self(u8::try_from(units).unwrap_or(u8::MAX))
    }

    /// The count; 255 stands for "255 or more".
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether at least one unit may be sold.
    #[must_use]
    pub const fn can_be_bought(self) -> bool {
        self.0 > 0
    }

    /// This and more.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }

    /// Sets that this is enough for, with `quantity` units in each; "255 or more" is taken for 255.
    #[must_use]
    pub fn over(self, quantity: u32) -> Self {
        Self::saturating(u64::from(self.0) / u64::from(quantity.max(1)))
    }
}

/// Sellable state as the gateway sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Availability {
    /// No stock was ever reported: not sellable unless a surface says otherwise.
    Unknown,
    /// Stock was reported.
    Known(Standing),
    /// Taken off sale.
    Delisted,
}

impl Availability {
    /// So many counted units, and plenty of them while there are any.
    #[must_use]
    pub fn of(units: SellableCount) -> Self {
        Self::Known(units.into())
    }

    /// The state over this pool and another: what is off sale in one is off sale, what is known adds up.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Delisted, _) | (_, Self::Delisted) => Self::Delisted,
            (Self::Known(own), Self::Known(other)) => Self::Known(own.and(other)),
            (known, Self::Unknown) | (Self::Unknown, known) => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_read_as_they_print() {
        for pool in [
            Pool::Normal,
            Pool::Held,
            Pool::Promotion,
            Pool::Creator("c1".into()),
            Pool::Room("r:1".into()),
        ] {
            assert_eq!(pool.to_string().parse::<Pool>(), Ok(pool));
        }
        assert!("cellar".parse::<Pool>().is_err());
        assert!("room:".parse::<Pool>().is_err());
    }

    #[test]
    fn only_what_is_counted_and_there_counts() {
        assert_eq!(counted(StockPolicy::Tracked, -3), 0);
        assert_eq!(counted(StockPolicy::ContinueSelling, -3), 0);
        assert_eq!(counted(StockPolicy::ContinueSelling, 4), 4);
        assert_eq!(counted(StockPolicy::PreOrder, 4), 0);
        assert_eq!(SellableCount::saturating(1000), SellableCount::MANY);
    }

    #[test]
    fn sets_are_the_quotient_rounded_down() {
        let units = SellableCount::saturating(7);
        assert_eq!(
            (units.over(1).get(), units.over(2).get(), units.over(8).get()),
            (7, 3, 0)
        );
    }

    #[test]
    fn a_pool_adds_to_another_and_off_sale_is_off_sale_everywhere() {
        let (three, four) = (
            Availability::of(SellableCount::saturating(3)),
            Availability::of(SellableCount::saturating(4)),
        );
        assert_eq!(three.and(four), Availability::of(SellableCount::saturating(7)));
        assert_eq!(Availability::Unknown.and(four), four);
        assert_eq!(three.and(Availability::Delisted), Availability::Delisted);
    }
}
