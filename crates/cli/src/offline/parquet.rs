//! Parquet as rows of text, so that one set of rules and messages holds for every kind of file.

mod text;

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::header::Header;
use super::rows::{Fields, Visit};
use crate::import::fault::{Problem, RowError, RowErrors};
use crate::import::schema::{Column, Schema};
use text::TextColumn;

/// Rows that are unpacked at once.
const BATCH_ROWS: usize = 16 * 1024;

/// Whether a file is Parquet: by its first bytes, not by its name.
#[must_use]
pub fn is_parquet(path: &Path) -> bool {
    use std::io::Read as _;
    let mut magic = [0; 4];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok() && magic == *b"PAR1")
}

/// An open file.
pub struct Sheets {
    /// Where columns stand in the batches.
    pub header: Header,
    /// Rows in all.
    pub rows: u64,
    reader: ParquetRecordBatchReader,
}

impl Sheets {
    /// Opens a file and finds the columns of `schema`; only those are unpacked.
    ///
    /// # Errors
    /// When it is no Parquet, is packed in a way that is not read, or lacks a column that must be there.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, RowErrors> {
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unreadable(&error))?;
        let names: Vec<String> = builder
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let mut header = Header::find(schema, &names)?;
        check_packing(builder.metadata(), &names, &header)?;
        let mut used: Vec<usize> = header.places.iter().flatten().copied().collect();
        used.sort_unstable();
        for place in header.places.iter_mut().flatten() {
            *place = used.partition_point(|&other| other < *place);
        }
        header.width = used.len();
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let mask = ProjectionMask::roots(builder.parquet_schema(), used);
        let reader = builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| unreadable(&error))?;
        Ok(Self { header, rows, reader })
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// When the bytes make no sense.
    pub fn next_batch(&mut self) -> Option<Result<RecordBatch, Problem>> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|error| Problem::Unreadable(error.to_string())))
    }
}

fn unreadable(error: &impl ToString) -> RowErrors {
    RowError::of_line(1, Problem::Unreadable(error.to_string())).into()
}

/// Whether all that is to be read is packed in a way that is read.
fn check_packing(metadata: &ParquetMetaData, names: &[String], header: &Header) -> Result<(), RowErrors> {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    for column in columns {
        let name = column.column_path().parts().first().map_or("", String::as_str);
        let is_read = header.places.iter().flatten().any(|&place| names[place] == name);
        let is_known = matches!(
            column.compression(),
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::LZ4_RAW
        );
        if is_read && !is_known {
            let packing = format!(
                "{} is not unpacked here; write the file with snappy, gzip, lz4_raw or no compression",
                column.compression()
            );
            return Err(RowError::of_column(1, name, Problem::Unreadable(packing)).into());
        }
    }
    Ok(())
}

/// Some rows as text.
pub struct TextRows {
    columns: Vec<Result<TextColumn, Problem>>,
    rows: usize,
}

impl TextRows {
    /// Every value of `batch` as it would stand in a CSV file; a column of a kind that cannot is an error of its rows.
    #[must_use]
    pub fn of(batch: &RecordBatch) -> Self {
        Self {
            columns: batch.columns().iter().map(TextColumn::of).collect(),
            rows: batch.num_rows(),
        }
    }

    /// Shows every row to `visitor`, counted from 1 as its line; how many there were.
    pub fn walk<'a>(&'a self, header: &Header, visitor: &mut impl Visit<'a>) -> u64 {
        for row in 0..self.rows {
            let fields = TextRow {
                rows: self,
                header,
                row,
            };
            visitor.row(row as u64, row as u64 + 1, &fields);
        }
        self.rows as u64
    }
}

struct TextRow<'r, 'a> {
    rows: &'a TextRows,
    header: &'r Header,
    row: usize,
}

impl<'a> Fields<'a> for TextRow<'_, 'a> {
    fn text(&self, column: &Column) -> Result<Option<&'a str>, Problem> {
        let Some(place) = self.header.places[column.index] else {
            return Ok(None);
        };
        match &self.rows.columns[place] {
            Ok(column) => Ok(column.get(self.row)),
            Err(problem) => Err(problem.clone()),
        }
    }
}
