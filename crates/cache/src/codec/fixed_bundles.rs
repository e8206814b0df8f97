//! Fixed bundles of an anchor.

use bytes::Bytes;
use tandem_domain::bundle::AnchorBundles;
use tandem_proto::cache::v1::FixedBundlesRecord;

use super::{frame, unframe, unreadable};
use crate::port::Result;

const WHAT: &str = "fixed bundles";

/// The fixed bundles of an anchor.
#[must_use]
pub fn encode_fixed_bundles(bundles: &AnchorBundles) -> Bytes {
    frame(&FixedBundlesRecord {
        json: serde_json::to_string(bundles).expect("bundles have string keys only"),
    })
}

/// Reads the fixed bundles of an anchor.
///
/// # Errors
/// [`CacheError::Unreadable`](crate::error::CacheError::Unreadable) when the bytes are of another codec or damaged.
pub fn decode_fixed_bundles(bytes: &[u8]) -> Result<AnchorBundles> {
    let record: FixedBundlesRecord = unframe(WHAT, bytes)?;
    serde_json::from_str(&record.json).map_err(|error| unreadable(WHAT, error))
}
