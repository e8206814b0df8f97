use std::io::Write;
use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use tandem_domain::id::ProductId;
use tandem_graph::EdgeRef;

use super::column::COLUMNS;

static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let column = |(name, kind): (&str, DataType)| Field::new(name, kind, false);
    Arc::new(Schema::new(COLUMNS.map(column).to_vec()))
});

pub(super) fn begin<W: Write + Send>(out: W) -> Result<ArrowWriter<W>, ParquetError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    ArrowWriter::try_new(out, Arc::clone(&SCHEMA), Some(properties.build()))
}

pub(super) fn columns<'i>(ids: &'i [ProductId], edges: &[EdgeRef]) -> RecordBatch {
    let texts = |of: &dyn Fn(&EdgeRef) -> &'i str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(edges.iter().map(of)))
    };
    let wholes = |of: fn(&EdgeRef) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(edges.iter().map(of)))
    };
    let floats = |of: fn(&EdgeRef) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(edges.iter().map(of)))
    };
    let columns: Vec<ArrayRef> = vec![
        texts(&|edge| ids[edge.anchor as usize].as_str()),
        texts(&|edge| ids[edge.companion as usize].as_str()),
        texts(&|edge| edge.relation.as_str()),
        wholes(|edge| edge.rank),
        floats(|edge| edge.score),
        floats(|edge| edge.basket_score),
        wholes(|edge| edge.evidence.support),
        floats(|edge| edge.evidence.lift),
        floats(|edge| edge.evidence.llr),
        texts(&|edge| edge.source.as_str()),
        Arc::new(UInt64Array::from_value(0, edges.len())),
    ];
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns).expect("the columns are those of the schema")
}
