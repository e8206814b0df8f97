//! The rows of one chunk of CSV.

use std::io::{Cursor, SeekFrom};

use csv::ByteRecord;
use memchr::{memchr, memchr_iter, memrchr};
use wide::u8x16;

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
pub struct Rows<'a>(Vec<Stretch<'a>>);

/// Rows that stand one after the other.
enum Stretch<'a> {
    /// No quotes, valid UTF-8: separators are all there is to look for.
    Plain(&'a str),
    /// Anything else, with the line of each record, what ended them and how many lines there were.
    Records(Vec<(u64, ByteRecord)>, Option<RowError>, u64),
}

/// Bytes without quotes from which on it pays to leave records.
const PLAIN_BYTES: usize = 4096;

impl<'a> Rows<'a> {
    /// The rows of `chunk`.
    #[must_use]
    pub fn of(chunk: &'a [u8]) -> Self {
        let text = match std::str::from_utf8(chunk) {
            Ok(text) if memchr(b'"', chunk).is_none() || !has_lone_return(chunk) => text,
            _ => return Self(vec![Stretch::all_records(chunk)]),
        };
        let (mut stretches, mut rest) = (Vec::new(), text);
        let mut records_of = None;
        while let Some(quote) = memchr(b'"', rest.as_bytes()) {
            let (plain, quoted) =
                rest.split_at(memrchr(b'\n', &rest.as_bytes()[..quote]).map_or(0, |at| at + 1));
            let is_far = |rest: &[u8]| memchr(b'"', rest).is_none_or(|quote| quote > PLAIN_BYTES);
            let records_of = records_of.get_or_insert_with(|| reader(chunk));
            let (records, read) = Stretch::records(records_of, chunk, chunk.len() - quoted.len(), is_far);
            stretches.extend([Stretch::Plain(plain), records]);
            // A record ends at a line break, and so no character is cut.
            rest = &quoted[read..];
        }
        stretches.push(Stretch::Plain(rest));
        Self(stretches)
    }

    /// Shows every row to `visitor`; how many lines there were.
    pub fn walk(&'a self, header: &Header, visitor: &mut impl Visit<'a>) -> u64 {
        let (mut rows, mut lines) = (0, 0);
        for stretch in &self.0 {
            match stretch {
                Stretch::Plain(text) => walk_plain(text, header, (&mut rows, &mut lines), visitor),
                Stretch::Records(records, fault, many) => {
                    for (line, record) in records {
                        let line = lines + line;
                        match check_width(header, record.len(), line) {
                            Ok(()) => visitor.row(rows, line, &RecordRow { record, header }),
                            Err(error) => visitor.fault(error),
                        }
                        rows += 1;
                    }
                    if let Some(error) = fault {
                        let line = lines + error.line;
                        visitor.fault(RowError {
                            line,
                            ..error.clone()
                        });
                    }
                    lines += many;
                }
            }
        }
        lines
    }
}

impl Stretch<'_> {
    /// All rows of a chunk as records.
    fn all_records(chunk: &[u8]) -> Self {
        Self::records(&mut reader(chunk), chunk, 0, |_| false).0
    }

    /// Records of a chunk that `reader` reads, `from` the beginning of a row up to the one behind which `ends`, and how many
    /// bytes they take.
    fn records(
        reader: &mut csv::Reader<Cursor<&[u8]>>,
        chunk: &[u8],
        from: usize,
        ends: impl Fn(&[u8]) -> bool,
    ) -> (Self, usize) {
        let bytes = &chunk[from..];
        let (mut records, mut fault) = (Vec::new(), None);
        let mut position = csv::Position::new();
        position.set_byte(from as u64);
        // Whatever was read before, and wherever it ended: nothing of it is left.
        if let Err(error) = reader.seek_raw(SeekFrom::Start(from as u64), position) {
            fault = Some(RowError::of_line(1, Problem::Unreadable(error.to_string())));
            return (Self::Records(records, fault, 0), bytes.len());
        }
        // The crate counts a line break of two bytes, and empty lines, to the record that they follow.
        let (mut start, mut line) = (0, 1);
        loop {
            while bytes[start..].starts_with(b"\n") || bytes[start..].starts_with(b"\r\n") {
                (start, line) = (behind_line_break(bytes, start + 1), line + 1);
            }
            let mut record = ByteRecord::new();
            match reader.read_byte_record(&mut record) {
                Ok(true) => records.push((line, record)),
                Ok(false) => {
                    start = bytes.len();
                    break;
                }
                Err(error) => {
                    fault = Some(RowError::of_line(line, Problem::Unreadable(error.to_string())));
                    start = bytes.len();
                    break;
                }
            }
            let end = usize::try_from(reader.position().byte()).unwrap_or(chunk.len());
            let end = behind_line_break(bytes, end - from);
            line += memchr_iter(b'\n', &bytes[start..end]).count() as u64;
            start = end;
            if ends(&bytes[end..]) {
                break;
            }
        }
        let lines = memchr_iter(b'\n', &bytes[..start]).count() as u64;
        (Self::Records(records, fault, lines), start)
    }
}

/// The records of a chunk; to set one up takes longer than to read a few.
fn reader(chunk: &[u8]) -> csv::Reader<Cursor<&[u8]>> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true);
    builder.from_reader(Cursor::new(chunk))
}

/// Whether a carriage return stands by itself: it ends a record, and no line.
fn has_lone_return(chunk: &[u8]) -> bool {
    memchr_iter(b'\r', chunk).any(|at| chunk.get(at + 1) != Some(&b'\n'))
}

/// Where the rows behind `end` begin: the `csv` crate stops between the two bytes of a line break that has two.
#[must_use]
pub fn behind_line_break(bytes: &[u8], end: usize) -> usize {
    end + usize::from(bytes[..end].ends_with(b"\r") && bytes[end..].starts_with(b"\n"))
}

fn walk_plain<'a>(
    text: &'a str,
    header: &Header,
    (row, line): (&mut u64, &mut u64),
    visitor: &mut impl Visit<'a>,
) {
    let mut rows = PlainRows::of(text);
    while rows.advance() {
        *line += 1;
        if rows.is_blank() {
            continue;
        }
        match check_width(header, rows.width(), *line) {
            Ok(()) => visitor.row(*row, *line, &PlainRow { rows: &rows, header }),
            Err(error) => visitor.fault(error),
        }
        *row += 1;
    }
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
    /// Where the next row begins.
    next: usize,
    /// Where each field of the row begins, and one more: a field ends a byte before the next one begins.
    starts: Vec<usize>,
}

impl<'a> PlainRows<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            separators: Separators::of(text.as_bytes()),
            next: 0,
            starts: Vec::new(),
        }
    }

    /// Goes to the next row; whether there is one.
    fn advance(&mut self) -> bool {
        self.starts.clear();
        self.starts.push(self.next);
        loop {
            let line_break = self.separators.take_row(&mut self.starts);
            if let Some(at) = line_break {
                self.end_row(at);
                return true;
            }
            if !self.separators.go_on() {
                break;
            }
        }
        // The last line of a file may lack its break.
        let is_row = self.width() > 0 || self.next < self.text.len();
        if is_row {
            self.end_row(self.text.len());
        }
        is_row
    }

    fn end_row(&mut self, at: usize) {
        self.next = at + 1;
        let is_windows = at > self.starts[self.width()] && self.text.as_bytes()[at - 1] == b'\r';
        self.starts.push(self.next - usize::from(is_windows));
    }

    /// Fields that have an end.
    fn width(&self) -> usize {
        self.starts.len() - 1
    }

    /// Where a field begins and ends.
    #[inline]
    fn span(&self, field: usize) -> Option<(usize, usize)> {
        let next = *self.starts.get(field + 1)?;
        Some((self.starts[field], next - 1))
    }

    /// Whether the line is empty.
    fn is_blank(&self) -> bool {
        self.width() == 1 && self.span(0).is_some_and(|(start, end)| start == end)
    }
}

/// Finds commas and line breaks, many bytes at a time: fields are so short that a search from one separator to the next
/// would hardly begin before it ends.
struct Separators<'a> {
    /// The bytes behind those that are looked at.
    rest: &'a [u8],
    /// Where those that are looked at begin.
    start: usize,
    /// A bit for each of them that is a comma and was not told yet, the first one lowest.
    commas: u64,
    /// The same of line breaks.
    breaks: u64,
}

impl<'a> Separators<'a> {
    const WIDTH: usize = u64::BITS as usize;

    const fn of(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            // The first step leads to the first byte.
            start: 0_usize.wrapping_sub(Self::WIDTH),
            commas: 0,
            breaks: 0,
        }
    }

    /// Tells what follows each comma up to the next line break, and where that is, should it be among the bytes that are
    /// looked at.
    #[inline]
    fn take_row(&mut self, behind: &mut Vec<usize>) -> Option<usize> {
        let line_break = self.breaks & self.breaks.wrapping_neg();
        // All of them where there is no line break.
        let mut commas = self.commas & line_break.wrapping_sub(1);
        while commas != 0 {
            behind.push(self.start + commas.trailing_zeros() as usize + 1);
            commas &= commas - 1;
        }
        self.commas &= line_break.wrapping_neg();
        self.breaks ^= line_break;
        (line_break != 0).then(|| self.start + line_break.trailing_zeros() as usize)
    }

    /// Looks at the next bytes; whether there are any.
    fn go_on(&mut self) -> bool {
        let mut last = [0; Self::WIDTH];
        let bytes = match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                bytes
            }
            None if self.rest.is_empty() => return false,
            None => {
                last[..self.rest.len()].copy_from_slice(self.rest);
                self.rest = &[];
                &last
            }
        };
        self.start = self.start.wrapping_add(Self::WIDTH);
        (self.commas, self.breaks) = (places(bytes, b','), places(bytes, b'\n'));
        true
    }
}

/// A bit for each place at which a byte stands, the first one lowest.
#[inline]
fn places(bytes: &[u8; Separators::WIDTH], byte: u8) -> u64 {
    let byte = u8x16::splat(byte);
    let (sixteens, _) = bytes.as_chunks();
    sixteens.iter().rev().fold(0, |found, &sixteen| {
        let stands = u8x16::new(sixteen).simd_eq(byte);
        (found << 16) | u64::from(stands.to_bitmask())
    })
}

/// The row that [`PlainRows`] stands at.
struct PlainRow<'r, 'a> {
    rows: &'r PlainRows<'a>,
    header: &'r Header,
}

impl<'a> Fields<'a> for PlainRow<'_, 'a> {
    #[inline]
    fn text(&self, column: &Column) -> Result<Option<&'a str>, Problem> {
        let span = self.header.places[column.index].and_then(|at| self.rows.span(at));
        Ok(span
            .filter(|(start, end)| start < end)
            .map(|(start, end)| &self.rows.text[start..end]))
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
#[inline(always)]
pub fn value<'a, T>(
    fields: &impl Fields<'a>,
    column: &'static Column,
    line: u64,
    read: impl FnOnce(&'a str) -> Result<T, Problem>,
) -> Result<Option<T>, RowError> {
    let problem = match fields.text(column) {
        Ok(Some(text)) => match read(text) {
            Ok(value) => return Ok(Some(value)),
            Err(problem) => problem,
        },
        Ok(None) if column.need == Need::Required => Problem::Empty,
        Ok(None) => return Ok(None),
        Err(problem) => problem,
    };
    Err(fault(column, line, problem))
}

#[cold]
fn fault(column: &'static Column, line: u64, problem: Problem) -> RowError {
    RowError::of_column(line, column.name, problem)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whatever a visitor is shown.
    #[derive(Debug, Default, PartialEq)]
    struct Seen(Vec<(u64, u64, Vec<String>)>, Vec<RowError>);

    const LEFT: Column = Column::optional(0, "left");
    const RIGHT: Column = Column::optional(1, "right");

    impl<'a> Visit<'a> for Seen {
        fn row(&mut self, row: u64, line: u64, fields: &impl Fields<'a>) {
            let text = |column| fields.text(column).unwrap().unwrap_or_default().to_owned();
            self.0.push((row, line, vec![text(&LEFT), text(&RIGHT)]));
        }

        fn fault(&mut self, error: RowError) {
            self.1.push(error);
        }
    }

    fn seen(rows: &Rows<'_>) -> (Seen, u64) {
        let header = Header {
            places: vec![Some(0), Some(1)],
            width: 2,
            unread: Vec::new(),
        };
        let mut seen = Seen::default();
        let lines = rows.walk(&header, &mut seen);
        (seen, lines)
    }

    /// Rows with and without quotes, and so many without that records are left behind.
    fn rows() -> impl Strategy<Value = String> {
        let row = prop_oneof![
            4 => "[a-c ]{0,3},[a-cä]{0,3}",
            2 => "\"[a-c,\n]{0,4}\",[a-c]{0,2}",
            1 => "[a-c]{0,2},\"a\"\"b[,ä\n]{0,2}\"",
            1 => "[a-c]{1,2}\"[a-c]{0,2},x",
            1 => "[a-c]{1,3}\r?[a-c,]{0,3}",
            1 => Just(String::new()),
            2 => (200..900_usize).prop_map(|many| vec!["abc,def"; many].join("\n")),
        ];
        proptest::collection::vec(row, 0..12).prop_map(|rows| rows.join("\n"))
    }

    proptest! {
        #[test]
        fn rows_are_the_same_whether_all_are_read_as_records_or_none_that_need_not(
            text in rows(), ends in any::<bool>(), is_windows in any::<bool>()
        ) {
            let text = if ends { text + "\n" } else { text };
            let text = if is_windows { text.replace('\n', "\r\n") } else { text };
            // Without a quote there is nothing to read as a record.
            prop_assume!(text.contains('"') || !has_lone_return(text.as_bytes()));
            let records = Rows(vec![Stretch::all_records(text.as_bytes())]);
            let ((mixed, _), (records, _)) = (seen(&Rows::of(text.as_bytes())), seen(&records));
            prop_assert_eq!(mixed, records);
        }

        #[test]
        fn separators_are_those_of_a_search(bytes in proptest::collection::vec(
            prop_oneof![Just(b','), Just(b'\n'), Just(b',' ^ 0x80), Just(b'\n' + 1), any::<u8>()], 0..300)
        ) {
            let (mut separators, mut behind, mut breaks) = (Separators::of(&bytes), Vec::new(), Vec::new());
            loop {
                match separators.take_row(&mut behind) {
                    Some(at) => breaks.push(at),
                    None if separators.go_on() => {}
                    None => break,
                }
            }
            let searched: Vec<usize> = memchr_iter(b',', &bytes).map(|at| at + 1).collect();
            prop_assert_eq!(behind, searched);
            prop_assert_eq!(breaks, memchr_iter(b'\n', &bytes).collect::<Vec<_>>());
        }
    }
}
