//! Unpacking Parquet files. The library answers most damage with an error and some with a panic: here both are errors.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

thread_local! {
    static UNDER_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is unpacking: a panic is told as an error of the file then, and by nothing else.
#[must_use]
pub fn is_under_way() -> bool {
    UNDER_WAY.get()
}

/// Opens a file.
///
/// # Errors
/// When it is no Parquet, or damaged.
pub fn open(file: File) -> Result<ParquetRecordBatchReaderBuilder<File>, ParquetError> {
    guarded(|| ParquetRecordBatchReaderBuilder::try_new(file)).unwrap_or_else(|| Err(damaged()))
}

/// The rows of a file, some at a time; ends with the first error.
pub struct Batches {
    reader: ParquetRecordBatchReader,
    has_ended: bool,
}

impl Batches {
    /// What an opened file holds.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn of(opened: ParquetRecordBatchReaderBuilder<File>) -> Result<Self, ParquetError> {
        let reader = guarded(|| opened.build()).unwrap_or_else(|| Err(damaged()))?;
        Ok(Self {
            reader,
            has_ended: false,
        })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = guarded(|| self.reader.next()).unwrap_or_else(|| Some(Err(damaged().into())));
        self.has_ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn damaged() -> ParquetError {
    ParquetError::General("what its parts say of each other does not fit: it is damaged".to_owned())
}

/// `None` when the work panicked; nothing of it is used any more then.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    UNDER_WAY.set(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    UNDER_WAY.set(false);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_nothing_and_leaves_nothing_behind() {
        assert_eq!(guarded(|| 1), Some(1));
        assert_eq!(
            guarded(|| -> u8 { panic!("pages that contradict each other") }),
            None
        );
        assert!(!is_under_way());
    }
}
