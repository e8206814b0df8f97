//! Facts as files, one bucket per shard: the seam at which a build may be spread over machines.
//!
#![doc = include_str!("SNAPSHOT.md")]

mod bucket;
mod catalogue;
mod manifest;
mod packed;
mod read;
mod write;

pub use manifest::{FORMAT, Manifest};
pub use read::Snapshot;
pub use write::write;

/// The text that `--help` prints about the files.
pub const SNAPSHOT: &str = include_str!("SNAPSHOT.md");
