//! Serving configurations: what a page, a cart or a live room asks of its lists.

mod attach;
mod check;
mod patch;
mod stock;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::edge::Source;
use crate::id::SurfaceId;
use crate::relation::Relation;
pub use stock::{AnchorRules, CompanionRules, InvalidStockRules, StockRules, holds};

pub use attach::AttachRules;
pub use check::Fault;
pub use patch::SurfacePatch;

/// What happens to an answer whose view of stock is older than the surface allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenStale {
    /// Answered, and marked.
    Mark,
    /// Not answered: the items are withheld.
    Suppress,
}

/// Whose products a list may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopScope {
    /// Those of every shop of the marketplace.
    #[default]
    Marketplace,
    /// Those of the anchor's shop alone.
    SameShop,
}

/// Which prices suit an anchor, in percent of its own; an open end is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBand {
    /// The lowest.
    pub min_percent: Option<u32>,
    /// The highest.
    pub max_percent: Option<u32>,
}

impl PriceBand {
    /// Whether every price suits.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.min_percent.is_none() && self.max_percent.is_none()
    }
}

/// How many items of one kind a list may hold over all its pages; `None` for any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Of one brand.
    pub per_brand: Option<u32>,
    /// Of one leaf category.
    pub per_category: Option<u32>,
    /// Of one shop.
    pub per_shop: Option<u32>,
}

impl Caps {
    /// Whether nothing is capped.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.per_brand.is_none() && self.per_category.is_none() && self.per_shop.is_none()
    }
}

/// What a surface makes of how shoppers took what they were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedbackRules {
    /// Whether scores are multiplied by what feedback says.
    #[serde(default)]
    pub rank: bool,
    /// The place from 1 at which companions are tried that have not earned it; none where nothing is tried.
    #[serde(default)]
    pub explore_at: Option<u32>,
}

/// The arm of an experiment that a surface belongs to: opaque here, carried to whoever measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Which experiment, as its owner names it; under the rule of ids.
    pub id: String,
    /// Which arm; under the rule of ids.
    pub arm: String,
}

/// A serving configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// Its id, such as `detail_page`.
    pub id: SurfaceId,
    /// Relations served when a request names none, best first.
    pub relations: Vec<Relation>,
    /// At most so many items of a relation; any number of those that do not stand here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas: BTreeMap<Relation, u32>,
    /// Items per list when a request names no size.
    pub default_size: u32,
    /// Which prices suit an anchor.
    #[serde(default, skip_serializing_if = "PriceBand::is_open")]
    pub price_band: PriceBand,
    /// What keeps a list diverse.
    #[serde(default, skip_serializing_if = "Caps::is_open")]
    pub caps: Caps,
    /// Whose products.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shops: ShopScope,
    /// The chain of sources, in the order in which they fill a list.
    pub fallback: Vec<Source>,
    /// Whether products without any reported stock may be shown.
    pub show_unknown_stock: bool,
    /// How old the view of stock may be, in milliseconds.
    pub max_stock_age_ms: u64,
    /// What happens to lists past that age.
    pub stale_lists: WhenStale,
    /// What happens to bundles past that age.
    pub stale_bundles: WhenStale,
    /// The arm of an experiment, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Experiment>,
    /// What it makes of feedback.
    #[serde(default, skip_serializing_if = "is_default")]
    pub feedback: FeedbackRules,
    /// What it attaches to bestsellers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attach: AttachRules,
    /// Whether it is gone: nothing is served by it, and its version still counts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deleted: bool,
    /// What may be sold, and what happens when it runs low.
    #[serde(default, skip_serializing_if = "StockRules::is_default")]
    pub stock: StockRules,
    /// Rises by one with every change.
    pub version: u64,
}

impl Surface {
    /// The surface that a request without one is served by.
    pub const DEFAULT: &'static str = "detail_page";
    /// The surfaces that every marketplace starts with.
    pub const BUILT_IN: [&'static str; 5] = [Self::DEFAULT, "cart", "live_room", "short_video", "mall"];

    /// A surface with the stated defaults; live surfaces withhold what they cannot vouch for.
    #[must_use]
    pub fn with_defaults(id: SurfaceId) -> Self {
        let live = id.as_str() == "live_room";
        Self {
            id,
            relations: vec![Relation::Complement, Relation::Together],
            quotas: BTreeMap::new(),
            default_size: 20,
            price_band: PriceBand::default(),
            caps: Caps::default(),
            shops: ShopScope::default(),
            fallback: vec![
                Source::Manual,
                Source::Learned,
                Source::Attribute,
                Source::Bestseller,
            ],
            show_unknown_stock: false,
            max_stock_age_ms: 2_000,
            stale_lists: if live {
                WhenStale::Suppress
            } else {
                WhenStale::Mark
            },
            stale_bundles: WhenStale::Suppress,
            experiment: None,
            feedback: FeedbackRules::default(),
            attach: AttachRules::default(),
            deleted: false,
            stock: StockRules::default(),
            version: 1,
        }
    }

    /// Whether the marketplace began with it; such a surface can be changed, not deleted.
    #[must_use]
    pub fn is_built_in(id: &SurfaceId) -> bool {
        Self::BUILT_IN.contains(&id.as_str())
    }

    /// Whether it asks something of the cards of companions.
    #[must_use]
    pub fn asks_of_cards(&self) -> bool {
        !self.price_band.is_open() || !self.caps.is_open() || self.shops != ShopScope::Marketplace
    }

    /// Whether a list of it is what the chain proposes, less what is excluded or cannot be bought.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.asks_of_cards() && self.quotas.is_empty()
    }

    /// [`Surface::max_stock_age_ms`] as a span.
    #[must_use]
    pub const fn max_stock_age(&self) -> Duration {
        Duration::from_millis(self.max_stock_age_ms)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What made a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurfaceAction {
    /// It was not there before.
    Create,
    /// Some of it was changed.
    Update,
    /// It was put back to what it had been.
    Rollback,
    /// It was taken away.
    Delete,
}

/// A surface as it stood at one version, and who made it so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurfaceRevision {
    /// The surface.
    pub surface: Surface,
    /// What made it.
    pub action: SurfaceAction,
    /// Who; empty for what every marketplace begins with.
    pub author: String,
    /// Why, in the author's words.
    pub reason: String,
    /// When.
    pub time: Timestamp,
}
