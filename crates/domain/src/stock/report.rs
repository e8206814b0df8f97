//! What sources report.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::Pool;
use crate::id::{self, InvalidId, SkuId};

/// One source's word on the stock of a SKU in a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReport {
    /// The SKU; may be unknown yet, then the report is kept for when it comes.
    pub sku: SkuId,
    /// The pool.
    pub pool: Pool,
    /// The system that reports, such as `wms-1`; versions are ordered per source.
    pub source: String,
    /// What it says.
    pub quantity: Reported,
}

/// A set or a delta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reported {
    /// "There are `available` units." Ordered by `source_version`; an older or equal one changes nothing.
    Set {
        /// Units, not negative.
        available: i64,
        /// Rises with every report of this source for this SKU and pool; not 0.
        source_version: u64,
    },
    /// "`change` units came or went." Applied once per key, in any order.
    Delta {
        /// Units, negative for sales.
        change: i64,
        /// Makes a repeated report harmless.
        idempotency_key: String,
    },
}

impl StockReport {
    /// Who reports when nobody is named.
    pub const DEFAULT_SOURCE: &'static str = "default";
    /// Units of a set.
    pub const AVAILABLE: RangeInclusive<i64> = 0..=1_000_000_000_000;
    /// Units of a delta, which are not 0: sums of many stay far inside 64 bits.
    pub const CHANGE: RangeInclusive<i64> = -1_000_000_000_000..=1_000_000_000_000;
    /// Versions of a source; they are kept as signed numbers.
    pub const VERSIONS: RangeInclusive<u64> = 1..=i64::MAX as u64;

    /// The same, if it can be meant.
    ///
    /// # Errors
    /// The first thing that cannot.
    pub fn checked(self) -> Result<Self, InvalidReport> {
        id::check(&self.source).map_err(InvalidReport::Source)?;
        match &self.quantity {
            Reported::Set { available, .. } if !Self::AVAILABLE.contains(available) => {
                Err(InvalidReport::Available(*available))
            }
            Reported::Set { source_version, .. } if !Self::VERSIONS.contains(source_version) => {
                Err(InvalidReport::Version(*source_version))
            }
            Reported::Delta { change, .. } if *change == 0 || !Self::CHANGE.contains(change) => {
                Err(InvalidReport::Change(*change))
            }
            Reported::Delta { idempotency_key, .. } => {
                id::check(idempotency_key).map_err(InvalidReport::Key)?;
                Ok(self)
            }
            Reported::Set { .. } => Ok(self),
        }
    }
}

/// A report that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReport {
    /// The name of the source.
    #[error("the source {0}")]
    Source(#[source] InvalidId),
    /// Units of a set.
    #[error("available must be from {low} to {high}, not {0}", low = StockReport::AVAILABLE.start(), high = StockReport::AVAILABLE.end())]
    Available(i64),
    /// The version of a set.
    #[error("the source version must be from {low} to {high}, not {0}", low = StockReport::VERSIONS.start(), high = StockReport::VERSIONS.end())]
    Version(u64),
    /// Units of a delta.
    #[error("the change must be from {low} to {high} and not 0, not {0}", low = StockReport::CHANGE.start(), high = StockReport::CHANGE.end())]
    Change(i64),
    /// The key of a delta.
    #[error("the idempotency key {0}")]
    Key(#[source] InvalidId),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(quantity: Reported) -> StockReport {
        StockReport {
            sku: SkuId::new("s").expect("a valid id"),
            pool: Pool::Normal,
            source: StockReport::DEFAULT_SOURCE.to_owned(),
            quantity,
        }
    }

    fn set(available: i64, source_version: u64) -> StockReport {
        report(Reported::Set {
            available,
            source_version,
        })
    }

    fn delta(change: i64, key: &str) -> StockReport {
        report(Reported::Delta {
            change,
            idempotency_key: key.to_owned(),
        })
    }

    #[test]
    fn reports_that_cannot_be_meant_are_refused() {
        for meant in [set(0, 1), set(7, i64::MAX as u64), delta(-3, "k")] {
            assert_eq!(meant.clone().checked(), Ok(meant));
        }
        assert_eq!(set(-1, 1).checked(), Err(InvalidReport::Available(-1)));
        assert_eq!(set(1, 0).checked(), Err(InvalidReport::Version(0)));
        assert_eq!(delta(0, "k").checked(), Err(InvalidReport::Change(0)));
        assert_eq!(delta(1, "").checked(), Err(InvalidReport::Key(InvalidId::Empty)));
        let nobody = StockReport {
            source: String::new(),
            ..set(1, 1)
        };
        assert_eq!(nobody.checked(), Err(InvalidReport::Source(InvalidId::Empty)));
    }
}
