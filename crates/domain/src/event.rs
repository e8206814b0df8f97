//! Behaviour events: the facts that the graph is computed from.

use serde::{Deserialize, Serialize};

use crate::attribution::Attribution;
use crate::catalog::Provenance;
use crate::clock::Timestamp;
use crate::id::{EventId, ProductId, SceneId};
use crate::money::Money;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum EventKind {
    /// A product page or card was viewed.
    View = 1,
    /// Put into the cart.
    Cart = 2,
    /// Bought; the group is the order.
    Purchase = 3,
    /// Sent back or cancelled; the group is the order that it leaves.
    Return = 4,
    /// Clicked in one of our lists.
    Click = 5,
    /// Shown in one of our lists.
    Impression = 6,
    /// Liked.
    Like = 7,
    /// Opened from a search.
    Search = 8,
    /// Left at once.
    Bounce = 9,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::View,
        Self::Cart,
        Self::Purchase,
        Self::Return,
        Self::Click,
        Self::Impression,
        Self::Like,
        Self::Search,
        Self::Bounce,
    ];

    /// The name in files: `view`, `purchase`, …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Cart => "cart",
            Self::Purchase => "purchase",
            Self::Return => "return",
            Self::Click => "click",
            Self::Impression => "impression",
            Self::Like => "like",
            Self::Search => "search",
            Self::Bounce => "bounce",
        }
    }

    /// The number in storage.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// From the number in storage.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Not the name of an event kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no event type: use view, cart, purchase, return, click, impression, like, search or bounce"
)]
pub struct UnknownEventKind(pub String);

impl std::str::FromStr for EventKind {
    type Err = UnknownEventKind;
    fn from_str(name: &str) -> Result<Self, UnknownEventKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownEventKind(name.to_owned()))
    }
}

/// One event, as reported or imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Reporting the same id twice counts once.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// To which product; need not be in the catalogue.
    pub product: ProductId,
    /// By whom: a pseudonym, 1–128 bytes; `None` where no customer is known.
    pub user: Option<String>,
    /// Session of a view, order of a purchase or return; 1–128 bytes. Events that share it form a basket.
    pub group: Option<String>,
    /// Livestream or video in which it happened.
    pub scene: Option<SceneId>,
    /// Units, at least 1.
    pub quantity: u32,
    /// Price of one unit.
    pub unit_price: Option<Money>,
    /// When.
    pub time: Timestamp,
    /// Real or generated.
    pub provenance: Provenance,
    /// How long the product was looked at, in milliseconds, at most [`MAX_DWELL_MS`]; `None` where nobody measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dwell_ms: Option<u32>,
    /// The place in an answer of ours that it comes from, proved by the answer's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
}

/// Nobody looks at a product for longer than a day.
pub const MAX_DWELL_MS: u32 = 24 * 60 * 60 * 1_000;

/// Events before 2000 or after 2100 (UTC) are refused: a clock is wrong.
#[must_use]
pub const fn is_plausible_time(time: Timestamp) -> bool {
    const YEAR_2000_MS: i64 = 946_684_800_000;
    const YEAR_2100_MS: i64 = 4_102_444_800_000;
    time.as_ms() >= YEAR_2000_MS && time.as_ms() < YEAR_2100_MS
}
