//! What is wrong with a file, said by line and column.

use std::fmt;

use tandem_domain::event::UnknownEventKind;
use tandem_domain::id::InvalidId;
use tandem_domain::money::InvalidPrice;
use tandem_domain::stock::InvalidPool;

/// After this many errors a file is not read on.
pub const MOST_ERRORS: usize = 20;

/// The longest piece of a value that a message quotes, in characters.
const QUOTED_CHARS: usize = 60;

/// Why a row, a header or a whole file cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The bytes could not be read or unpacked.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// A row goes on without end.
    #[error("the row is longer than {0} bytes; a quote that is never closed does this")]
    Endless(u64),
    /// The file has no header row.
    #[error("the file is empty; its first line must name the columns: {0}")]
    NoHeader(String),
    /// A column that must be there is not.
    #[error("the column is missing; the header has {0}")]
    MissingColumn(String),
    /// A column that nobody knows.
    #[error("no such column{}", .nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean {name:?}?")))]
    UnknownColumn {
        /// The known column with the most similar name.
        nearest: Option<String>,
    },
    /// Two columns of one name.
    #[error("the column appears twice; remove one")]
    RepeatedColumn,
    /// More or fewer fields than the header.
    #[error("the row has {found} fields where the header has {expected}; quote fields that hold commas")]
    Ragged {
        /// Fields of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// Bytes that are no UTF-8.
    #[error("byte {at} is not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// Offset of the first bad byte in the value, or in the line where no column is named.
        at: usize,
    },
    /// A line that is no JSON object.
    #[error("the line is no JSON object: {0}")]
    NotJson(String),
    /// A JSON value of a kind that the column does not take.
    #[error("a {found} cannot stand here; write {wanted}")]
    WrongKind {
        /// `list`, `object` or `true or false`.
        found: &'static str,
        /// What the column takes.
        wanted: &'static str,
    },
    /// A required value is absent.
    #[error("a value is required")]
    Empty,
    /// A return of which nobody knows what it leaves.
    #[error("a return must name the order that it leaves")]
    NoOrder,
    /// An id that is none.
    #[error("the id {0:?} {1}")]
    Id(String, InvalidId),
    /// Text out of bounds.
    #[error("the text has {found} characters; {most} is the limit")]
    TooLong {
        /// Characters found.
        found: usize,
        /// Characters allowed.
        most: usize,
    },
    /// No whole number inside the bounds.
    #[error("{0:?} is no whole number {1}")]
    NotWhole(String, &'static str),
    /// No time that something was looked at.
    #[error("{0:?} is no number of milliseconds from 0 to a day; leave it empty where nobody measured")]
    NotDwell(String),
    /// No plain decimal.
    #[error("{0:?} is no amount; write digits with a point, such as 12.34")]
    NotDecimal(String),
    /// Not between 0 and 1.
    #[error("{0:?} is no number from 0 to 1")]
    NotShare(String),
    /// Neither yes nor no.
    #[error("{0:?} is neither true nor false")]
    NotFlag(String),
    /// A price out of bounds.
    #[error("{0}")]
    Price(InvalidPrice),
    /// A time that cannot be read.
    #[error(
        "{0:?} is no time; write RFC 3339 with a zone (2011-05-02T08:26:00Z) or epoch seconds or milliseconds"
    )]
    NotTime(String),
    /// A time before 2000 or after 2100.
    #[error("{0:?} lies outside the years 2000 to 2099; seconds and milliseconds may be mixed up")]
    ImplausibleTime(String),
    /// A local time that cannot be read.
    #[error("{0:?} is no local time; write 2011-05-02 08:26:00")]
    NotLocalTime(String),
    /// A word that is no event type.
    #[error("{0}")]
    EventKind(UnknownEventKind),
    /// A word that is no pool.
    #[error("{0}")]
    Pool(InvalidPool),
    /// Tags that cannot be read.
    #[error("{0:?} are no tags; write colour=red|blue;material=oak")]
    NotTags(String),
    /// The same key again.
    #[error("the same key stands on line {first}; keys must be unique")]
    Duplicate {
        /// The line that has it first.
        first: u64,
    },
    /// The lines of an invoice are not next to each other.
    #[error("invoice {0} ended further up; sort the file so that the lines of an invoice are together")]
    TornInvoice(String),
}

/// A [`Problem`] and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Line of the file, from 1; the header of a CSV file is line 1.
    pub line: u64,
    /// Column, where it is one column's fault.
    pub column: Option<String>,
    /// What is wrong and what to do.
    pub problem: Problem,
}

impl RowError {
    /// A problem of a whole line.
    #[must_use]
    pub const fn of_line(line: u64, problem: Problem) -> Self {
        Self {
            line,
            column: None,
            problem,
        }
    }

    /// A problem of one column of a line.
    #[must_use]
    pub fn of_column(line: u64, column: &str, problem: Problem) -> Self {
        Self {
            line,
            column: Some(quoted(column)),
            problem,
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.problem),
            None => write!(f, "line {}: {}", self.line, self.problem),
        }
    }
}

impl std::error::Error for RowError {}

/// `value` without control characters, cut to what a message can hold.
#[must_use]
pub fn quoted(value: &str) -> String {
    let mut short: String = value
        .chars()
        .take(QUOTED_CHARS)
        .filter(|c| !c.is_control())
        .collect();
    if value.chars().nth(QUOTED_CHARS).is_some() {
        short.push('…');
    }
    short
}

/// The errors of a file, at most [`MOST_ERRORS`], in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowErrors {
    errors: Vec<RowError>,
    total: u64,
}

impl RowErrors {
    /// Counts `error`, and keeps it unless the list is full.
    pub fn push(&mut self, error: RowError) {
        self.total += 1;
        if !self.is_full() {
            self.errors.push(error);
        }
    }

    /// Adds the errors of rows that follow so many lines, until the list is full. Who reads no further then does not know
    /// how many there are.
    pub fn append(&mut self, errors: Self, lines: u64) {
        let room = MOST_ERRORS - self.errors.len();
        for error in errors.errors.into_iter().take(room) {
            let line = error.line + lines;
            self.push(RowError { line, ..error });
        }
    }

    /// All errors, kept or not.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Whether [`MOST_ERRORS`] are kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The errors.
    #[must_use]
    pub fn as_slice(&self) -> &[RowError] {
        &self.errors
    }
}

impl From<RowError> for RowErrors {
    fn from(error: RowError) -> Self {
        Self {
            errors: vec![error],
            total: 1,
        }
    }
}

impl fmt::Display for RowErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if i == 0 { "" } else { "\n" })?;
        }
        match self.total - self.errors.len() as u64 {
            0 if self.is_full() => write!(f, "\nstopped after {MOST_ERRORS} errors; there may be more"),
            0 => Ok(()),
            further => write!(f, "\nand {further} more"),
        }
    }
}

impl std::error::Error for RowErrors {}
