//! Parquet as rows of text, so that one set of rules and messages holds for every kind of file.

mod text;

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::fault::{Problem, RowError, RowErrors};
use super::header::Header;
use super::source::Progress;
use crate::unpack::{self, Batches};
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
    batches: Batches,
    done: Done,
}

/// How much of a file was unpacked; its bytes are told by its rows, since columns lie apart.
struct Done {
    rows: u64,
    of_rows: u64,
    of_bytes: u64,
    progress: Progress,
}

impl Done {
    fn add(&mut self, rows: usize) {
        self.rows += rows as u64;
        let share = self.rows as f64 / self.of_rows as f64;
        self.progress.reached((self.of_bytes as f64 * share) as u64);
    }
}

impl Sheets {
    /// Opens a file and finds its columns by `find`; only those are unpacked, and `progress` follows.
    ///
    /// # Errors
    /// When it is no Parquet, is packed in a way that is not read, or what `find` says.
    pub fn open(
        file: File,
        progress: Progress,
        find: impl FnOnce(&[String]) -> Result<Header, RowErrors>,
    ) -> Result<Self, RowErrors> {
        let of_bytes = file.metadata().map_err(|error| unreadable(&error))?.len();
        let builder = unpack::open(file).map_err(|error| unreadable(&error))?;
        let fields = builder.schema().fields().iter();
        let names: Vec<String> = fields.map(|field| field.name().clone()).collect();
        let mut header = find(&names)?;
        check_packing(builder.metadata(), &names, &header)?;
        let mut used: Vec<usize> = header.places.iter().flatten().copied().collect();
        used.sort_unstable();
        used.dedup();
        for place in header.places.iter_mut().flatten() {
            *place = used.partition_point(|&other| other < *place);
        }
        header.width = used.len();
        let done = Done {
            rows: 0,
            of_rows: u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0),
            of_bytes,
            progress,
        };
        let mask = ProjectionMask::roots(builder.parquet_schema(), used);
        let opened = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        let batches = Batches::of(opened).map_err(|error| unreadable(&error))?;
        Ok(Self {
            header,
            batches,
            done,
        })
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// When the bytes make no sense.
    pub fn next_batch(&mut self) -> Option<Result<RecordBatch, Problem>> {
        let batch = self.batches.next()?;
        if let Ok(batch) = &batch {
            self.done.add(batch.num_rows());
        }
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
#[derive(Debug, Default)]
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

    /// How many rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The text of a row at a place of the header; empty text is the same as none.
    ///
    /// # Errors
    /// When the column is of a kind that no text stands for.
    pub fn text(&self, row: usize, place: usize) -> Result<Option<&str>, Problem> {
        match &self.columns[place] {
            Ok(column) => Ok(column.get(row)),
            Err(problem) => Err(problem.clone()),
        }
    }
}
