//! The columns of a file of edges: the one place that names them.

use arrow_schema::DataType;

/// Each column with its type, in their order.
pub(super) const COLUMNS: [(&str, DataType); 11] = [
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
