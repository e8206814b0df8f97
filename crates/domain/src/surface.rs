//! Serving configurations: what a page, a cart or a live room asks of its lists.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::edge::Source;
use crate::id::SurfaceId;
use crate::relation::Relation;

/// What happens to an answer whose view of stock is older than the surface allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenStale {
    /// Answered, and marked.
    Mark,
    /// Not answered: the items are withheld.
    Suppress,
}

/// A serving configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// Its id, such as `detail_page`.
    pub id: SurfaceId,
    /// Relations served when a request names none, best first.
    pub relations: Vec<Relation>,
    /// Items per list when a request names no size.
    pub default_size: u32,
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
            default_size: 20,
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
            version: 1,
        }
    }

    /// [`Surface::max_stock_age_ms`] as a span.
    #[must_use]
    pub const fn max_stock_age(&self) -> Duration {
        Duration::from_millis(self.max_stock_age_ms)
    }
}
