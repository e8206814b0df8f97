//! Files in, files out: the graph engine without a database.

pub mod chunk;
pub mod edges;
pub mod events;
pub mod header;
pub mod number;
pub mod pages;
pub mod parquet;
pub mod products;
pub mod rows;
pub mod trail;

use std::path::Path;

use crate::import::fault::RowErrors;

/// Why a file is not taken.
#[must_use]
pub fn refused(path: &Path, errors: &RowErrors) -> anyhow::Error {
    anyhow::anyhow!("{}: nothing was written:\n{errors}", path.display())
}
