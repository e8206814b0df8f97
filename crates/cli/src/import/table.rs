//! Rows of a file, one at a time, as [`Fields`].

mod csv;
mod jsonl;
mod leash;
mod parquet;

use std::fs::File;
use std::io::Read;

use super::fault::{RowError, RowErrors};
use super::field::Fields;
use super::mapping::{Constants, Mapping};
use super::schema::Schema;
use super::source::Progress;

/// The longest row in bytes; an unclosed quote must not swallow the memory.
const MOST_ROW_BYTES: u64 = 1 << 20;

/// A file, by how its rows are written.
#[derive(Debug)]
pub enum Input<R> {
    /// RFC 4180 with a header row.
    Csv(R),
    /// One JSON object per line.
    Jsonl(R),
    /// Apache Parquet, which is not read from front to back, and how far it was read.
    Parquet(File, Progress),
}

/// A file of rows; memory is bounded by the longest row, or by a batch of a Parquet file.
pub struct Table<R> {
    kind: Kind<R>,
    constants: Constants,
    row: u64,
}

enum Kind<R> {
    Csv(csv::CsvTable<R>),
    Jsonl(jsonl::JsonTable<R>),
    Parquet(parquet::ParquetTable),
}

impl<R: Read> Table<R> {
    /// Starts to read `input`, in which `mapping` finds the columns of `schema`; a header is checked at once.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub fn open(schema: &'static Schema, input: Input<R>, mapping: &Mapping) -> Result<Self, RowErrors> {
        let kind = match input {
            Input::Csv(input) => Kind::Csv(csv::CsvTable::open(schema, input, mapping)?),
            Input::Jsonl(input) => Kind::Jsonl(jsonl::JsonTable::open(schema, input, mapping)),
            Input::Parquet(file, progress) => {
                Kind::Parquet(parquet::ParquetTable::open(schema, (file, progress), mapping)?)
            }
        };
        Ok(Self {
            kind,
            constants: mapping.constants(schema),
            row: 0,
        })
    }

    /// Columns of the header that nothing reads.
    #[must_use]
    pub fn unread(&self) -> &[String] {
        match &self.kind {
            Kind::Csv(table) => table.unread(),
            Kind::Jsonl(_) => &[],
            Kind::Parquet(table) => table.unread(),
        }
    }

    /// The next row; `None` at the end, and after an error that leaves nothing to go on with.
    pub fn next_row(&mut self) -> Option<Result<Fields<'_>, RowError>> {
        let next = match &mut self.kind {
            Kind::Csv(table) => table.next_row(),
            Kind::Jsonl(table) => table.next_row(),
            Kind::Parquet(table) => table.next_row(),
        };
        self.row += 1;
        self.constants.advance(self.row);
        Some(next?.map(|(line, cells)| Fields::new(line, cells, &self.constants)))
    }
}
