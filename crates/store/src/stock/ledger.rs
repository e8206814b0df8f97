//! What reports make of levels: pure, over the rows that a batch touches.

use std::collections::{BTreeMap, BTreeSet};

use tandem_domain::clock::Timestamp;
use tandem_domain::stock::{Reported, StockLevel, StockReport};

use super::level::Level;
use super::source::{Delta, Set, Sources};
use crate::entity::{signed, unsigned};
use crate::error::{Result, StoreError};

/// SKU and pool.
type Place = (String, String);
/// SKU, pool and source.
type Voice = (String, String, String);

/// Levels and what their sources said, before and after reports.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    levels: BTreeMap<Place, Level>,
    sets: BTreeMap<Voice, Set>,
    deltas: BTreeSet<Delta>,
    changed_levels: BTreeSet<Place>,
    changed_sets: BTreeSet<Voice>,
    new_deltas: BTreeSet<Delta>,
}

impl Ledger {
    pub(super) fn new(levels: Vec<Level>, sources: Sources) -> Self {
        Self {
            levels: levels.into_iter().map(|level| (level.key(), level)).collect(),
            sets: sources.sets.into_iter().map(|set| (set.key(), set)).collect(),
            deltas: sources.deltas.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Applies one report; returns the level after it, and whether it moved.
    pub(super) fn apply(&mut self, report: &StockReport, now: Timestamp) -> Result<(StockLevel, bool)> {
        let target = match &report.quantity {
            Reported::Set {
                available,
                source_version,
            } => self.set(report, *available, *source_version)?,
            Reported::Delta {
                change,
                idempotency_key,
            } => self.add(report, *change, idempotency_key)?,
        };
        let place = (report.sku.as_str().to_owned(), report.pool.to_string());
        let moved = target.is_some_and(|quantity| self.move_to(&place, quantity, now));
        let level = &self.levels[&place];
        let level = StockLevel {
            sku: report.sku.clone(),
            pool: report.pool.clone(),
            available: level.quantity,
            store_version: unsigned("store version", level.store_version)?,
            updated: Timestamp::from_ms(level.updated_ms),
        };
        Ok((level, moved))
    }

    pub(super) fn changed_levels(&self) -> Vec<&Level> {
        self.changed_levels
            .iter()
            .map(|place| &self.levels[place])
            .collect()
    }

    pub(super) fn changed_sets(&self) -> Vec<&Set> {
        self.changed_sets.iter().map(|voice| &self.sets[voice]).collect()
    }

    pub(super) const fn new_deltas(&self) -> &BTreeSet<Delta> {
        &self.new_deltas
    }

    /// The quantity to move to, unless the source said something newer or the same.
    fn set(&mut self, report: &StockReport, available: i64, version: u64) -> Result<Option<i64>> {
        let set = Set {
            sku_id: report.sku.as_str().to_owned(),
            pool: report.pool.to_string(),
            source: report.source.clone(),
            source_version: signed("source version", version)?,
            quantity: available,
        };
        if let Some(last) = self.sets.get(&set.key()) {
            if last.source_version == set.source_version && last.quantity != available {
                return Err(StoreError::VersionConflict {
                    sku: report.sku.clone(),
                    pool: report.pool.clone(),
                    source_version: version,
                });
            }
            if last.source_version >= set.source_version {
                return Ok(None);
            }
        }
        self.changed_sets.insert(set.key());
        self.sets.insert(set.key(), set);
        Ok(Some(available))
    }

    /// The quantity to move to, unless the key was applied before.
    fn add(&mut self, report: &StockReport, change: i64, key: &str) -> Result<Option<i64>> {
        let delta = Delta {
            sku_id: report.sku.as_str().to_owned(),
            pool: report.pool.to_string(),
            source: report.source.clone(),
            idempotency_key: key.to_owned(),
        };
        if !self.deltas.insert(delta.clone()) {
            return Ok(None);
        }
        let level = self.levels.get(&(delta.sku_id.clone(), delta.pool.clone()));
        self.new_deltas.insert(delta);
        let quantity = level.map_or(0, |level| level.quantity);
        quantity
            .checked_add(change)
            .map(Some)
            .ok_or(StoreError::OutOfRange { what: "available" })
    }

    /// Gives a level a quantity; a level that is new or differs takes a new version.
    fn move_to(&mut self, place: &Place, quantity: i64, now: Timestamp) -> bool {
        let version = match self.levels.get(place) {
            Some(level) if level.quantity == quantity => return false,
            Some(level) => level.store_version + 1,
            None => 1,
        };
        let (sku_id, pool) = place.clone();
        let level = Level {
            sku_id,
            pool,
            quantity,
            store_version: version,
            updated_ms: now.as_ms(),
        };
        self.levels.insert(place.clone(), level);
        self.changed_levels.insert(place.clone());
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tandem_domain::id::SkuId;
    use tandem_domain::stock::Pool;

    use super::*;

    fn report(source: &str, quantity: Reported) -> StockReport {
        StockReport {
            sku: SkuId::new("s").unwrap(),
            pool: Pool::Normal,
            source: source.to_owned(),
            quantity,
        }
    }

    fn set(source: &str, source_version: u64, available: i64) -> StockReport {
        report(
            source,
            Reported::Set {
                available,
                source_version,
            },
        )
    }

    fn delta(key: &str, change: i64) -> StockReport {
        report(
            "till",
            Reported::Delta {
                change,
                idempotency_key: key.to_owned(),
            },
        )
    }

    fn run(reports: &[StockReport]) -> Vec<(i64, u64, bool)> {
        let mut ledger = Ledger::default();
        let mut apply = |report| {
            let (level, moved) = ledger.apply(report, Timestamp::from_ms(1)).unwrap();
            (level.available, level.store_version, moved)
        };
        reports.iter().map(&mut apply).collect()
    }

    #[test]
    fn only_what_moves_the_level_takes_a_version() {
        let outcomes = run(&[
            set("wms", 2, 5),
            set("wms", 1, 9),
            set("wms", 2, 5),
            set("wms", 3, 5),
            set("wms", 4, 6),
        ]);
        assert_eq!(
            outcomes,
            [
                (5, 1, true),
                (5, 1, false),
                (5, 1, false),
                (5, 1, false),
                (6, 2, true)
            ]
        );
    }

    #[test]
    fn zero_is_news_where_nothing_was_known() {
        assert_eq!(run(&[set("wms", 1, 0)]), [(0, 1, true)]);
    }

    #[test]
    fn a_delta_counts_once_per_key() {
        let outcomes = run(&[delta("a", -2), delta("a", -2), delta("b", 3)]);
        assert_eq!(outcomes, [(-2, 1, true), (-2, 1, false), (1, 2, true)]);
    }

    #[test]
    fn a_version_with_two_values_is_a_conflict() {
        let mut ledger = Ledger::default();
        ledger.apply(&set("wms", 7, 1), Timestamp::from_ms(1)).unwrap();
        let again = ledger.apply(&set("wms", 7, 2), Timestamp::from_ms(1));
        assert!(
            matches!(
                again,
                Err(StoreError::VersionConflict {
                    source_version: 7,
                    ..
                })
            ),
            "{again:?}"
        );
    }

    #[test]
    fn stock_beyond_64_bits_is_refused() {
        let mut ledger = Ledger::default();
        ledger
            .apply(&set("wms", 1, i64::MAX), Timestamp::from_ms(1))
            .unwrap();
        let more = ledger.apply(&delta("a", 1), Timestamp::from_ms(1));
        assert!(matches!(more, Err(StoreError::OutOfRange { .. })), "{more:?}");
    }

    proptest! {
        #[test]
        fn deltas_add_up_in_any_order_however_often_they_come(
            changes in proptest::collection::btree_map("[a-d]{1,2}", -50_i64..50, 1..8),
            picks in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
        ) {
            let all: Vec<_> = changes.iter().map(|(key, change)| delta(key, *change)).collect();
            let mut reports = all.clone();
            reports.extend(picks.iter().map(|pick| pick.get(&all).clone()));
            reports.reverse();
            let (available, ..) = *run(&reports).last().unwrap();
            prop_assert_eq!(available, changes.values().sum::<i64>());
        }
    }
}
