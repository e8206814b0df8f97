//! A file, whatever it is written in, page by page.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use arrow_array::RecordBatch;

use super::chunk::{Broken, Chunks, MOST_ROW_BYTES};
use super::rows::{Rows, Visit, behind_line_break, walk_text};
use crate::import::fault::{Problem, RowError, RowErrors};
use crate::import::header::Header;
use crate::import::mapping::Mapping;
use crate::import::parquet::{Sheets, TextRows, is_parquet};
use crate::import::schema::Schema;
use crate::import::source::{self, Progress};
use crate::progress::{self, BytesBar};

/// Pages of a file behind its header. The same file always has the same pages.
pub struct Pages {
    /// Which field of a row holds which column.
    pub header: Header,
    /// Lines before the first page.
    pub lines: u64,
    input: Input,
    /// The page at which something is wrong with the file: there is nothing to go on with.
    broken: Option<usize>,
    /// Gone with the pages.
    _bar: Option<BytesBar>,
}

enum Input {
    Csv {
        /// The rows that came along with the header.
        first: Option<Vec<u8>>,
        chunks: Chunks<Box<dyn Read + Send>>,
    },
    Parquet {
        sheets: Sheets,
        number: usize,
    },
}

/// Some rows of a file, as they were read.
#[derive(Debug, Default)]
pub enum Page {
    /// None.
    #[default]
    Empty,
    /// Whole rows of CSV.
    Csv(Vec<u8>),
    /// A batch of a Parquet file.
    Parquet(RecordBatch),
}

/// The rows of a page.
pub enum PageRows<'a> {
    /// Of CSV.
    Csv(Rows<'a>),
    /// Of Parquet.
    Parquet(TextRows),
}

impl Pages {
    /// Opens a file, Parquet or CSV, plain or gzipped, with a bar called `text`.
    ///
    /// # Errors
    /// When it cannot be read, or what is wrong with its columns.
    pub fn open(path: &Path, schema: &Schema, text: &str) -> Result<Self, RowErrors> {
        if is_parquet(path) {
            let file = File::open(path).map_err(|error| unreadable(&error))?;
            let find = |names: &[String]| Header::find(schema, names, &Mapping::default());
            let read = Progress::default();
            let bytes = file.metadata().map_err(|error| unreadable(&error))?.len();
            let bar = progress::bytes(bytes, text, read.clone());
            let mut sheets = Sheets::open(file, read, find)?;
            return Ok(Self {
                header: std::mem::take(&mut sheets.header),
                lines: 0,
                input: Input::Parquet { sheets, number: 0 },
                broken: None,
                _bar: Some(bar),
            });
        }
        let source = source::open(path).map_err(|error| unreadable(&error))?;
        let bar = progress::bytes(source.total_bytes, text, source.progress.clone());
        Ok(Self {
            _bar: Some(bar),
            ..Self::csv(source.reader, schema)?
        })
    }

    fn csv(input: Box<dyn Read + Send>, schema: &Schema) -> Result<Self, RowErrors> {
        let mut chunks = Chunks::new(input);
        let mut chunk = Vec::new();
        if let Err(broken) = chunks.next(&mut chunk) {
            return Err(RowError::of_line(1, problem(&broken)).into());
        }
        let rows = chunk.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&chunk);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(rows);
        let mut record = csv::ByteRecord::new();
        if !matches!(reader.read_byte_record(&mut record), Ok(true)) {
            return Err(RowError::of_line(1, Problem::NoHeader(schema.header())).into());
        }
        let name = |name: &[u8]| String::from_utf8_lossy(name).trim().to_owned();
        let names: Vec<String> = record.iter().map(name).collect();
        let end = usize::try_from(reader.position().byte()).unwrap_or(rows.len());
        let end = behind_line_break(rows, end);
        Ok(Self {
            header: Header::find(schema, &names, &Mapping::default())?,
            lines: memchr::memchr_iter(b'\n', &rows[..end]).count() as u64,
            input: Input::Csv {
                first: Some(rows[end..].to_vec()),
                chunks,
            },
            broken: None,
            _bar: None,
        })
    }

    /// Puts the next rows into `page`: the page's number, from 0, and whether there is one. A number is also told where
    /// something is wrong; behind that there is no page.
    pub fn next(&mut self, page: &mut Page) -> (usize, Result<bool, Problem>) {
        if let Some(number) = self.broken {
            return (number, Ok(false));
        }
        let (number, next) = self.read(page);
        self.broken = next.is_err().then_some(number);
        (number, next)
    }

    fn read(&mut self, page: &mut Page) -> (usize, Result<bool, Problem>) {
        match &mut self.input {
            Input::Csv { first, chunks } => {
                let mut chunk = match std::mem::take(page) {
                    Page::Csv(chunk) => chunk,
                    Page::Empty | Page::Parquet(_) => Vec::new(),
                };
                let next = match first.take() {
                    Some(rows) => {
                        *page = Page::Csv(rows);
                        return (0, Ok(true));
                    }
                    None => chunks.next(&mut chunk),
                };
                *page = Page::Csv(chunk);
                match next {
                    Ok(Some(number)) => (number, Ok(true)),
                    Ok(None) => (chunks.count(), Ok(false)),
                    Err(broken) => (chunks.count(), Err(problem(&broken))),
                }
            }
            Input::Parquet { sheets, number } => {
                let at = *number;
                *page = Page::Empty;
                match sheets.next_batch() {
                    None => (at, Ok(false)),
                    Some(Err(problem)) => (at, Err(problem)),
                    Some(Ok(batch)) => {
                        *page = Page::Parquet(batch);
                        *number += 1;
                        (at, Ok(true))
                    }
                }
            }
        }
    }
}

fn unreadable(error: &std::io::Error) -> RowErrors {
    RowError::of_line(1, Problem::Unreadable(error.to_string())).into()
}

fn problem(broken: &Broken) -> Problem {
    match broken {
        Broken::Io(error) => Problem::Unreadable(error.to_string()),
        Broken::Endless => Problem::Endless(MOST_ROW_BYTES as u64),
    }
}

impl Page {
    /// About how many rows there are; fewer where lines are short, so that nobody makes room for a page of empty ones.
    #[must_use]
    pub fn rows_about(&self) -> usize {
        /// A row of fewer bytes says little.
        const SHORT: usize = 16;
        match self {
            Self::Empty => 0,
            Self::Csv(chunk) => memchr::memchr_iter(b'\n', chunk).count().min(chunk.len() / SHORT),
            Self::Parquet(batch) => batch.num_rows(),
        }
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> PageRows<'_> {
        match self {
            Self::Empty => PageRows::Csv(Rows::of(&[])),
            Self::Csv(chunk) => PageRows::Csv(Rows::of(chunk)),
            Self::Parquet(batch) => PageRows::Parquet(TextRows::of(batch)),
        }
    }
}

impl<'a> PageRows<'a> {
    /// Shows every row to `visitor`; how many lines there were.
    pub fn walk(&'a self, header: &Header, visitor: &mut impl Visit<'a>) -> u64 {
        match self {
            Self::Csv(rows) => rows.walk(header, visitor),
            Self::Parquet(rows) => walk_text(rows, header, visitor),
        }
    }
}
