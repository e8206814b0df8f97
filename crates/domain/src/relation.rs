//! The kinds of edge.

use serde::{Deserialize, Serialize};

/// How a companion belongs to its anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Relation {
    /// Frequently bought together, any category.
    Together = 1,
    /// Viewed in the same sessions.
    AlsoViewed = 2,
    /// Phone → case: another leaf category, bought along.
    Complement = 3,
    /// Same need, other product.
    Substitute = 4,
    /// Same leaf category, better and dearer.
    Upsell = 5,
    /// Same series, else same brand.
    Series = 6,
}

impl Relation {
    /// Every relation, in the order of its number.
    pub const ALL: [Self; 6] = [
        Self::Together,
        Self::AlsoViewed,
        Self::Complement,
        Self::Substitute,
        Self::Upsell,
        Self::Series,
    ];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::AlsoViewed => "also_viewed",
            Self::Complement => "complement",
            Self::Substitute => "substitute",
            Self::Upsell => "upsell",
            Self::Series => "series",
        }
    }

    /// The number in records.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// From the number in records.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.code() == code)
    }
}

/// Not the name of a relation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no relation: use together, also_viewed, complement, substitute, upsell or series")]
pub struct UnknownRelation(pub String);

impl std::str::FromStr for Relation {
    type Err = UnknownRelation;
    fn from_str(name: &str) -> Result<Self, UnknownRelation> {
        Self::ALL
            .into_iter()
            .find(|r| r.as_str() == name)
            .ok_or_else(|| UnknownRelation(name.to_owned()))
    }
}
