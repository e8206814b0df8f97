//! Durations as people write them: `250ms`, `10s`, `1h 30m`.
//!
//! For fields of type [`Duration`]: `#[serde(with = "tandem_runtime::config::duration")]`.

use std::time::Duration;

use jiff::SignedDuration;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Reads a duration.
///
/// # Errors
/// When the text is none, or is negative.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text)
        .ok_or_else(|| D::Error::custom(format!("{text:?} is not a duration: write e.g. 250ms, 10s or 5m")))
}

/// Writes a duration in the same form.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let signed = SignedDuration::try_from(*duration).unwrap_or(SignedDuration::MAX);
    serializer.collect_str(&format_args!("{signed:#}"))
}

/// Durations that may not be zero: pauses of something that goes on for ever.
///
/// `#[serde(with = "tandem_runtime::config::duration::positive")]`.
pub mod positive {
    use super::{Deserializer, Duration, Error};

    pub use super::serialize;

    /// Reads a duration.
    ///
    /// # Errors
    /// When the text is none, or is not above zero.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        match super::deserialize(deserializer)? {
            Duration::ZERO => Err(D::Error::custom("must be longer than 0s")),
            duration => Ok(duration),
        }
    }
}

fn parse(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok()?.try_into().ok()
}
