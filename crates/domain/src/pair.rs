//! What the events say of one pair of products.

use serde::{Deserialize, Serialize};

use crate::edge::Evidence;
use crate::id::{CategoryId, ProductId};
use crate::relation::Relation;

/// A pair counted anew: every counter that a score may rest on, and where the companion stands in the anchor's lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairReport {
    /// The anchor.
    pub anchor: ProductId,
    /// The companion.
    pub companion: ProductId,
    /// One per signal that is counted.
    pub counts: Vec<PairCounts>,
    /// One per relation with a list or with candidates that a gate refused.
    pub places: Vec<PairPlace>,
    /// What their categories are to each other; `None` where a category is not known.
    #[serde(default)]
    pub categories: Option<PairCategories>,
}

/// The counters of one signal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairCounts {
    /// The counters.
    pub evidence: Evidence,
    /// What the gates of support and significance say of them.
    pub verdict: PairVerdict,
}

/// Whether counters speak for a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairVerdict {
    /// Enough common baskets, and more than chance.
    Passes,
    /// Too few.
    Rare,
    /// Enough, but chance may have brought them together.
    Chance,
}

/// Where a companion stands in one list, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairPlace {
    /// The relation.
    pub relation: Relation,
    /// Place in the list, from 1; 0 when the companion is not in it.
    pub rank: u32,
    /// Its score; 0 when it is not in the list.
    pub score: f32,
    /// Companions in the list.
    pub length: u32,
    /// Score of the last one; 0 while the list is not full.
    pub cut_off: f32,
}

/// What the leaf categories of a pair are to each other, and which prices go together in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairCategories {
    /// Of the anchor.
    pub anchor: CategoryId,
    /// Of the companion.
    pub companion: CategoryId,
    /// Whether the companion may complement the anchor.
    pub kinship: Kinship,
    /// The prices that go together, where it may.
    pub band: Option<PairBand>,
}

/// Whether companions of one category complement anchors of another, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kinship {
    /// They are of one category: no complements.
    Same,
    /// Orders relate them.
    Related,
    /// Orders do not.
    Unrelated,
    /// A rule relates them.
    Curated(Authority),
    /// A rule forbids them.
    Forbidden(Authority),
}

/// Whose rule it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The marketplace's.
    Marketplace,
    /// That of the anchor's shop.
    Shop,
}

/// Ratios of companion to anchor price between which prices go together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairBand {
    /// The lowest.
    pub least: f64,
    /// The highest.
    pub most: f64,
    /// Who says so.
    pub source: BandSource,
}

/// Where a band comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandSource {
    /// Too few orders tell: it is the usual one.
    Usual,
    /// Orders.
    Orders,
    /// A rule.
    Rule(Authority),
}
