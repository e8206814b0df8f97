use std::fmt;

use serde::{Deserialize, Serialize};

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

impl fmt::Display for BasketWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("1/log2(1+n)"),
            Self::Power(gamma) => write!(f, "n^-{gamma}"),
        }
    }
}

/// The two closed forms over co-purchases; carts, scenes and "viewed, then bought" use the first one too.
///
/// `score = c · (n_j + single_λ)^-single_beta · r_j^trend + single_mu · n_j / N`, and
/// `basket_score = (c · (n_i + λ)^-α · (n_j + λ)^-β)^p`. The defaults do well on a wholesaler's and on a grocer's
/// baskets alike (README); a catalogue's own best setting lies around them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Together {
    /// What a basket weighs by its size.
    pub weight: BasketWeight,
    /// λ of `basket_score`: pseudo-count of both marginals.
    pub lambda: f64,
    /// α of `basket_score`: how much the anchor's popularity damps its vote.
    pub alpha: f64,
    /// β of `basket_score`: how much the companion's popularity damps it.
    pub beta: f64,
    /// p of `basket_score`: above 1, one sure anchor outweighs many lukewarm ones.
    pub power: f64,
    /// What a basket weighs by its size in `score`; as in `basket_score` without it, and then a row is counted once.
    pub single_weight: Option<BasketWeight>,
    /// λ of `score`: pseudo-count of the companion's marginal.
    pub single_lambda: f64,
    /// β of `score`.
    pub single_beta: f64,
    /// μ of `score`: pull towards popular companions.
    pub single_mu: f64,
    /// θ of `score`: pull towards companions that sell better lately.
    pub trend: f64,
    /// A sale counts half in the trend after so many days.
    pub trend_half_life_days: u32,
    /// Whether a pair must be more than chance, as [`super::Gates`] has it. Without it rare anchors fill their lists
    /// with popular companions.
    pub significant: bool,
    /// A regression on top of `basket_score`; off without it.
    pub ridge: Option<Ridge>,
}

impl Default for Together {
    fn default() -> Self {
        Self {
            weight: BasketWeight::Power(0.5),
            lambda: 20.0,
            alpha: 0.85,
            beta: 0.3,
            power: 1.4,
            single_weight: None,
            single_lambda: 20.0,
            single_beta: 0.1,
            single_mu: 2.0,
            trend: 0.3,
            trend_half_life_days: 7,
            significant: true,
            ridge: None,
        }
    }
}

impl Together {
    /// What a basket weighs in `score`, if that is not what it weighs in `basket_score`.
    pub(crate) fn differing_single_weight(&self) -> Option<BasketWeight> {
        self.single_weight.filter(|weight| *weight != self.weight)
    }
}

/// Ridge regression of a companion on the anchors that it stands beside: `(G_NN + ℓI) w = G_Nj`, N its closest anchors
/// by `c / √((d_i+5)(d_j+5))`, G the co-counts at γ = 0.5. It tells apart anchors that say the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ridge {
    /// ℓ: the larger, the smaller the weights.
    pub penalty: f64,
    /// What becomes of the closed form.
    pub mix: RidgeMix,
    /// |N|.
    pub anchors: usize,
    /// Companions in fewer baskets keep the closed form.
    pub least_baskets: u32,
    /// The most companions that are regressed, the most popular first; the others keep the closed form. Bounds the time
    /// and what an epoch record holds.
    pub most_targets: usize,
}

impl Default for Ridge {
    fn default() -> Self {
        Self {
            penalty: 10.0,
            mix: RidgeMix::Half,
            anchors: 80,
            least_baskets: 10,
            most_targets: 20_000,
        }
    }
}

/// How a regressed weight and the closed form make one vote. Either way weights are scaled to the mass of the closed
/// form over the same pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RidgeMix {
    /// The weight alone.
    Alone,
    /// Half and half.
    Half,
}

/// Co-views inside a session: `w(session) · d^-½ · (n_j + λ)^-β`, d the distance in views.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Viewed {
    /// γ: a session of L products weighs L^-γ.
    pub gamma: f64,
    /// ρ: what a companion viewed before the anchor counts, against one viewed after it.
    pub reverse: f64,
    /// The farthest distance that counts.
    pub window: usize,
    /// λ: pseudo-count of both marginals.
    pub lambda: f64,
    /// α of `basket_score`.
    pub alpha: f64,
    /// β of both scores.
    pub beta: f64,
    /// ε: what was viewed beside companions counts, against the companions themselves; 0 leaves it out.
    pub two_hop: f64,
}

impl Default for Viewed {
    fn default() -> Self {
        Self {
            gamma: 0.0,
            reverse: 0.6,
            window: 10,
            lambda: 20.0,
            alpha: 0.7,
            beta: 0.2,
            two_hop: 0.0,
        }
    }
}

/// Swing (arXiv 2010.05525) over sessions: two sessions that share little else but a pair vouch for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Swing {
    /// α: damps sessions that share much.
    pub alpha: f64,
    /// The most recent sessions per product that are compared.
    pub sessions: usize,
}

impl Default for Swing {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            sessions: 200,
        }
    }
}
