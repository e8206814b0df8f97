//! What the cache's rebuild marker says.

use std::fmt;
use std::str::FromStr;

use tandem_domain::clock::Timestamp;

/// Which SQL the cache was filled from, and when. Written as `EPOCH@MILLISECONDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The store epoch.
    pub store_epoch: u64,
    /// When the rebuild ended; tells two rebuilds apart.
    pub at: Timestamp,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.store_epoch, self.at.as_ms())
    }
}

/// Not a marker of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rebuild marker")]
pub struct InvalidMarker(String);

impl FromStr for Marker {
    type Err = InvalidMarker;
    fn from_str(text: &str) -> Result<Self, InvalidMarker> {
        let parsed = text.split_once('@').and_then(|(epoch, at)| {
            Some(Self {
                store_epoch: epoch.parse().ok()?,
                at: Timestamp::from_ms(at.parse().ok()?),
            })
        });
        parsed.ok_or_else(|| InvalidMarker(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_as_it_prints() {
        let marker = Marker {
            store_epoch: 3,
            at: Timestamp::from_ms(17),
        };
        assert_eq!(marker.to_string(), "3@17");
        assert_eq!("3@17".parse(), Ok(marker));
        assert!("3".parse::<Marker>().is_err());
        assert!("".parse::<Marker>().is_err());
    }
}
