use serde::{Deserialize, Serialize};

use crate::facts::{Baskets, dense};

/// Baskets per product and in all, of one signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Marginals {
    pub(crate) total: u32,
    pub(crate) counts: Vec<u32>,
}

impl Marginals {
    pub(crate) fn of(baskets: &Baskets, products: usize) -> Self {
        if baskets.is_empty() {
            return Self {
                total: 0,
                counts: vec![0; products],
            };
        }
        Self {
            total: dense(baskets.len()),
            counts: (0..dense(products))
                .map(|product| baskets.count(product))
                .collect(),
        }
    }
}
