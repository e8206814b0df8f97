//! When units run low: a shop's thresholds, with a buffer and hysteresis.

use serde::{Deserialize, Serialize};

use super::{SellableCount, Supply};
use crate::id::ShopId;

/// A shop's thresholds. The default keeps nothing back and calls nothing low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// So many units or fewer are low.
    pub low: u32,
    /// So many units or fewer are critical; at most `low`.
    pub critical: u32,
    /// Units that are kept back: never sold, so that orders under way find theirs.
    pub buffer: u32,
    /// Units above a threshold that must be there before the supply is called better again, so that it does not flicker.
    pub hysteresis: u32,
}

/// Thresholds that contradict each other, or lie beyond what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidThresholds {
    /// Critical above low.
    #[error("critical ({critical}) must not lie above low ({low})")]
    Order {
        /// As given.
        critical: u32,
        /// As given.
        low: u32,
    },
    /// Above what gateways count.
    #[error("low and hysteresis together ({0}) must not exceed {max}", max = Thresholds::MAX_COUNTED)]
    Beyond(u64),
    /// Too much is kept back.
    #[error("the buffer ({0}) must not exceed {max}", max = Thresholds::MAX_BUFFER)]
    Buffer(u32),
}

impl Thresholds {
    /// Gateways count to 255: whoever has more has plenty.
    pub const MAX_COUNTED: u64 = 254;
    /// The most that may be kept back.
    pub const MAX_BUFFER: u32 = 1_000_000;

    /// The same, if they make sense together.
    ///
    /// # Errors
    /// What does not.
    pub fn checked(self) -> Result<Self, InvalidThresholds> {
        let highest = u64::from(self.low) + u64::from(self.hysteresis);
        if self.critical > self.low {
            return Err(InvalidThresholds::Order {
                critical: self.critical,
                low: self.low,
            });
        }
        if highest > Self::MAX_COUNTED {
            return Err(InvalidThresholds::Beyond(highest));
        }
        if self.buffer > Self::MAX_BUFFER {
            return Err(InvalidThresholds::Buffer(self.buffer));
        }
        Ok(self)
    }

    /// What may be sold of `total` units, and how they are judged after they were judged as `before`. A threshold is
    /// reached at once going down, and left going up only with the hysteresis on top.
    #[must_use]
    pub fn judge(&self, total: u64, before: Supply) -> (SellableCount, Supply) {
        let units = total.saturating_sub(self.buffer.into());
        let tiers = [
            (Supply::Out, 0),
            (Supply::Critical, self.critical),
            (Supply::Low, self.low),
        ];
        let reached = tiers.into_iter().find(|(supply, at)| {
            let slack = if before >= *supply { self.hysteresis } else { 0 };
            let is_set = *at > 0 || *supply == Supply::Out;
            is_set && units <= u64::from(*at) + u64::from(slack)
        });
        match reached.map_or(Supply::Plenty, |(supply, _)| supply) {
            Supply::Out => (SellableCount::NONE, Supply::Out),
            supply => (SellableCount::saturating(units), supply),
        }
    }
}

/// The thresholds of a shop, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopThresholds {
    /// The shop.
    pub shop: ShopId,
    /// Its thresholds.
    pub thresholds: Thresholds,
    /// Rises by one with every change; 0 before the first.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHOP: Thresholds = Thresholds {
        low: 10,
        critical: 3,
        buffer: 2,
        hysteresis: 4,
    };

    fn walk(thresholds: &Thresholds, totals: &[u64]) -> Vec<(u8, Supply)> {
        let mut before = Supply::Plenty;
        let mut seen = Vec::new();
        for total in totals {
            let (units, supply) = thresholds.judge(*total, before);
            before = supply;
            seen.push((units.get(), supply));
        }
        seen
    }

    #[test]
    fn supply_worsens_at_once_and_recovers_with_hysteresis() {
        use Supply::{Critical, Low, Out, Plenty};
        let totals = [50, 12, 13, 16, 17, 5, 9, 10, 2, 6, 7];
        let expected = [
            (48, Plenty),
            (10, Low),
            (11, Low),
            (14, Low),
            (15, Plenty),
            (3, Critical),
            (7, Critical),
            (8, Low),
            (0, Out),
            (0, Out),
            (5, Critical),
        ];
        assert_eq!(walk(&SHOP, &totals), expected);
    }

    #[test]
    fn without_thresholds_only_nothing_is_out() {
        use Supply::{Out, Plenty};
        let seen = walk(&Thresholds::default(), &[1, 0, 1, 300]);
        assert_eq!(seen, [(1, Plenty), (0, Out), (1, Plenty), (255, Plenty)]);
    }

    #[test]
    fn thresholds_that_contradict_each_other_are_refused() {
        assert_eq!(SHOP.checked(), Ok(SHOP));
        let crossed = Thresholds { critical: 11, ..SHOP };
        assert!(matches!(crossed.checked(), Err(InvalidThresholds::Order { .. })));
        let far = Thresholds {
            hysteresis: 245,
            ..SHOP
        };
        assert!(matches!(far.checked(), Err(InvalidThresholds::Beyond(255))));
    }

    proptest! {
        #[test]
        fn more_units_are_never_judged_worse(
            total in 0..300_u64, more in 0..50_u64, before in prop::sample::select(Supply::ALL.to_vec()),
        ) {
            let (units, supply) = SHOP.judge(total, before);
            let (then, better) = SHOP.judge(total + more, before);
            prop_assert!(better <= supply && then >= units);
            prop_assert_eq!(supply == Supply::Out, units == SellableCount::NONE);
        }

        #[test]
        fn judging_again_changes_nothing(total in 0..300_u64, before in prop::sample::select(Supply::ALL.to_vec())) {
            let (_, supply) = SHOP.judge(total, before);
            prop_assert_eq!(SHOP.judge(total, supply).1, supply);
        }
    }
}
