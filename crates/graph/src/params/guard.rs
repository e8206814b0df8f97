use serde::{Deserialize, Serialize};
use tandem_domain::rule::CategoryRule;

/// What keeps chance out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gates {
    /// Pairs with fewer common baskets are left out.
    pub least_support: u32,
    /// Pairs below `strong_support` must have a larger log-likelihood ratio, and occur more often than chance has it.
    pub chance: f64,
    /// Common baskets that speak for themselves.
    pub strong_support: u32,
    /// What a pair about which nothing is known may fall short of the relation index's sign (ln).
    pub index_slack: f64,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            least_support: 1,
            chance: crate::significance::CHANCE,
            strong_support: 3,
            index_slack: 0.2,
        }
    }
}

/// Which categories go together: by share of the anchor category's orders, cut at the largest relative drop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Categories {
    /// The cut leaves at least so many related categories, where there are as many.
    pub fewest: usize,
    /// And at most so many.
    pub most: usize,
    /// What operators and merchants say of pairs, whatever the data says; at most one rule per pair and shop, of more the
    /// last.
    pub rules: Vec<CategoryRule>,
    /// The least share that a curated pair is taken to have.
    pub curated_share: f64,
}

impl Default for Categories {
    fn default() -> Self {
        Self {
            fewest: 8,
            most: 1000,
            rules: Vec::new(),
            curated_share: 0.1,
        }
    }
}

/// Which prices go together: a band of ratios per pair of categories, learned from orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Orders needed before a band is learned.
    pub observations: u32,
    /// Parts of a hundred left out at either end of a band.
    pub tail_percent: u32,
    /// Lowest ratio of companion to anchor where no band is learned.
    pub lowest: f64,
    /// Highest ratio of companion to anchor where no band is learned.
    pub highest: f64,
    /// How gently the fit falls outside a band (ln).
    pub softness: f64,
    /// A fit below this is a refusal.
    pub floor: f64,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            observations: 20,
            tail_percent: 5,
            lowest: 0.01,
            highest: 2.5,
            softness: 0.5,
            floor: 0.1,
        }
    }
}

/// Products about which little is known: category statistics and attributes stand in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColdStart {
    /// μ: baskets of the anchor that weigh as much as its category's habits.
    pub mu: f64,
    /// Related categories that propose products, by share.
    pub categories: usize,
    /// Products that each of them proposes, by popularity.
    pub per_category: usize,
    /// Products proposed from a leaf category, series or brand, by popularity.
    pub per_family: usize,
    /// The most companions of a list that rest on attributes alone.
    pub stored: usize,
}

impl Default for ColdStart {
    fn default() -> Self {
        Self {
            mu: 20.0,
            categories: 12,
            per_category: 5,
            per_family: 60,
            stored: 20,
        }
    }
}
