//! What an epoch freezes: everything that a row needs and that is no co-count of its own.

mod catalogue;
mod category;
mod check;
mod leaves;
mod lent;
mod marginal;
mod pace;
mod price;
mod ridge;
mod season;
mod two_hop;

pub(crate) use catalogue::{CatalogueRecord, Stood};
pub(crate) use category::{CategoryStats, Related};
pub use check::InvalidRecord;
pub(crate) use lent::{LENT_ONE, Lent};
pub(crate) use marginal::Marginals;
pub(crate) use pace::PaceRecord;
pub(crate) use price::{Band, Limits};
pub(crate) use ridge::RidgeRecord;
pub(crate) use season::{SeasonRecord, factor as season_factor};

use serde::{Deserialize, Serialize};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::ProductId;
use tandem_domain::pace::Selling;

use crate::facts::{Baskets, Facts, Windows, dense};
use crate::feedback::Feedback;
use crate::params::Params;
use crate::tune::Tuning;

/// Everything that is not a co-count of a row, frozen: under the same record, a row recomputed alone is byte for byte
/// the row of a full build. Survives serde unchanged: what is computed is kept as integers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    pub(crate) params: Params,
    pub(crate) windows: Windows,
    pub(crate) day_zero: Timestamp,
    /// Days between the oldest event and day zero.
    pub(crate) span_days: u32,
    /// By id; the columns below stand beside it.
    pub(crate) products: Vec<ProductId>,
    pub(crate) catalogue: CatalogueRecord,
    pub(crate) purchases: Marginals,
    pub(crate) carts: Marginals,
    pub(crate) views: Marginals,
    pub(crate) scenes: Marginals,
    /// Visitors who viewed and bought, and of them those who bought the product.
    pub(crate) buyers: Marginals,
    /// Orders of late, in parts of [`RECENT_ONE`], an order counting half after every half-life.
    pub(crate) recent: Vec<u64>,
    /// What sold in the window that is open, where one is and was before.
    #[serde(default)]
    pub(crate) season: Option<SeasonRecord>,
    /// Minor units, the median paid where the catalogue names none.
    pub(crate) prices: Vec<Option<i64>>,
    /// Rows bought and sent back.
    pub(crate) sold: Vec<(u32, u32)>,
    /// By id.
    pub(crate) categories: Vec<CategoryStats>,
    /// Votes by regression, where the parameters ask for it.
    #[serde(default)]
    pub(crate) ridge: Option<RidgeRecord>,
    /// P² of co-views, where the parameters ask for it.
    #[serde(default)]
    pub(crate) two_hop: Lent,
    /// What scores are multiplied by where a surface heeds feedback.
    #[serde(default)]
    pub(crate) feedback: Lent,
    /// How products sell, for surfaces that attach some of them to bestsellers.
    #[serde(default)]
    pub(crate) pace: Option<PaceRecord>,
    /// How the parameters came about, where they were tuned.
    #[serde(default)]
    pub(crate) tuning: Option<Tuning>,
}

/// What there is to go by. A gate whose input is missing is off: without categories complements may share a leaf,
/// without views nothing tells what is compared from what is bought along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Some product names its leaf category.
    pub categories: bool,
    /// Some product has a price.
    pub prices: bool,
    /// Something was bought.
    pub purchases: bool,
    /// Something was put into a cart.
    pub carts: bool,
    /// Something was viewed.
    pub views: bool,
    /// Somebody acted in a scene.
    pub scenes: bool,
}

/// One order of today in [`EpochRecord::recent`].
pub(crate) const RECENT_ONE: u64 = 1 << 20;

impl EpochRecord {
    /// Freezes the facts of a full build.
    #[must_use]
    pub fn freeze(facts: &Facts, params: &Params) -> Self {
        let products = facts.products.len();
        let of = |baskets: &Baskets| Marginals::of(baskets, products);
        let today = facts.day_zero.day();
        let half_life = params.together.trend_half_life_days;
        // Two walks through all orders, and copies of columns beside them.
        let by_day = || {
            rayon::join(
                || recent(facts, &facts.purchases, today, half_life),
                || SeasonRecord::freeze(&facts.purchases, products, today, &params.season),
            )
        };
        let columns = || {
            let signals = [&facts.purchases, &facts.carts, &facts.views, &facts.scenes];
            (
                signals.map(of),
                CatalogueRecord::freeze(facts),
                facts.products.ids.clone(),
            )
        };
        let ((recent, season), ([purchases, carts, views, scenes], catalogue, ids)) =
            rayon::join(by_day, columns);
        Self {
            params: params.clone(),
            windows: facts.windows.clone(),
            day_zero: facts.day_zero,
            span_days: span_days(facts),
            products: ids,
            catalogue,
            purchases,
            carts,
            views,
            scenes,
            buyers: Marginals::of_journeys(&facts.journeys, products),
            recent,
            season,
            prices: facts.products.price.clone(),
            sold: facts.sold.clone(),
            categories: if facts.wanted.reads_attributes() {
                category::freeze(facts, params)
            } else {
                Vec::new()
            },
            ridge: ridge::freeze(facts, params),
            two_hop: two_hop::freeze(facts, params),
            feedback: Lent::default(),
            pace: None,
            tuning: None,
        }
    }

    /// Fits the scores to the facts, starting from `params`, and freezes. On the current rayon pool; the same facts
    /// make the same record.
    #[must_use]
    pub fn tuned(facts: &Facts, params: &Params) -> Self {
        let (params, tuning) = crate::tune::tune(facts, params);
        Self {
            tuning: Some(tuning),
            ..Self::freeze(facts, &params)
        }
    }

    /// The same record with what shoppers made of their lists, counted over the products of the same facts.
    #[must_use]
    pub fn with_feedback(mut self, feedback: &Feedback) -> Self {
        let mut rows = vec![Vec::new(); self.products.len()];
        for (anchor, companion, factor) in &feedback.factors {
            rows[*anchor as usize].push((*companion, (factor * LENT_ONE).round() as u32));
        }
        self.feedback = if feedback.is_empty() {
            Lent::default()
        } else {
            Lent::of(rows)
        };
        self
    }

    /// The same record with how the products of the same facts sell.
    #[must_use]
    pub fn with_selling(mut self, facts: &Facts, selling: &[Selling]) -> Self {
        self.pace = Some(PaceRecord::freeze(facts, &self, selling));
        self
    }

    /// How the parameters came about; `None` where they were given.
    #[must_use]
    pub fn tuning(&self) -> Option<&Tuning> {
        self.tuning.as_ref()
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

    /// What the facts of this epoch had to go by.
    #[must_use]
    pub fn known(&self) -> Known {
        Known {
            categories: !self.categories.is_empty(),
            prices: self.prices.iter().any(Option::is_some),
            purchases: self.purchases.total > 0,
            carts: self.carts.total > 0,
            views: self.views.total > 0,
            scenes: self.scenes.total > 0,
        }
    }

    /// The name of the window of the year that was open at day zero, where its sales of earlier years are known.
    #[must_use]
    pub fn season(&self) -> Option<&str> {
        self.season.as_ref().map(|season| season.name.as_str())
    }

    /// Products that were known at the freeze.
    #[must_use]
    pub fn products(&self) -> usize {
        self.products.len()
    }
}

fn span_days(facts: &Facts) -> u32 {
    let first = facts.stats().first.unwrap_or(facts.day_zero);
    let days = i64::from(facts.day_zero.day()) - i64::from(first.day()) + 1;
    u32::try_from(days).unwrap_or(1)
}

/// Baskets per product, in parts of [`RECENT_ONE`], one counting half after every `half_life` days before day zero.
pub(crate) fn recent(facts: &Facts, baskets: &Baskets, zero: i32, half_life: u32) -> Vec<u64> {
    let weight = |age: u32| {
        let halvings = f64::from(age) / f64::from(half_life.max(1));
        ((-halvings).exp2() * RECENT_ONE as f64).round() as u64
    };
    let mut by_age: Vec<u64> = Vec::new();
    let mut sums = vec![0; facts.products.len()];
    for basket in 0..dense(baskets.len()) {
        let age = zero.saturating_sub(baskets.day(basket)).max(0).unsigned_abs();
        while by_age.len() <= age as usize {
            by_age.push(weight(dense(by_age.len())));
        }
        let weight = by_age[age as usize];
        for &item in baskets.items(basket) {
            sums[item as usize] += weight;
        }
    }
    sums
}
