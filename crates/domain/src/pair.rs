//! What the events say of one pair of products.

use serde::{Deserialize, Serialize};

use crate::edge::Evidence;
use crate::id::ProductId;
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
