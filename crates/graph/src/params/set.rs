use serde::{Deserialize, Serialize};

/// Variety inside a gated list: maximal marginal relevance (Carbonell and Goldstein 1998) and caps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Diversity {
    /// λ: 1 looks at relevance alone. On real grocery baskets 0.75 costs a sixth of the recall of complements, 0.95
    /// a hundredth.
    pub lambda: f64,
    /// Products of one brand before others go first.
    pub per_brand: usize,
    /// Products of one leaf category before others go first.
    pub per_leaf: usize,
}

impl Default for Diversity {
    fn default() -> Self {
        Self {
            lambda: 0.95,
            per_brand: 12,
            per_leaf: 12,
        }
    }
}

/// Sets: `F(S) = Σ s(a,j) + cohesion · mean s(j,k) + roles · |roles| − price · |ln(Σp / target)|`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bundles {
    /// Complements that a set is drawn from.
    pub pool: usize,
    /// Of these at most so many with the same role.
    pub per_role: usize,
    /// Partial sets carried along by the search.
    pub beam: usize,
    /// Pools up to this size are searched whole.
    pub exact: usize,
    /// Fewest companions of a set.
    pub fewest: usize,
    /// Most companions of a set.
    pub most: usize,
    /// Weight of how well the companions go with each other.
    pub cohesion: f64,
    /// Weight of every role filled.
    pub roles: f64,
    /// Weight of the distance from the usual spending.
    pub price: f64,
    /// Sets kept per anchor.
    pub stored: usize,
}

impl Default for Bundles {
    fn default() -> Self {
        Self {
            pool: 30,
            per_role: 3,
            beam: 8,
            exact: 12,
            fewest: 2,
            most: 4,
            cohesion: 0.5,
            roles: 0.2,
            price: 0.2,
            stored: 5,
        }
    }
}
