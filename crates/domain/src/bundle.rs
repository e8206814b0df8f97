//! Sets of products that make a complete solution.

use serde::{Deserialize, Serialize};

use crate::id::ProductId;

/// The most stand-ins stored per role.
pub const STORED_ALTERNATES: usize = 5;

/// A set learned from behaviour: the anchor and 2–4 companions with distinct roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnedBundle {
    /// The companions, in the order in which they are shown.
    pub members: Vec<BundleMember>,
    /// F(S); sets rank by it, those seen in real orders first.
    pub score: f32,
    /// Orders that hold the anchor and every companion; 0 for a set only inferred from its pairs.
    pub support: u32,
    /// Orders that hold the anchor.
    pub anchor_count: u32,
    /// Whether generated records carry it.
    pub generated: bool,
}

/// A companion of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleMember {
    /// The companion.
    pub product: ProductId,
    /// What it does in the set: its leaf category, or its product id where the catalogue has none.
    pub role: String,
    /// Units of it in one set, at least 1.
    #[serde(default = "one")]
    pub quantity: u32,
    /// Orders that hold the anchor and this companion.
    pub support: u32,
    /// Stand-ins that fit the role, best first, at most [`STORED_ALTERNATES`].
    pub alternates: Vec<ProductId>,
}

const fn one() -> u32 {
    1
}
