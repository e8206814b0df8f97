//! Sets of products that make a complete solution.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{FixedBundleId, ProductId, ShopId};

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

/// The most fixed bundles of one anchor.
pub const FIXED_BUNDLES_PER_ANCHOR: usize = 20;

/// A set that a merchant puts together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixedBundleInput {
    /// The anchor; no member.
    pub anchor: ProductId,
    /// What it is called.
    pub title: String,
    /// 2–4 companions, in the order in which they are shown, with the stand-ins that the merchant allows.
    pub members: Vec<BundleMember>,
}

/// A fixed bundle as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixedBundle {
    /// Its id.
    pub id: FixedBundleId,
    /// What the merchant asks for.
    pub input: FixedBundleInput,
    /// The owner.
    pub shop: ShopId,
    /// Who made it.
    pub author: String,
    /// When it was made.
    pub created: Timestamp,
}

impl FixedBundle {
    /// The same in the form that is mended: nobody learned it.
    #[must_use]
    pub fn as_set(&self) -> LearnedBundle {
        LearnedBundle {
            members: self.input.members.clone(),
            score: 0.0,
            support: 0,
            anchor_count: 0,
            generated: false,
        }
    }
}

/// All living fixed bundles of an anchor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnchorBundles {
    /// The anchor.
    pub anchor: ProductId,
    /// Rises with every change of any of them.
    pub version: u64,
    /// Living bundles, oldest first.
    pub bundles: Vec<FixedBundle>,
}
