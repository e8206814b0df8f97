//! Files in: parsers that turn files into domain values, and tell what is wrong with them by line and column.
//!
//! Nothing here knows a database. A file is read twice: [`validate`](generic::validate) walks it once and writes
//! nothing, then [`batches`](generic::batches) hands out rows, at most [`BATCH_ROWS`] at a time.
//!
#![doc = include_str!("import/FORMATS.md")]

pub mod decimal;
pub mod events;
pub mod fault;
pub mod field;
pub mod format;
pub mod generic;
pub mod header;
pub mod mapping;
pub mod moment;
pub mod online_retail;
pub mod parquet;
pub mod products;
pub mod schema;
pub mod seen;
pub mod source;
pub mod stock;
pub mod table;
pub mod tags;

/// The most rows that are handed on at once.
pub const BATCH_ROWS: usize = 5_000;

/// The text that `--help` prints about the files.
pub const FORMATS: &str = include_str!("import/FORMATS.md");
