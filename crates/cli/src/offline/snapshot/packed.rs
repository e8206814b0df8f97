//! Parquet files of a snapshot: written in rows of one schema, read only if they have that and our format.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::manifest::{FORMAT, Seal, Sealing, check_format};
use crate::unpack::{self, Batches};

/// Rows that are packed or unpacked at once.
pub(super) const BATCH_ROWS: usize = 8 * 1024;
/// Rows of a row group: what a writer holds back.
const GROUP_ROWS: usize = 128 * 1024;
/// The key under which a file says its format.
const FORMAT_KEY: &str = "tandem.format";

/// A list of values, none of which is null.
pub(super) fn list_of(kind: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", kind, false)))
}

/// A file of the snapshot while it is written.
pub(super) struct Packing {
    writer: ArrowWriter<Sealing<BufWriter<File>>>,
    schema: Arc<Schema>,
}

impl Packing {
    /// Begins the file at `path`.
    pub(super) fn begin(path: &Path, schema: &Arc<Schema>) -> Result<Self> {
        let format = KeyValue::new(FORMAT_KEY.to_owned(), FORMAT.to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_key_value_metadata(Some(vec![format]));
        let out = Sealing::new(BufWriter::new(File::create(path)?));
        let writer = ArrowWriter::try_new(out, Arc::clone(schema), Some(properties.build()))?;
        Ok(Self {
            writer,
            schema: Arc::clone(schema),
        })
    }

    /// Appends rows.
    pub(super) fn put(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        Ok(self.writer.write(&batch)?)
    }

    /// Ends the file.
    pub(super) fn end(self) -> Result<Seal> {
        let mut out = self.writer.into_inner()?;
        out.flush()?;
        Ok(out.seal()?)
    }
}

/// Opens a sealed file, if its format and its columns are ours.
pub(super) fn open(path: &Path, seal: &Seal, schema: &Schema) -> Result<Batches> {
    let file = seal.open(path)?;
    let builder = unpack::open(file)?;
    let known = builder.metadata().file_metadata().key_value_metadata();
    let mut known = known.into_iter().flatten();
    let format = known.find(|entry| entry.key == FORMAT_KEY);
    let format = format.and_then(|entry| entry.value.as_deref()?.parse().ok());
    check_format(format.context("it says no format: it is no file of a snapshot")?)?;
    ensure!(
        builder.schema().fields() == schema.fields(),
        "its columns are not those of format {FORMAT}"
    );
    Ok(Batches::of(builder.with_batch_size(BATCH_ROWS))?)
}

/// The values of one row of a column of lists.
pub(super) fn values<T: ArrowPrimitiveType>(lists: &ListArray, row: usize) -> &[T::Native] {
    if lists.is_null(row) {
        return &[];
    }
    let ends = &lists.value_offsets()[row..=row + 1];
    let at = |end: i32| usize::try_from(end).unwrap_or_default();
    &lists.values().as_primitive::<T>().values()[at(ends[0])..at(ends[1])]
}
