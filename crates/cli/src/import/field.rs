//! One row: its values by column, with the errors that name them.

use std::collections::BTreeMap;

use csv::ByteRecord;

use super::fault::{Problem, RowError};
use super::mapping::Constants;
use super::parquet::TextRows;
use super::schema::{Column, Need};
use super::tags;

/// A row of a [`Table`](super::table::Table).
#[derive(Debug)]
pub struct Fields<'a> {
    line: u64,
    cells: Cells<'a>,
    constants: &'a Constants,
}

/// Where the values of a row lie.
#[derive(Debug)]
pub(super) enum Cells<'a> {
    Csv {
        record: &'a ByteRecord,
        places: &'a [Option<usize>],
    },
    Json(&'a [Cell]),
    Parquet {
        rows: &'a TextRows,
        row: usize,
        places: &'a [Option<usize>],
    },
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Absent,
    /// A string, or a number as it was written.
    Text(String),
    /// An object as it was written.
    Object(String),
    /// What no column takes.
    Other(&'static str),
}

impl<'a> Fields<'a> {
    pub(super) const fn new(line: u64, cells: Cells<'a>, constants: &'a Constants) -> Self {
        Self {
            line,
            cells,
            constants,
        }
    }

    /// The line in the file.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// An error at `column` of this row.
    #[must_use]
    pub fn fault(&self, column: &Column, problem: Problem) -> RowError {
        RowError::of_column(self.line, column.name, problem)
    }

    /// The text at `column`; empty text is the same as none.
    ///
    /// # Errors
    /// When it is no UTF-8, of the wrong kind, or absent where the column is required.
    pub fn text(&self, column: &Column) -> Result<Option<&'a str>, RowError> {
        if let Some(text) = self.constants.get(column) {
            return Ok(Some(text));
        }
        let text = match &self.cells {
            Cells::Csv { record, places } => match places[column.index].and_then(|at| record.get(at)) {
                Some(bytes) => Some(
                    std::str::from_utf8(bytes)
                        .map_err(|e| self.fault(column, Problem::NotUtf8 { at: e.valid_up_to() }))?,
                ),
                None => None,
            },
            Cells::Json(cells) => match &cells[column.index] {
                Cell::Absent => None,
                Cell::Text(text) => Some(text.as_str()),
                Cell::Object(_) => return Err(self.wrong_kind(column, "object", "text or a number")),
                Cell::Other(found) => return Err(self.wrong_kind(column, found, "text or a number")),
            },
            Cells::Parquet { rows, row, places } => match places[column.index] {
                Some(place) => rows
                    .text(*row, place)
                    .map_err(|problem| self.fault(column, problem))?,
                None => None,
            },
        };
        match text.filter(|text| !text.is_empty()) {
            None if column.need == Need::Required => Err(self.fault(column, Problem::Empty)),
            text => Ok(text),
        }
    }

    /// The value at `column`, read by `read`.
    ///
    /// # Errors
    /// As [`Fields::text`], or what `read` says.
    pub fn value<T>(
        &self,
        column: &Column,
        read: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Result<Option<T>, RowError> {
        let text = self.text(column)?;
        text.map(read)
            .transpose()
            .map_err(|problem| self.fault(column, problem))
    }

    /// The value at a required `column`, read by `read`.
    ///
    /// # Errors
    /// As [`Fields::value`], and when there is none.
    pub fn required<T>(
        &self,
        column: &Column,
        read: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Result<T, RowError> {
        self.value(column, read)?
            .ok_or_else(|| self.fault(column, Problem::Empty))
    }

    /// The tags at `column`: `kind=value|value;kind=value`, or a JSON object of lists.
    ///
    /// # Errors
    /// When they are neither.
    pub fn tags(&self, column: &Column) -> Result<BTreeMap<String, Vec<String>>, RowError> {
        let read = match &self.cells {
            Cells::Json(cells) => match &cells[column.index] {
                Cell::Object(raw) => Some(tags::from_object(raw)),
                _ => None,
            },
            Cells::Csv { .. } | Cells::Parquet { .. } => None,
        };
        match read {
            Some(read) => read.map_err(|problem| self.fault(column, problem)),
            None => Ok(self.value(column, tags::from_text)?.unwrap_or_default()),
        }
    }

    fn wrong_kind(&self, column: &Column, found: &'static str, wanted: &'static str) -> RowError {
        self.fault(column, Problem::WrongKind { found, wanted })
    }
}
