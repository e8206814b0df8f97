//! What a surface must keep to.

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::RangeInclusive;

use super::Surface;
use crate::id;
use crate::pace::Pace;

/// Items of a list.
const ITEMS: RangeInclusive<u32> = 1..=50;
/// Percent of the anchor's price.
const PERCENT: RangeInclusive<u32> = 1..=100_000;
/// Percent of a list: more than half of it would be no list of companions any more.
const ATTACHED_PERCENT: RangeInclusive<u32> = 0..=50;
/// Percent of the best score.
const SCORE_PERCENT: RangeInclusive<u32> = 1..=100;
const SLOW_BELOW: RangeInclusive<u32> = 1..=Pace::MAX_SLOW_BELOW;
const NEW_DAYS: RangeInclusive<u32> = 1..=Pace::MAX_NEW_DAYS;
/// Milliseconds. A sign of life comes every 250, so that less than two of them would always be too old.
const STOCK_AGE_MS: RangeInclusive<u64> = 500..=3_600_000;

/// What is wrong with a field of a surface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field, such as `default_size`.
    pub field: &'static str,
    /// Why its value cannot be.
    pub why: String,
}

impl Surface {
    /// Everything that is wrong with it; nothing for one that may be served.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = self.field_faults();
        faults.extend(self.contradictions());
        faults
    }

    /// What is wrong with single fields, whatever the others say.
    #[must_use]
    pub fn field_faults(&self) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        faults.distinct("relations", &self.relations);
        let wrong = self.quotas.values().find(|quota| !ITEMS.contains(quota));
        faults.within("quotas", wrong, &ITEMS);
        faults.within("default_size", Some(&self.default_size), &ITEMS);
        faults.within(
            "min_price_percent",
            self.price_band.min_percent.as_ref(),
            &PERCENT,
        );
        faults.within(
            "max_price_percent",
            self.price_band.max_percent.as_ref(),
            &PERCENT,
        );
        faults.within("max_per_brand", self.caps.per_brand.as_ref(), &ITEMS);
        faults.within("max_per_category", self.caps.per_category.as_ref(), &ITEMS);
        faults.within("max_per_shop", self.caps.per_shop.as_ref(), &ITEMS);
        faults.distinct("fallback", &self.fallback);
        faults.within("exploration_position", self.feedback.explore_at.as_ref(), &ITEMS);
        let attach = &self.attach;
        faults.within(
            "attach_share_percent",
            Some(&attach.share_percent),
            &ATTACHED_PERCENT,
        );
        faults.within(
            "attach_min_score_percent",
            Some(&attach.min_score_percent),
            &SCORE_PERCENT,
        );
        faults.within("attach_slow_below", attach.slow_below.as_ref(), &SLOW_BELOW);
        faults.within("attach_new_days", attach.new_days.as_ref(), &NEW_DAYS);
        faults.within("max_stock_age_ms", Some(&self.max_stock_age_ms), &STOCK_AGE_MS);
        if let Some(experiment) = &self.experiment {
            faults.id("experiment.experiment_id", &experiment.id);
            faults.id("experiment.arm", &experiment.arm);
        }
        if let Err(why) = self.stock.clone().checked() {
            faults.add("stock", why.to_string());
        }
        faults.0
    }

    /// Fields that are right alone and cannot stand together.
    fn contradictions(&self) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        let foreign = self
            .quotas
            .keys()
            .find(|relation| !self.relations.contains(relation));
        if let Some(relation) = foreign {
            let why = format!("{} is not among the surface's relations", relation.as_str());
            faults.add("quotas", why);
        }
        let band = self.price_band.min_percent.zip(self.price_band.max_percent);
        if let Some((min, max)) = band.filter(|(min, max)| max < min) {
            faults.add(
                "max_price_percent",
                format!("{max} is below min_price_percent, which is {min}"),
            );
        }
        faults.0
    }
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: &'static str, why: String) {
        self.0.push(Fault { field, why });
    }

    fn within<N: PartialOrd + std::fmt::Display>(
        &mut self,
        field: &'static str,
        value: Option<&N>,
        range: &RangeInclusive<N>,
    ) {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            let (low, high) = (range.start(), range.end());
            self.add(field, format!("must be from {low} to {high}, not {value}"));
        }
    }

    fn distinct<T: Eq + Hash>(&mut self, field: &'static str, values: &[T]) {
        let mut seen = HashSet::new();
        if values.is_empty() {
            self.add(field, "must not be empty".to_owned());
        } else if !values.iter().all(|value| seen.insert(value)) {
            self.add(field, "holds one twice".to_owned());
        }
    }

    fn id(&mut self, field: &'static str, value: &str) {
        if let Err(why) = id::check(value) {
            self.add(field, why.to_string());
        }
    }
}
