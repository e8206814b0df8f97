//! Segments: immutable files of record bytes on shared storage, from which an emptied cache is filled again.
//!
//! ```text
//! file    magic "TANDEMSG", format version u8, records, footer
//! record  kind u8 (1 lists, 2 evidence, 3 bundles, 4 bestsellers), id length u8, id, length u32, bytes
//! footer  kind 0, then the number of records of kinds 1, 2, 3 and 4 as u64
//! ```
//! Numbers are little-endian. Bestsellers of the whole marketplace have an empty id. The [`SegmentRef`] carries the
//! BLAKE3 of the whole file, as `b3sum` prints it; nothing of a file is used before its checksum was found right.
//!
//! [`SegmentRef`]: tandem_domain::generation::SegmentRef

mod format;
mod load;
mod place;
mod reader;
mod scan;
mod writer;

use std::fmt::Display;

use crate::error::CacheError;

pub use load::load_segment;
pub use place::{delete_segment, segment_store};
pub use reader::{Batch, read_segment};
pub use writer::{SegmentWriter, write_segment};

fn broken(path: &str, why: impl Display) -> CacheError {
    CacheError::Segment {
        path: path.to_owned(),
        why: why.to_string(),
    }
}
