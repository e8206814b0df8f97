//! What an epoch freezes: everything that a row needs and that is no co-count of its own.

mod marginal;

pub(crate) use marginal::Marginals;

use serde::{Deserialize, Serialize};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::ProductId;

use crate::facts::{Facts, Windows};
use crate::params::Params;

/// Everything that is not a co-count of a row, frozen: under the same record a row recomputed alone is byte for byte
/// the row of a full build. Survives serde unchanged: computed values are integers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    pub(crate) params: Params,
    pub(crate) windows: Windows,
    pub(crate) day_zero: Timestamp,
    /// Days between the oldest and the newest event.
    pub(crate) span_days: u32,
    pub(crate) products: Vec<ProductId>,
    pub(crate) purchases: Marginals,
    pub(crate) carts: Marginals,
    pub(crate) views: Marginals,
    pub(crate) scenes: Marginals,
}

impl EpochRecord {
    /// Freezes the facts of a full build.
    #[must_use]
    pub fn freeze(facts: &Facts, params: &Params) -> Self {
        let products = facts.products.len();
        Self {
            params: params.clone(),
            windows: facts.windows.clone(),
            day_zero: facts.day_zero,
            span_days: span_days(facts),
            products: facts.products.ids.clone(),
            purchases: Marginals::of(&facts.purchases, products),
            carts: Marginals::of(&facts.carts, products),
            views: Marginals::of(&facts.views, products),
            scenes: Marginals::of(&facts.scenes, products),
        }
    }

    /// The numbers of the formulas.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The windows and caps that the facts of this epoch were gathered under.
    #[must_use]
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// The time that all windows count back from.
    #[must_use]
    pub fn day_zero(&self) -> Timestamp {
        self.day_zero
    }
}

fn span_days(facts: &Facts) -> u32 {
    let first = facts.stats().first.unwrap_or(facts.day_zero);
    let days = i64::from(facts.day_zero.day()) - i64::from(first.day()) + 1;
    u32::try_from(days).unwrap_or(1)
}
