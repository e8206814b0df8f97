//! What a build can be told: every number of the formulas, with the documented fall-backs as defaults.

use serde::{Deserialize, Serialize};

/// The numbers of every formula; [`Default`] is the documented fall-back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Bought together.
    pub together: Together,
}

/// How much one basket says of a pair in it, by its number of distinct products.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BasketWeight {
    /// 1 / log2(1 + size).
    Log,
    /// size^-γ.
    Power(f64),
}

impl BasketWeight {
    /// The weight of a basket of `size` distinct products, 0 to 1.
    #[must_use]
    pub fn of(self, size: usize) -> f64 {
        let size = size.max(1) as f64;
        match self {
            Self::Log => 1.0 / (1.0 + size).log2(),
            Self::Power(gamma) => size.powf(-gamma),
        }
    }
}

/// The two closed forms over co-purchases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Together {
    /// What a basket weighs by its size.
    pub weight: BasketWeight,
    /// λ: pseudo-count of both marginals.
    pub lambda: f64,
    /// α of `basket_score`: how much the anchor's popularity damps its vote.
    pub alpha: f64,
    /// β of `basket_score`: how much the companion's popularity damps it.
    pub beta: f64,
    /// p of `basket_score`: above 1, one sure anchor outweighs many lukewarm ones.
    pub power: f64,
    /// β of `score`.
    pub single_beta: f64,
    /// μ of `score`: pull towards popular companions.
    pub single_mu: f64,
    /// θ of `score`: pull towards companions that sell better lately.
    pub trend: f64,
}

impl Default for Together {
    fn default() -> Self {
        Self {
            weight: BasketWeight::Log,
            lambda: 20.0,
            alpha: 0.7,
            beta: 0.3,
            power: 1.0,
            single_beta: 0.1,
            single_mu: 0.0,
            trend: 0.0,
        }
    }
}
