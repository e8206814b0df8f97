//! Edges into a file, CSV or Parquet, with the columns of `tandem export edges`.

mod csv;
mod parquet;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use tandem_domain::edge::AnchorEdges;

/// What a file of edges is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated text.
    Csv,
    /// Parquet, packed with snappy.
    Parquet,
}

impl Format {
    /// By the end of the name: Parquet where it is `.parquet` or `.pq`, else CSV.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|end| end.to_str()) {
            Some("parquet" | "pq") => Self::Parquet,
            _ => Self::Csv,
        }
    }
}

/// The rows of some anchors, ready to be written.
#[derive(Debug)]
pub enum Part {
    /// Text.
    Csv(Vec<u8>),
    /// Columns.
    Parquet(arrow_array::RecordBatch),
}

impl Part {
    /// The rows of `anchors`, and how many there are.
    #[must_use]
    pub fn of(anchors: &[AnchorEdges], format: Format) -> (Self, u64) {
        let edges = anchors.iter().flat_map(|anchor| &anchor.lists);
        let edges = edges.map(|list| list.edges.len() as u64).sum();
        let part = match format {
            Format::Csv => Self::Csv(csv::print(anchors)),
            Format::Parquet => Self::Parquet(parquet::columns(anchors)),
        };
        (part, edges)
    }
}

/// A file of edges that takes its parts in any order and writes them in theirs.
pub struct Edges<W: Write + Send> {
    out: Out<W>,
    next: usize,
    waiting: BTreeMap<usize, Part>,
}

enum Out<W: Write + Send> {
    Csv(W),
    Parquet(Box<::parquet::arrow::ArrowWriter<W>>),
}

impl<W: Write + Send> Edges<W> {
    /// Begins the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn begin(mut out: W, format: Format) -> Result<Self> {
        let out = match format {
            Format::Csv => {
                out.write_all(csv::HEADER.as_bytes())?;
                Out::Csv(out)
            }
            Format::Parquet => Out::Parquet(Box::new(parquet::begin(out)?)),
        };
        Ok(Self {
            out,
            next: 0,
            waiting: BTreeMap::new(),
        })
    }

    /// Takes part `number` and writes whatever has its turn.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put(&mut self, number: usize, part: Part) -> Result<()> {
        self.waiting.insert(number, part);
        while let Some(part) = self.waiting.remove(&self.next) {
            self.next += 1;
            match (&mut self.out, part) {
                (Out::Csv(out), Part::Csv(text)) => out.write_all(&text)?,
                (Out::Parquet(out), Part::Parquet(columns)) => out.write(&columns)?,
                _ => anyhow::bail!("a part of another format than its file"),
            }
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn end(self) -> Result<()> {
        match self.out {
            Out::Csv(mut out) => out.flush()?,
            Out::Parquet(out) => drop(out.close()?),
        }
        Ok(())
    }
}
