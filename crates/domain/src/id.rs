//! Opaque external ids: UTF-8, 1–128 bytes, no control characters, compared byte by byte.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest id in bytes.
pub const MAX_ID_BYTES: usize = 128;

/// Why a string is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The string is empty.
    #[error("must not be empty")]
    Empty,
    /// The string has more than [`MAX_ID_BYTES`] bytes.
    #[error("is {bytes} bytes long, {MAX_ID_BYTES} is the limit")]
    TooLong {
        /// Length of the refused string in bytes.
        bytes: usize,
    },
    /// The string holds a control character.
    #[error("holds a control character at byte {at}")]
    Control {
        /// Byte offset of the first control character.
        at: usize,
    },
}

/// Whether `value` could be an id; the rule also holds for pseudonyms, sources and idempotency keys.
///
/// # Errors
/// [`InvalidId`] when it is empty, longer than [`MAX_ID_BYTES`] or holds a control character.
pub fn check(value: &str) -> Result<(), InvalidId> {
    if value.is_empty() {
        return Err(InvalidId::Empty);
    }
    if value.len() > MAX_ID_BYTES {
        return Err(InvalidId::TooLong { bytes: value.len() });
    }
    // Ids come by the million, and nearly all are plain.
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    match value.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(InvalidId::Control { at }),
        None => Ok(()),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// Cloning is cheap: the text is shared.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `value` and takes it as an id.
            ///
            /// # Errors
            /// [`InvalidId`] when it is empty, longer than [`MAX_ID_BYTES`] or holds a control character.
            pub fn new(value: impl AsRef<str>) -> Result<Self, InvalidId> {
                check(value.as_ref())?;
                Ok(Self(Arc::from(value.as_ref())))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(value: &str) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'a> From<&'a $name> for &'a str {
            fn from(id: &'a $name) -> Self {
                id.as_str()
            }
        }

        impl From<&Self> for $name {
            fn from(id: &Self) -> Self {
                id.clone()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+};
}

ids! {
    /// A marketplace: the scope of every other id, of every key, row and graph.
    MarketplaceId;
    /// A shop inside a marketplace; the owner of products, links and stock.
    ShopId;
    /// A product (SPU) inside a marketplace.
    ProductId;
    /// A stock-keeping unit inside a marketplace; belongs to one product.
    SkuId;
    /// A category; a product names its leaf.
    CategoryId;
    /// A series of one brand.
    SeriesId;
    /// A livestream or short video.
    SceneId;
    /// A serving configuration such as `detail_page`.
    SurfaceId;
    /// A merchant's manual link.
    LinkId;
    /// A merchant's fixed bundle.
    FixedBundleId;
    /// One behaviour event; reporting it twice counts once.
    EventId;
    /// A background job.
    JobId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_1_to_128_bytes_without_control_characters() {
        assert_eq!(ProductId::new(""), Err(InvalidId::Empty));
        assert_eq!(
            ProductId::new("a".repeat(129)),
            Err(InvalidId::TooLong { bytes: 129 })
        );
        assert_eq!(ProductId::new("a\nb"), Err(InvalidId::Control { at: 1 }));
        assert_eq!(
            ProductId::new("外套 85123A").map(|id| id.to_string()),
            Ok("外套 85123A".to_owned())
        );
    }

    #[test]
    fn deserialising_checks_too() {
        assert!(serde_json::from_str::<SkuId>("\"\"").is_err());
        assert_eq!(
            serde_json::from_str::<SkuId>("\"s1\"").ok(),
            SkuId::new("s1").ok()
        );
    }
}
