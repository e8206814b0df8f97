//! One JSON object per line.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::MOST_ROW_BYTES;
use crate::import::fault::{Problem, RowError};
use crate::import::field::{Cell, Cells};
use crate::import::header::unknown;
use crate::import::mapping::Mapping;
use crate::import::schema::Schema;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) struct JsonTable<R> {
    schema: &'static Schema,
    mapping: Mapping,
    reader: BufReader<R>,
    bytes: Vec<u8>,
    cells: Vec<Cell>,
    line: u64,
    ended: bool,
}

impl<R: Read> JsonTable<R> {
    pub(super) fn open(schema: &'static Schema, input: R, mapping: &Mapping) -> Self {
        Self {
            schema,
            mapping: mapping.clone(),
            reader: BufReader::new(input),
            bytes: Vec::new(),
            cells: Vec::new(),
            line: 0,
            ended: false,
        }
    }

    pub(super) fn next_row(&mut self) -> Option<Result<(u64, Cells<'_>), RowError>> {
        match self.read_line()? {
            Ok(()) => {}
            Err(problem) => {
                self.ended = true;
                return Some(Err(RowError::of_line(self.line, problem)));
            }
        }
        match self.fill() {
            Ok(()) => Some(Ok((self.line, Cells::Json(&self.cells)))),
            Err(error) => Some(Err(error)),
        }
    }

    /// Reads the next line that is not blank.
    fn read_line(&mut self) -> Option<Result<(), Problem>> {
        while !self.ended {
            self.bytes.clear();
            self.line += 1;
            match self
                .reader
                .by_ref()
                .take(MOST_ROW_BYTES + 1)
                .read_until(b'\n', &mut self.bytes)
            {
                Ok(0) => return None,
                Ok(read) if read as u64 > MOST_ROW_BYTES => {
                    return Some(Err(Problem::Endless(MOST_ROW_BYTES)));
                }
                Ok(_) if self.bytes.trim_ascii().is_empty() => {}
                Ok(_) => return Some(Ok(())),
                Err(error) => return Some(Err(Problem::Unreadable(error.to_string()))),
            }
        }
        None
    }

    /// Reads the line into the cells.
    fn fill(&mut self) -> Result<(), RowError> {
        let bytes = self
            .bytes
            .strip_prefix(BYTE_ORDER_MARK)
            .filter(|_| self.line == 1)
            .unwrap_or(&self.bytes);
        let of_line = |problem| RowError::of_line(self.line, problem);
        let text =
            std::str::from_utf8(bytes).map_err(|e| of_line(Problem::NotUtf8 { at: e.valid_up_to() }))?;
        let Members(members) = serde_json::from_str(text.trim()).map_err(|e| of_line(not_json(&e)))?;
        self.cells.clear();
        self.cells.resize_with(self.schema.columns.len(), || Cell::Absent);
        let mut filled = vec![false; self.schema.columns.len()];
        for (name, value) in members {
            let of_column = |problem| RowError::of_column(self.line, &name, problem);
            let mut columns = self.mapping.columns(self.schema, &name).peekable();
            if columns.peek().is_none() && self.mapping.is_empty() {
                return Err(of_column(unknown(self.schema, &name)));
            }
            for column in columns {
                if std::mem::replace(&mut filled[column.index], true) {
                    return Err(of_column(Problem::RepeatedColumn));
                }
                self.cells[column.index] = cell(value).map_err(|e| of_column(not_json(&e)))?;
            }
        }
        Ok(())
    }
}

/// The kind of `value` shows in its first byte; numbers keep their digits as written.
fn cell(value: &RawValue) -> serde_json::Result<Cell> {
    let raw = value.get();
    Ok(match raw.as_bytes().first() {
        Some(b'"') => Cell::Text(serde_json::from_str(raw)?),
        Some(b'n') => Cell::Absent,
        Some(b'{') => Cell::Object(raw.to_owned()),
        Some(b'[') => Cell::Other("list"),
        Some(b't' | b'f') => Cell::Other("true or false"),
        _ => Cell::Text(raw.to_owned()),
    })
}

/// The parser counts lines from the one at hand: only its column says anything.
fn not_json(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let what = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(what, _)| what);
    Problem::NotJson(format!("{what}, at byte {}", error.column()))
}

/// The members of an object in their order, doubled names included.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"id\": \"p1\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

/// A name, borrowed unless it holds escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
