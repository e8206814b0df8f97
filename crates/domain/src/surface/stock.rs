//! What a surface sells, from which pools, and what it does when stock runs low.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::stock::{PolicySet, Pool, PoolKind, Supply};

/// What may be sold, and what happens when it runs low.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StockRules {
    /// The policies whose SKUs count as sellable.
    pub counts: PolicySet,
    /// Kinds of pools that may be sold from: `normal` for every request, the others for a request that names one.
    pub pools: Vec<PoolKind>,
    /// When the anchor runs low.
    pub anchor: AnchorRules,
    /// When a companion runs low.
    pub companion: CompanionRules,
}

/// What happens when the anchor runs low: each from this supply on, `None` for never. Whatever is said here, answers
/// tell the anchor's supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct AnchorRules {
    /// Its substitutes lead the list.
    pub lead_with_substitutes: Option<Supply>,
    /// Its sets are not served.
    pub suspend_bundles: Option<Supply>,
    /// Its list is not served.
    pub hide: Option<Supply>,
}

/// What happens when a companion runs low: each from this supply on, `None` for never. What is out is always left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct CompanionRules {
    /// It stands behind all others, unless a merchant has pinned it.
    pub demote: Option<Supply>,
    /// A stand-in of its role takes its place in sets, if there is one with more left.
    pub replace: Option<Supply>,
    /// It is left out.
    pub drop: Option<Supply>,
}

/// Rules that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStockRules {
    /// Nothing could ever be sold.
    #[error("counts must name a stock policy: without one nothing can be sold")]
    CountsNothing,
    /// No pool to sell from.
    #[error("pools must name a kind of pool: without one nothing can be sold")]
    NoPool,
    /// A kind of pool stands there more than once.
    #[error("pools must name each kind once: {} comes twice", .0.as_str())]
    Twice(PoolKind),
    /// Held stock is for nobody.
    #[error("pools must not name held: nobody may buy from it")]
    Held,
    /// A rule that would always hold.
    #[error("{0} must be low, critical or out")]
    Plenty(&'static str),
}

impl Default for StockRules {
    /// Everything counts, a room or a creator sells from the pool set aside for it, nothing happens before stock is out.
    fn default() -> Self {
        Self {
            counts: PolicySet::ALL,
            pools: vec![PoolKind::Normal, PoolKind::Creator, PoolKind::Room],
            anchor: AnchorRules::default(),
            companion: CompanionRules::default(),
        }
    }
}

impl StockRules {
    /// Whether it says nothing else than every surface does that is not told.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The same, if it can be meant.
    ///
    /// # Errors
    /// The first thing that cannot.
    pub fn checked(self) -> Result<Self, InvalidStockRules> {
        if self.counts.is_empty() {
            return Err(InvalidStockRules::CountsNothing);
        }
        if self.pools.is_empty() {
            return Err(InvalidStockRules::NoPool);
        }
        if self.pools.contains(&PoolKind::Held) {
            return Err(InvalidStockRules::Held);
        }
        let mut seen = HashSet::new();
        if let Some(twice) = self.pools.iter().find(|kind| !seen.insert(**kind)) {
            return Err(InvalidStockRules::Twice(*twice));
        }
        let rules = self.rules();
        match rules.iter().find(|(_, at)| *at == Some(Supply::Plenty)) {
            Some((name, _)) => Err(InvalidStockRules::Plenty(name)),
            None => Ok(self),
        }
    }

    /// Whether a request may sell from `pool`.
    #[must_use]
    pub fn sells_from(&self, pool: &Pool) -> bool {
        self.pools.contains(&pool.kind())
    }

    /// Whether every request sells from the normal pool.
    #[must_use]
    pub fn sells_normal(&self) -> bool {
        self.pools.contains(&PoolKind::Normal)
    }

    const fn rules(&self) -> [(&'static str, Option<Supply>); 6] {
        [
            ("anchor.lead_with_substitutes", self.anchor.lead_with_substitutes),
            ("anchor.suspend_bundles", self.anchor.suspend_bundles),
            ("anchor.hide", self.anchor.hide),
            ("companion.demote", self.companion.demote),
            ("companion.replace", self.companion.replace),
            ("companion.drop", self.companion.drop),
        ]
    }
}

/// Whether a rule holds at `supply`.
#[must_use]
pub fn holds(rule: Option<Supply>, supply: Supply) -> bool {
    rule.is_some_and(|from| supply >= from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_cannot_be_meant_are_refused() {
        let rules = StockRules::default();
        assert_eq!(rules.clone().checked(), Ok(rules.clone()));
        let nothing = StockRules {
            counts: PolicySet::NONE,
            ..rules.clone()
        };
        assert_eq!(nothing.checked(), Err(InvalidStockRules::CountsNothing));
        let held = StockRules {
            pools: vec![PoolKind::Held],
            ..rules.clone()
        };
        assert_eq!(held.checked(), Err(InvalidStockRules::Held));
        let twice = StockRules {
            pools: vec![PoolKind::Room, PoolKind::Normal, PoolKind::Room],
            ..rules.clone()
        };
        assert_eq!(twice.checked(), Err(InvalidStockRules::Twice(PoolKind::Room)));
        let always = AnchorRules {
            hide: Some(Supply::Plenty),
            ..AnchorRules::default()
        };
        let always = StockRules {
            anchor: always,
            ..rules
        };
        assert_eq!(always.checked(), Err(InvalidStockRules::Plenty("anchor.hide")));
    }

    #[test]
    fn a_rule_holds_from_its_supply_on() {
        assert!(!holds(Some(Supply::Critical), Supply::Low));
        assert!(
            holds(Some(Supply::Critical), Supply::Critical) && holds(Some(Supply::Critical), Supply::Out)
        );
        assert!(!holds(None, Supply::Out));
    }

    #[test]
    fn rules_without_a_word_are_the_defaults() {
        assert_eq!(
            serde_json::from_str::<StockRules>("{}").expect("all have defaults"),
            StockRules::default()
        );
    }
}
