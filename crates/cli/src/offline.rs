//! Files in, files out: the graph engine without a database.
//!
//! A file is a run of [`pages`](pages::Pages): chunks of CSV that end with a row, or batches of Parquet. Threads take pages
//! in turn, parse them side by side into batches of the engine, and hand those over in the order of the file, so that
//! memory is bounded by two pages per thread beside what the engine keeps: twelve bytes a row.
//!
#![doc = include_str!("offline/FILES.md")]

use std::path::Path;

use crate::import::fault::RowErrors;

pub mod chunk;
pub mod edges;
pub mod events;
pub mod number;
pub mod pages;
pub mod products;
pub mod rows;
pub mod snapshot;
pub mod trail;

/// The text that `--help` prints about the files.
pub const FILES: &str = include_str!("offline/FILES.md");

/// Why a file is not taken.
#[must_use]
pub fn refused(path: &Path, errors: &RowErrors) -> anyhow::Error {
    anyhow::anyhow!("{}: nothing was written:\n{errors}", path.display())
}
