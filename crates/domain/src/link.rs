//! Merchants' manual links.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{LinkId, ProductId, ShopId, SurfaceId};
use crate::relation::Relation;

/// What a link does to its companion in the anchor's lists.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum LinkEffect {
    /// Stands at `position` (from 1), ahead of anything learned.
    Pin {
        /// From 1.
        position: u32,
    },
    /// Multiplies the learned score by `factor`; a companion that was not learned is added at the end.
    Boost {
        /// Above 1, at most 100.
        factor: f32,
    },
    /// Multiplies the learned score by `factor`.
    Bury {
        /// Between 0 and 1.
        factor: f32,
    },
    /// Never shown with this anchor, whatever a rebuild says.
    Exclude,
}

/// What a merchant asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkInput {
    /// The anchor.
    pub anchor: ProductId,
    /// The companion; not the anchor itself.
    pub companion: ProductId,
    /// What it does.
    pub effect: LinkEffect,
    /// In which relation; `None` for all.
    pub relation: Option<Relation>,
    /// On which surface; `None` for all.
    pub surface: Option<SurfaceId>,
    /// Valid from; `None` for always.
    pub valid_from: Option<Timestamp>,
    /// Valid until, exclusive; `None` for ever.
    pub valid_until: Option<Timestamp>,
    /// Why, in the merchant's words.
    pub reason: String,
}

/// A link as stored. A deleted link stays as a tombstone that outranks every rebuild.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// What it asks for.
    pub input: LinkInput,
    /// The owner.
    pub shop: ShopId,
    /// Who made it.
    pub author: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// Rises by one with every change; the etag.
    pub version: u64,
}

/// All living links of an anchor: what the gateway lays over learned lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnchorLinks {
    /// The anchor.
    pub anchor: ProductId,
    /// Rises with every change of any link of the anchor.
    pub version: u64,
    /// Living links, by id. Validity windows are checked at read.
    pub links: Vec<Link>,
}
