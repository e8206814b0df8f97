//! What a build is computed from: products as columns, behaviour as baskets in CSR, both ways.

mod basket;
mod batch;
mod builder;
mod catalogue;
mod change;
mod commonplace;
mod fingerprint;
mod halving;
mod incidence;
mod intern;
mod journey;
mod laying;
mod part;
mod product;
mod stats;
mod table;
mod title;
mod window;

pub(crate) use commonplace::Commonplaces;
pub(crate) use incidence::Baskets;
pub(crate) use intern::dense;
pub(crate) use journey::Journeys;
pub(crate) use product::{Frozen, NONE, Products};

pub use batch::{EventBatch, NumberedBatch};
pub use builder::{EventRow, FactsBuilder};
pub use part::{BasketRow, JourneyRow, Part, PartBuilder};
pub use product::{Damaged, ProductFacts, ProductRow};
pub use stats::FactStats;
pub use window::Windows;

use std::ops::Range;

use tandem_domain::clock::Timestamp;
use tandem_domain::id::ProductId;

use crate::wanted::Wanted;

/// A catalogue and its behaviour, ready to be counted. Products are sorted by id, so that the order of dense
/// indexes is the order of ids; the same rows in any order make the same facts.
#[derive(Debug)]
pub struct Facts {
    pub(crate) products: Products,
    pub(crate) windows: Windows,
    /// What was gathered, and is to be built.
    pub(crate) wanted: Wanted,
    pub(crate) day_zero: Timestamp,
    pub(crate) purchases: Baskets,
    pub(crate) carts: Baskets,
    pub(crate) views: Baskets,
    pub(crate) scenes: Baskets,
    pub(crate) journeys: Journeys,
    /// Rows bought and sent back, by product.
    pub(crate) sold: Vec<(u32, u32)>,
    /// Products whose rows later events touch, ascending.
    pub(crate) touched: Vec<u32>,
    /// Products whose rows are here whole: all of them, but in a [`Part`].
    pub(crate) rows: Range<u32>,
    pub(crate) stats: FactStats,
}

impl Facts {
    /// What went in, and what was left out.
    #[must_use]
    pub fn stats(&self) -> &FactStats {
        &self.stats
    }

    /// Pair increments of co-purchase: Σ over orders of size².
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.purchases.pairs()
    }

    /// The time that all windows count back from.
    #[must_use]
    pub fn day_zero(&self) -> Timestamp {
        self.day_zero
    }

    /// Every product, by index.
    #[must_use]
    pub fn ids(&self) -> &[ProductId] {
        &self.products.ids
    }
}
