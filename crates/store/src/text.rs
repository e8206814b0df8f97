//! Text of rows that must not hold up others.

use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable};
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};

/// SQLite takes any bytes that are cast to text. One row of such would fail the batch that it is read with, and every
/// batch after it, so what is no text is read as far as it goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Whole(String),
    /// Only for people to look at: it says something else than what was written.
    Garbled {
        garbled: String,
    },
}

impl Text {
    /// What was written.
    pub(crate) fn whole(&self, what: &'static str) -> Result<&str> {
        match self {
            Self::Whole(text) => Ok(text),
            Self::Garbled { garbled } => Err(StoreError::Corrupt {
                what,
                why: format!("its bytes are no text: {garbled}"),
            }),
        }
    }

    /// What can be read of it, for people.
    pub(crate) fn readable(&self) -> &str {
        match self {
            Self::Whole(text) | Self::Garbled { garbled: text } => text,
        }
    }
}

impl TryGetable for Text {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        match String::try_get_by(row, index) {
            Err(TryGetError::DbErr(_)) => Vec::<u8>::try_get_by(row, index).map(|bytes| Self::Garbled {
                garbled: String::from_utf8_lossy(&bytes).into_owned(),
            }),
            text => text.map(Self::Whole),
        }
    }
}
