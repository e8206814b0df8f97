//! Rows of a file, one at a time, as [`Fields`].

mod csv;
mod jsonl;
mod leash;

use std::io::Read;

use super::fault::{RowError, RowErrors};
use super::field::Fields;
use super::format::Format;
use super::schema::Schema;

/// The longest row in bytes; an unclosed quote must not swallow the memory.
const MOST_ROW_BYTES: u64 = 1 << 20;

/// A file of rows; memory is bounded by the longest row.
pub struct Table<R>(Kind<R>);

enum Kind<R> {
    Csv(csv::CsvTable<R>),
    Jsonl(jsonl::JsonTable<R>),
}

impl<R: Read> Table<R> {
    /// Starts to read `input`; the header of a CSV file is checked against `schema` at once.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub fn open(schema: &'static Schema, format: Format, input: R) -> Result<Self, RowErrors> {
        Ok(Self(match format {
            Format::Csv => Kind::Csv(csv::CsvTable::open(schema, input)?),
            Format::Jsonl => Kind::Jsonl(jsonl::JsonTable::open(schema, input)),
        }))
    }

    /// The next row; `None` at the end, and after an error that leaves nothing to go on with.
    pub fn next_row(&mut self) -> Option<Result<Fields<'_>, RowError>> {
        match &mut self.0 {
            Kind::Csv(table) => table.next_row(),
            Kind::Jsonl(table) => table.next_row(),
        }
    }
}
