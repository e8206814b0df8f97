//! What is known of a product in a pool: units, what sells beyond them, and whether they run low.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SellableCount;
use crate::catalog::StockPolicy;

/// How much is left, judged by the thresholds of the shop. Derived by one writer, so that everybody sees the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Supply {
    /// Enough.
    #[default]
    Plenty,
    /// Runs low.
    Low,
    /// Almost gone.
    Critical,
    /// Nothing may be sold.
    Out,
}

impl Supply {
    /// Best first.
    pub const ALL: [Self; 4] = [Self::Plenty, Self::Low, Self::Critical, Self::Out];

    /// The name in configuration, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plenty => "plenty",
            Self::Low => "low",
            Self::Critical => "critical",
            Self::Out => "out",
        }
    }

    /// The number in records, from 0.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The supply with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl fmt::Display for Supply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of stock policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Vec<StockPolicy>", into = "Vec<StockPolicy>")]
pub struct PolicySet(u8);

impl PolicySet {
    /// No policy.
    pub const NONE: Self = Self(0);
    /// Every policy.
    pub const ALL: Self = Self(0b1111);
    /// Those that sell without units: everything but tracked.
    pub const UNCOUNTED: Self = Self(0b1110);

    /// The set of one.
    #[must_use]
    pub const fn of(policy: StockPolicy) -> Self {
        Self(1 << policy as u8)
    }

    /// Whether `policy` is in it.
    #[must_use]
    pub const fn holds(self, policy: StockPolicy) -> bool {
        self.0 & Self::of(policy).0 != 0
    }

    /// What stands in either.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether some policy stands in both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// A bit per policy: tracked 1, untracked 2, continue selling 4, pre-order 8.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits; `None` when one stands for no policy.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits <= Self::ALL.0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// Its policies, in their order.
    pub fn iter(self) -> impl Iterator<Item = StockPolicy> {
        StockPolicy::ALL
            .into_iter()
            .filter(move |policy| self.holds(*policy))
    }
}

impl FromIterator<StockPolicy> for PolicySet {
    fn from_iter<I: IntoIterator<Item = StockPolicy>>(policies: I) -> Self {
        policies
            .into_iter()
            .fold(Self::NONE, |set, policy| set.with(Self::of(policy)))
    }
}

impl From<Vec<StockPolicy>> for PolicySet {
    fn from(policies: Vec<StockPolicy>) -> Self {
        policies.into_iter().collect()
    }
}

impl From<PolicySet> for Vec<StockPolicy> {
    fn from(set: PolicySet) -> Self {
        set.iter().collect()
    }
}

/// What a product has in a pool. What is out has no units, and the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    units: SellableCount,
    supply: Supply,
    uncounted: PolicySet,
}

impl Standing {
    /// So many units, judged as `supply` while there are any, and what sells beyond them.
    #[must_use]
    pub fn new(units: SellableCount, supply: Supply, uncounted: PolicySet) -> Self {
        Self {
            units,
            supply: if units.can_be_bought() {
                supply.min(Supply::Critical)
            } else {
                Supply::Out
            },
            uncounted: PolicySet(uncounted.0 & PolicySet::UNCOUNTED.0),
        }
    }

    /// Units that may be sold.
    #[must_use]
    pub const fn units(self) -> SellableCount {
        self.units
    }

    /// How much is left of what is counted.
    #[must_use]
    pub const fn supply(self) -> Supply {
        self.supply
    }

    /// The policies of its SKUs that sell without units; never tracked.
    #[must_use]
    pub const fn uncounted(self) -> PolicySet {
        self.uncounted
    }

    /// What may be sold where only SKUs of the policies in `counts` are: the units of a tracked SKU, and anything of
    /// one that sells without units.
    #[must_use]
    pub const fn under(self, counts: PolicySet) -> (SellableCount, Supply) {
        if self.uncounted.meets(counts) {
            (SellableCount::MANY, Supply::Plenty)
        } else if counts.holds(StockPolicy::Tracked) {
            (self.units, self.supply)
        } else {
            (SellableCount::NONE, Supply::Out)
        }
    }

    /// This and what stands in another pool.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            units: self.units.plus(other.units),
            supply: self.supply.min(other.supply),
            uncounted: self.uncounted.with(other.uncounted),
        }
    }
}

impl From<SellableCount> for Standing {
    fn from(units: SellableCount) -> Self {
        Self::new(units, Supply::Plenty, PolicySet::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_has_no_units_and_what_has_none_is_out() {
        let none = Standing::new(SellableCount::NONE, Supply::Low, PolicySet::NONE);
        assert_eq!(none.supply(), Supply::Out);
        let some = Standing::new(SellableCount::saturating(3), Supply::Out, PolicySet::NONE);
        assert_eq!(some.supply(), Supply::Critical);
    }

    #[test]
    fn a_surface_sells_what_it_counts_and_nothing_else() {
        let later = Standing::new(
            SellableCount::saturating(2),
            Supply::Low,
            PolicySet::of(StockPolicy::PreOrder),
        );
        assert_eq!(later.under(PolicySet::ALL), (SellableCount::MANY, Supply::Plenty));
        let now = PolicySet::of(StockPolicy::Tracked).with(PolicySet::of(StockPolicy::Untracked));
        assert_eq!(later.under(now), (SellableCount::saturating(2), Supply::Low));
        let only_later = PolicySet::of(StockPolicy::ContinueSelling);
        assert_eq!(later.under(only_later), (SellableCount::NONE, Supply::Out));
    }

    #[test]
    fn two_pools_add_up() {
        let (own, normal) = (
            Standing::from(SellableCount::saturating(3)),
            Standing::from(SellableCount::saturating(250)),
        );
        assert_eq!(own.and(normal).units().get(), 253);
        assert_eq!(own.and(normal).and(own).units(), SellableCount::MANY);
        let out = Standing::from(SellableCount::NONE);
        assert_eq!(out.and(own), own);
    }

    #[test]
    fn sets_read_as_they_are_written() {
        for bits in 0..16 {
            let set = PolicySet::from_bits(bits).expect("four policies");
            let text = serde_json::to_string(&set).expect("a list of names");
            assert_eq!(serde_json::from_str::<PolicySet>(&text).expect("the same"), set);
        }
        assert_eq!(PolicySet::from_bits(16), None);
    }
}
