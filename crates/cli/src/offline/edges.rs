//! Edges into a file, CSV or Parquet, with the columns of `tandem export edges`.

mod column;
pub mod csv;
mod parquet;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use tandem_domain::id::ProductId;
use tandem_graph::{EdgeRef, Sheet};

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

/// How the products of a file of edges are written.
#[derive(Debug)]
pub enum Names<'a> {
    /// As fields of text.
    Csv(Box<csv::Names>),
    /// As they are.
    Parquet(&'a [ProductId]),
}

impl<'a> Names<'a> {
    /// Of every product, by index.
    #[must_use]
    pub fn of(ids: &'a [ProductId], format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv(Box::new(csv::Names::of(ids))),
            Format::Parquet => Self::Parquet(ids),
        }
    }

    /// An empty part of the file, to be written into `buffer`.
    #[must_use]
    pub fn part(&self, buffer: Vec<u8>) -> Part<'_> {
        let rows = match self {
            Self::Csv(names) => Rows::Csv(csv::Printer::new(names), buffer),
            Self::Parquet(ids) => Rows::Parquet(ids, Vec::new()),
        };
        Part { rows, edges: 0 }
    }
}

/// Edges that stand one after the other in a file.
#[derive(Debug)]
pub struct Part<'a> {
    rows: Rows<'a>,
    /// How many.
    pub edges: u64,
}

#[derive(Debug)]
enum Rows<'a> {
    /// As text.
    Csv(csv::Printer<'a>, Vec<u8>),
    /// To become columns.
    Parquet(&'a [ProductId], Vec<EdgeRef>),
}

impl Sheet for Part<'_> {
    fn edges(&mut self, edges: &[EdgeRef]) {
        self.edges += edges.len() as u64;
        match &mut self.rows {
            Rows::Csv(printer, text) => printer.print(text, edges),
            Rows::Parquet(_, rows) => rows.extend_from_slice(edges),
        }
    }
}

impl Part<'_> {
    /// The part as it is written.
    #[must_use]
    pub fn pack(self) -> Packed {
        match self.rows {
            Rows::Csv(_, text) => Packed::Csv(text),
            Rows::Parquet(ids, edges) => Packed::Parquet(parquet::columns(ids, &edges)),
        }
    }
}

/// A part, ready to be written.
#[derive(Debug)]
pub enum Packed {
    /// Text.
    Csv(Vec<u8>),
    /// Columns.
    Parquet(arrow_array::RecordBatch),
}

/// A file of edges that takes its parts in any order and writes them in theirs.
pub struct Edges<W: Write + Send> {
    out: Out<W>,
    next: usize,
    waiting: BTreeMap<usize, Packed>,
    /// Empty buffers that were grown already.
    spare: Vec<Vec<u8>>,
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
                out.write_all(csv::header().as_bytes())?;
                Out::Csv(out)
            }
            Format::Parquet => Out::Parquet(Box::new(parquet::begin(out)?)),
        };
        Ok(Self {
            out,
            next: 0,
            waiting: BTreeMap::new(),
            spare: Vec::new(),
        })
    }

    /// An empty buffer for [`Names::part`].
    #[must_use]
    pub fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes part `number` and writes whatever has its turn.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put(&mut self, number: usize, part: Packed) -> Result<()> {
        self.waiting.insert(number, part);
        while let Some(part) = self.waiting.remove(&self.next) {
            self.next += 1;
            match (&mut self.out, part) {
                (Out::Csv(out), Packed::Csv(mut text)) => {
                    out.write_all(&text)?;
                    text.clear();
                    self.spare.push(text);
                }
                (Out::Parquet(out), Packed::Parquet(columns)) => out.write(&columns)?,
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
