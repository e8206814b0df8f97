//! Values that may be left out. In the defaults they stand as an empty string, so that they are known.
//!
//! For fields of type `Option<T>`: `#[serde(with = "tandem_runtime::config::optional")]`.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads a value from its text; an empty text is none.
///
/// # Errors
/// When the text is not such a value.
pub fn deserialize<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error| D::Error::custom(format!("{text:?}: {error}")))
}
