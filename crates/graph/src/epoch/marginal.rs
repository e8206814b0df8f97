use serde::{Deserialize, Serialize};

use crate::facts::{Baskets, Journeys, dense};

/// Baskets per product and in all, of one signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Marginals {
    pub(crate) total: u32,
    pub(crate) counts: Vec<u32>,
    /// Products with a generated basket, ascending.
    pub(crate) generated: Vec<u32>,
}

impl Marginals {
    pub(crate) fn of(baskets: &Baskets, products: usize) -> Self {
        let items = 0..dense(products);
        let tainted = |item: &u32| {
            let mut of = baskets.of(*item).iter();
            baskets.has_generated() && of.any(|&basket| baskets.is_generated(basket))
        };
        Self {
            total: dense(baskets.len()),
            counts: items.clone().map(|item| baskets.count(item)).collect(),
            generated: items.filter(tainted).collect(),
        }
    }

    /// Buyers among the visitors who viewed and bought.
    pub(crate) fn of_journeys(journeys: &Journeys, products: usize) -> Self {
        Self {
            total: dense(journeys.len()),
            counts: (0..dense(products)).map(|item| journeys.buyers(item)).collect(),
            generated: Vec::new(),
        }
    }
}
