//! Serving configurations.

use bytes::Bytes;
use tandem_domain::surface::Surface;
use tandem_proto::cache::v1::SurfaceRecord;

use super::{frame, unframe, unreadable};
use crate::port::Result;

const WHAT: &str = "a surface";

/// A surface.
#[must_use]
pub fn encode_surface(surface: &Surface) -> Bytes {
    frame(&SurfaceRecord {
        json: serde_json::to_string(surface).expect("a surface has string keys only"),
    })
}

/// Reads a surface.
///
/// # Errors
/// [`CacheError::Unreadable`](crate::error::CacheError::Unreadable) when the bytes are of another codec or damaged.
pub fn decode_surface(bytes: &[u8]) -> Result<Surface> {
    let record: SurfaceRecord = unframe(WHAT, bytes)?;
    serde_json::from_str(&record.json).map_err(|error| unreadable(WHAT, error))
}
