//! Apache Parquet; a row's line is its number, from 1.

use std::fs::File;

use crate::import::fault::{RowError, RowErrors};
use crate::import::field::Cells;
use crate::import::header::Header;
use crate::import::mapping::Mapping;
use crate::import::parquet::{Sheets, TextRows};
use crate::import::schema::Schema;
use crate::import::source::Progress;

pub(super) struct ParquetTable {
    sheets: Sheets,
    rows: TextRows,
    /// The next row of `rows`.
    next: usize,
    line: u64,
    ended: bool,
}

impl ParquetTable {
    pub(super) fn open(
        schema: &Schema,
        (file, progress): (File, Progress),
        mapping: &Mapping,
    ) -> Result<Self, RowErrors> {
        let find = |names: &[String]| Header::find_strictly(schema, names, mapping);
        Ok(Self {
            sheets: Sheets::open(file, progress, find)?,
            rows: TextRows::default(),
            next: 0,
            line: 0,
            ended: false,
        })
    }

    pub(super) fn unread(&self) -> &[String] {
        &self.sheets.header.unread
    }

    pub(super) fn next_row(&mut self) -> Option<Result<(u64, Cells<'_>), RowError>> {
        while self.next == self.rows.len() {
            if self.ended {
                return None;
            }
            match self.sheets.next_batch() {
                Some(Ok(batch)) => (self.rows, self.next) = (TextRows::of(&batch), 0),
                Some(Err(problem)) => {
                    self.ended = true;
                    return Some(Err(RowError::of_line(self.line + 1, problem)));
                }
                None => {
                    self.ended = true;
                    return None;
                }
            }
        }
        self.next += 1;
        self.line += 1;
        let cells = Cells::Parquet {
            rows: &self.rows,
            row: self.next - 1,
            places: &self.sheets.header.places,
        };
        Some(Ok((self.line, cells)))
    }
}
