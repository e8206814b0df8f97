//! The rows of one chunk of CSV.

use csv::ByteRecord;
use memchr::{memchr, memchr_iter};

use crate::import::fault::{Problem, RowError};
use crate::import::header::Header;
use crate::import::parquet::TextRows;
use crate::import::schema::{Column, Need};

/// What is done with every row of a chunk.
pub trait Visit<'a> {
    /// Takes the row numbered `row` in its chunk, from 0, on line `line` of it, from 1.
    fn row(&mut self, row: u64, line: u64, fields: &impl Fields<'a>);

    /// Takes down what is wrong with a row.
    fn fault(&mut self, error: RowError);
}

/// The rows of a chunk.
pub enum Rows<'a> {
    /// No quotes, valid UTF-8: separators are all there is to look for.
    Plain(&'a str),
    /// Anything else, with the line of each record.
    Records(Vec<(u64, ByteRecord)>, Option<RowError>, u64),
}

impl<'a> Rows<'a> {
    /// The rows of `chunk`.
    #[must_use]
    pub fn of(chunk: &'a [u8]) -> Self {
        match std::str::from_utf8(chunk) {
            Ok(text) if memchr(b'"', chunk).is_none() => Self::Plain(text),
            _ => Self::records(chunk),
        }
    }

    fn records(chunk: &[u8]) -> Self {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(chunk);
        let (mut records, mut fault) = (Vec::new(), None);
        loop {
            let mut record = ByteRecord::new();
            let line = reader.position().line();
            match reader.read_byte_record(&mut record) {
                Ok(true) => records.push((record.position().map_or(line, csv::Position::line), record)),
                Ok(false) => break,
                Err(error) => {
                    fault = Some(RowError::of_line(line, Problem::Unreadable(error.to_string())));
                    break;
                }
            }
        }
        Self::Records(records, fault, memchr_iter(b'\n', chunk).count() as u64)
    }

    /// Shows every row to `visitor`; how many lines there were.
    pub fn walk(&'a self, header: &Header, visitor: &mut impl Visit<'a>) -> u64 {
        match self {
            Self::Plain(text) => walk_plain(text, header, visitor),
            Self::Records(records, fault, lines) => {
                for (row, (line, record)) in records.iter().enumerate() {
                    match check_width(header, record.len(), *line) {
                        Ok(()) => visitor.row(row as u64, *line, &RecordRow { record, header }),
                        Err(error) => visitor.fault(error),
                    }
                }
                fault.iter().for_each(|error| visitor.fault(error.clone()));
                *lines
            }
        }
    }
}

fn walk_plain<'a>(text: &'a str, header: &Header, visitor: &mut impl Visit<'a>) -> u64 {
    let mut rows = PlainRows::of(text);
    let (mut row, mut line) = (0, 0);
    while rows.advance() {
        line += 1;
        if rows.is_blank() {
            continue;
        }
        match check_width(header, rows.spans.len(), line) {
            Ok(()) => visitor.row(row, line, &PlainRow { rows: &rows, header }),
            Err(error) => visitor.fault(error),
        }
        row += 1;
    }
    line
}

/// One row: its values by column, with the errors that name them.
pub trait Fields<'a> {
    /// The text at `column`; empty text is the same as none.
    ///
    /// # Errors
    /// When it is no UTF-8.
    fn text(&self, column: &Column) -> Result<Option<&'a str>, Problem>;
}

/// Goes from row to row of text without quotes.
struct PlainRows<'a> {
    text: &'a str,
    separators: Separators<'a>,
    start: usize,
    /// Start and end of every field of the row.
    spans: Vec<(usize, usize)>,
}

impl<'a> PlainRows<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            separators: Separators::of(text.as_bytes()),
            start: 0,
            spans: Vec::new(),
        }
    }

    /// Goes to the next row; whether there is one.
    fn advance(&mut self) -> bool {
        self.spans.clear();
        let bytes = self.text.as_bytes();
        for at in self.separators.by_ref() {
            self.spans.push((self.start, at));
            self.start = at + 1;
            if bytes[at] == b'\n' {
                self.end_row();
                return true;
            }
        }
        // The last line of a file may lack its break.
        if self.start < bytes.len() || !self.spans.is_empty() {
            self.spans.push((self.start, bytes.len()));
            self.start = bytes.len();
            self.end_row();
            return true;
        }
        false
    }

    fn end_row(&mut self) {
        if let Some((start, end)) = self.spans.last_mut()
            && *end > *start
            && self.text.as_bytes()[*end - 1] == b'\r'
        {
            *end -= 1;
        }
    }

    /// Whether the line is empty.
    fn is_blank(&self) -> bool {
        matches!(self.spans[..], [(start, end)] if start == end)
    }
}

/// Goes from comma to comma and line break, eight bytes at a time: fields are so short that a search from one separator
/// to the next would hardly begin before it ends.
struct Separators<'a> {
    /// The bytes behind the eight that are looked at.
    rest: &'a [u8],
    /// Where the eight end.
    end: usize,
    /// The top bit of each byte of the eight that is a separator and was not told yet.
    found: u64,
}

impl<'a> Separators<'a> {
    const WIDTH: usize = 8;

    const fn of(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            end: 0,
            found: 0,
        }
    }
}

impl Iterator for Separators<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let eight = match self.rest.split_first_chunk() {
                Some((eight, rest)) => {
                    self.rest = rest;
                    *eight
                }
                None if self.rest.is_empty() => return None,
                None => {
                    let mut eight = [0; Self::WIDTH];
                    eight[..self.rest.len()].copy_from_slice(self.rest);
                    self.rest = &[];
                    eight
                }
            };
            self.end += Self::WIDTH;
            let eight = u64::from_le_bytes(eight);
            self.found = equal(eight, b',') | equal(eight, b'\n');
        }
        let at = self.found.trailing_zeros() as usize / 8;
        self.found &= self.found - 1;
        Some(self.end - Self::WIDTH + at)
    }
}

/// The top bit of each byte that is `byte`.
#[inline]
const fn equal(eight: u64, byte: u8) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    let differs = eight ^ u64::from_le_bytes([byte; 8]);
    // The sum sets the top bit where any of the lower seven is set, and carries into no other byte.
    !(((differs & LOW) + LOW) | differs | LOW)
}

/// The row that [`PlainRows`] stands at.
struct PlainRow<'r, 'a> {
    rows: &'r PlainRows<'a>,
    header: &'r Header,
}

impl<'a> Fields<'a> for PlainRow<'_, 'a> {
    #[inline]
    fn text(&self, column: &Column) -> Result<Option<&'a str>, Problem> {
        let span = self.header.places[column.index].and_then(|at| self.rows.spans.get(at));
        Ok(span
            .filter(|(start, end)| start < end)
            .map(|&(start, end)| &self.rows.text[start..end]))
    }
}

/// A record of the `csv` crate, for chunks with quotes or with bytes that are no UTF-8.
struct RecordRow<'r, 'a> {
    record: &'a ByteRecord,
    header: &'r Header,
}

impl<'a> Fields<'a> for RecordRow<'_, 'a> {
    fn text(&self, column: &Column) -> Result<Option<&'a str>, Problem> {
        let bytes = self.header.places[column.index].and_then(|at| self.record.get(at));
        let text = std::str::from_utf8(bytes.unwrap_or_default());
        let text = text.map_err(|error| Problem::NotUtf8 {
            at: error.valid_up_to(),
        })?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// Shows every row of a batch of Parquet to `visitor`, counted from 1 as its line; how many there were.
pub fn walk_text<'a>(rows: &'a TextRows, header: &Header, visitor: &mut impl Visit<'a>) -> u64 {
    for row in 0..rows.len() {
        visitor.row(row as u64, row as u64 + 1, &TextRow { rows, header, row });
    }
    rows.len() as u64
}

struct TextRow<'r, 'a> {
    rows: &'a TextRows,
    header: &'r Header,
    row: usize,
}

impl<'a> Fields<'a> for TextRow<'_, 'a> {
    fn text(&self, column: &Column) -> Result<Option<&'a str>, Problem> {
        let place = self.header.places[column.index];
        place.map_or(Ok(None), |place| self.rows.text(self.row, place))
    }
}

/// Whether a row has as many fields as the header.
#[inline]
fn check_width(header: &Header, found: usize, line: u64) -> Result<(), RowError> {
    if found == header.width {
        return Ok(());
    }
    let ragged = Problem::Ragged {
        expected: header.width,
        found,
    };
    Err(RowError::of_line(line, ragged))
}

/// The value at an optional or required column, read by `read`.
///
/// # Errors
/// What `read` says, at the column and line; [`Problem::Empty`] for a required column without a value.
pub fn value<'a, T>(
    fields: &impl Fields<'a>,
    column: &'static Column,
    line: u64,
    read: impl FnOnce(&'a str) -> Result<T, Problem>,
) -> Result<Option<T>, RowError> {
    let found = match fields.text(column) {
        Ok(None) if column.need == Need::Required => Err(Problem::Empty),
        Ok(None) => Ok(None),
        Ok(Some(text)) => read(text).map(Some),
        Err(problem) => Err(problem),
    };
    found.map_err(|problem| RowError::of_column(line, column.name, problem))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn separators_are_those_of_a_search(bytes in proptest::collection::vec(
            prop_oneof![Just(b','), Just(b'\n'), Just(b',' ^ 0x80), Just(b'\n' + 1), any::<u8>()], 0..40)
        ) {
            let told: Vec<usize> = Separators::of(&bytes).collect();
            let searched: Vec<usize> = memchr::memchr2_iter(b',', b'\n', &bytes).collect();
            prop_assert_eq!(told, searched);
        }
    }
}
