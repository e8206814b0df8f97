//! Facts seen through an epoch record: frozen values in the order of the facts, powers and weights as tables.

mod closed;

pub(crate) use closed::Closed;

use crate::count;
use crate::epoch::{EpochRecord, Marginals};
use crate::facts::Facts;
use crate::rank::Standing;

/// All that the rows of a build share.
pub(crate) struct Frame<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) epoch: &'a EpochRecord,
    pub(crate) purchases: Frozen,
    pub(crate) standing: Standing,
    /// `score` of together.
    pub(crate) single: Closed,
    /// `basket_score` of together, without its power and the anchor's part.
    pub(crate) many: Closed,
}

/// One signal's frozen counts, by index of the facts, and its basket weights.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) counts: Vec<u32>,
    pub(crate) total: u32,
    /// Fixed-point weight by basket size.
    pub(crate) weights: Vec<u64>,
    /// Days that the counts cover.
    pub(crate) days: u32,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(facts: &'a Facts, epoch: &'a EpochRecord) -> Self {
        let places = places(facts, epoch);
        let params = &epoch.params.together;
        let weights = count::weights(epoch.windows.purchase_cap, |size| params.weight.of(size));
        let days = epoch.windows.purchase_days;
        let purchases = Frozen::new(&epoch.purchases, &places, weights, days.min(epoch.span_days));
        let popularity: Vec<u64> = purchases.counts.iter().map(|&count| u64::from(count)).collect();
        Self {
            single: Closed::single(params, &purchases),
            many: Closed::many(params, &purchases),
            standing: Standing::by(&popularity),
            facts,
            epoch,
            purchases,
        }
    }
}

impl Frozen {
    fn new(marginals: &Marginals, places: &[Option<usize>], weights: Vec<u64>, days: u32) -> Self {
        let of = |place: &Option<usize>| {
            place
                .and_then(|at| marginals.counts.get(at).copied())
                .unwrap_or(0)
        };
        Self {
            counts: places.iter().map(of).collect(),
            total: marginals.total,
            weights,
            days,
        }
    }

    /// Baskets of a companion: the frozen count, or the co-count where that is larger, as with new products.
    pub(crate) fn companion(&self, item: u32, support: u32) -> u32 {
        self.counts[item as usize].max(support)
    }
}

/// Where each product of the facts stands in the record.
fn places(facts: &Facts, epoch: &EpochRecord) -> Vec<Option<usize>> {
    let mut at = 0;
    let find = |id| {
        while epoch.products.get(at).is_some_and(|known| known < id) {
            at += 1;
        }
        (epoch.products.get(at) == Some(id)).then_some(at)
    };
    facts.products.ids.iter().map(find).collect()
}
