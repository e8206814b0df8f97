use std::io::Write;
use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use tandem_domain::edge::{AnchorEdges, Edge};

static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let column = |(name, kind): (&str, DataType)| Field::new(name, kind, false);
    let columns = [
        ("anchor", DataType::Utf8),
        ("companion", DataType::Utf8),
        ("relation", DataType::Utf8),
        ("rank", DataType::UInt32),
        ("score", DataType::Float32),
        ("basket_score", DataType::Float32),
        ("support", DataType::UInt32),
        ("lift", DataType::Float32),
        ("llr", DataType::Float32),
        ("source", DataType::Utf8),
        ("generation", DataType::UInt64),
    ];
    Arc::new(Schema::new(columns.map(column).to_vec()))
});

pub(super) fn begin<W: Write + Send>(out: W) -> Result<ArrowWriter<W>, ParquetError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    ArrowWriter::try_new(out, Arc::clone(&SCHEMA), Some(properties.build()))
}

pub(super) fn columns(anchors: &[AnchorEdges]) -> RecordBatch {
    let rows: Vec<(&str, &'static str, usize, &Edge)> = anchors
        .iter()
        .flat_map(|anchor| {
            anchor
                .lists
                .iter()
                .map(move |list| (anchor.anchor.as_str(), list))
        })
        .flat_map(|(anchor, list)| {
            let edges = list.edges.iter().enumerate();
            edges.map(move |(place, edge)| (anchor, list.relation.as_str(), place + 1, edge))
        })
        .collect();
    let texts = |of: fn(&(&str, &'static str, usize, &Edge)) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
    };
    let wholes = |of: fn(&(&str, &'static str, usize, &Edge)) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(of)))
    };
    let floats = |of: fn(&Edge) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| of(row.3))))
    };
    let columns: Vec<ArrayRef> = vec![
        texts(|row| row.0.to_owned()),
        texts(|row| row.3.companion.as_str().to_owned()),
        texts(|row| row.1.to_owned()),
        wholes(|row| u32::try_from(row.2).unwrap_or(u32::MAX)),
        floats(|edge| edge.score),
        floats(|edge| edge.basket_score),
        wholes(|row| row.3.evidence.support),
        floats(|edge| edge.evidence.lift),
        floats(|edge| edge.evidence.llr),
        texts(|row| row.3.source.as_str().to_owned()),
        Arc::new(UInt64Array::from_value(0, rows.len())),
    ];
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns).expect("the columns are those of the schema")
}
