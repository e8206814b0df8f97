//! How products sell, as far as it decides whether one may be attached to a bestseller.

use serde::{Deserialize, Serialize};

use crate::id::ProductId;

/// Days over which sales are counted.
pub const WINDOW_DAYS: i32 = 30;

/// The kind of tag by which a catalogue marks what it sells off: a product with any tag of this kind.
pub const CLEARANCE: &str = "clearance";

/// What the store knows of a product's sales at a day zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selling {
    /// The product.
    pub product: ProductId,
    /// UTC day on which the catalogue first held it.
    pub created: i32,
    /// Units bought in the [`WINDOW_DAYS`] that end with day zero.
    pub units: u64,
    /// Whether the catalogue marks it as [`CLEARANCE`].
    pub clearance: bool,
}

/// How a product sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// UTC day since which it is known: when the catalogue first held it, or its first event, whichever came first.
    pub since: i32,
    /// Units bought in the [`WINDOW_DAYS`] before it was counted; `None` of a product that was not known all that time.
    pub sold: Option<u32>,
    /// Whether the catalogue marks it as [`CLEARANCE`].
    pub clearance: bool,
}

impl Pace {
    /// Units below which a rule may call a product slow, at most.
    pub const MAX_SLOW_BELOW: u32 = 100;
    /// Days for which a rule may call a product new, at most.
    pub const MAX_NEW_DAYS: u32 = 90;

    /// Of a product whose first event, if any, was on this day.
    #[must_use]
    pub fn of(selling: &Selling, first_event: Option<i32>, day_zero: i32) -> Self {
        let since = first_event.map_or(selling.created, |day| day.min(selling.created));
        let known_throughout = since <= day_zero.saturating_sub(WINDOW_DAYS);
        Self {
            since,
            sold: known_throughout.then(|| u32::try_from(selling.units).unwrap_or(u32::MAX)),
            clearance: selling.clearance,
        }
    }

    /// Whether any rule could attach it, at the day zero that it was counted at or later.
    #[must_use]
    pub fn may_be_attached(&self, day_zero: i32) -> bool {
        self.clearance
            || self.sold.is_some_and(|units| units < Self::MAX_SLOW_BELOW)
            || self.is_new(Self::MAX_NEW_DAYS, day_zero)
    }

    /// Whether it is known for fewer than so many days.
    #[must_use]
    pub fn is_new(&self, days: u32, today: i32) -> bool {
        i64::from(today) - i64::from(self.since) < i64::from(days)
    }
}

/// Why a companion is attached to a bestseller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attached {
    /// It sells too little.
    Slow,
    /// It is new.
    New,
    /// It is sold off.
    Clearance,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selling(created: i32, units: u64) -> Selling {
        Selling {
            product: ProductId::new("p").expect("a valid id"),
            created,
            units,
            clearance: false,
        }
    }

    #[test]
    fn a_product_is_known_since_its_first_event_or_its_first_row() {
        assert_eq!(Pace::of(&selling(100, 0), Some(40), 120).since, 40);
        assert_eq!(Pace::of(&selling(100, 0), Some(110), 120).since, 100);
        assert_eq!(Pace::of(&selling(100, 0), None, 120).since, 100);
    }

    #[test]
    fn who_was_not_there_all_the_time_is_not_slow() {
        assert_eq!(Pace::of(&selling(90, 3), None, 120).sold, Some(3));
        assert_eq!(Pace::of(&selling(91, 3), None, 120).sold, None);
    }

    #[test]
    fn what_sells_well_for_long_is_never_attached() {
        let pace = |created, units| Pace::of(&selling(created, units), None, 200);
        assert!(pace(0, 99).may_be_attached(200) && !pace(0, 100).may_be_attached(200));
        assert!(pace(111, 1_000).may_be_attached(200) && !pace(110, 1_000).may_be_attached(200));
    }
}
