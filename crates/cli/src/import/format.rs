//! The ways to write rows.

use std::path::Path;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// RFC 4180 with a header row.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// From the name: `.csv`, `.jsonl` or `.ndjson`, with or without `.gz` behind it; `.parquet` or `.pq`.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_format() {
        assert_eq!(Format::of(Path::new("/a/events.csv")), Some(Format::Csv));
        assert_eq!(Format::of(Path::new("E.CSV.GZ")), Some(Format::Csv));
        assert_eq!(Format::of(Path::new("e.ndjson")), Some(Format::Jsonl));
        assert_eq!(Format::of(Path::new("events.parquet")), Some(Format::Parquet));
        assert_eq!(Format::of(Path::new("events")), None);
    }
}
