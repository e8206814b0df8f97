//! The pointer to the generation on serve.

use bytes::Bytes;
use tandem_domain::generation::{GenerationNo, Manifest, SegmentRef};
use tandem_proto::cache::v1::{ManifestRecord, SegmentRecord};

use super::{frame, unframe, unreadable};
use crate::port::Result;

const WHAT: &str = "a manifest";

/// A manifest.
#[must_use]
pub fn encode_manifest(manifest: &Manifest) -> Bytes {
    let segment = |segment: &SegmentRef| SegmentRecord {
        id: segment.id,
        path: segment.path.clone(),
        checksum: segment.checksum.clone(),
        bytes: segment.bytes,
        records: segment.records,
    };
    frame(&ManifestRecord {
        generation: manifest.generation.0,
        segments: manifest.segments.iter().map(segment).collect(),
        codec: manifest.codec.into(),
    })
}

/// Reads a manifest.
///
/// # Errors
/// [`CacheError::Unreadable`](crate::error::CacheError::Unreadable) when the bytes are of another codec or damaged.
pub fn decode_manifest(bytes: &[u8]) -> Result<Manifest> {
    let record: ManifestRecord = unframe(WHAT, bytes)?;
    let codec = u8::try_from(record.codec);
    let segment = |segment: SegmentRecord| SegmentRef {
        id: segment.id,
        path: segment.path,
        checksum: segment.checksum,
        bytes: segment.bytes,
        records: segment.records,
    };
    Ok(Manifest {
        generation: GenerationNo(record.generation),
        segments: record.segments.into_iter().map(segment).collect(),
        codec: codec.map_err(|_| unreadable(WHAT, "its codec is no byte"))?,
    })
}
