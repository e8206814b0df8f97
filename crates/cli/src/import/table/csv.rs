//! RFC 4180 with a header row.

use std::io::Read;

use csv::ByteRecord;

use super::MOST_ROW_BYTES;
use super::leash::Leash;
use crate::import::fault::{Problem, RowError, RowErrors};
use crate::import::field::{Cells, Fields};
use crate::import::schema::{Need, Schema};

pub(super) struct CsvTable<R> {
    reader: csv::Reader<Leash<R>>,
    record: ByteRecord,
    /// Field of the row for each column of the schema.
    places: Vec<Option<usize>>,
    width: usize,
    ended: bool,
}

impl<R: Read> CsvTable<R> {
    pub(super) fn open(schema: &'static Schema, input: R) -> Result<Self, RowErrors> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_reader(Leash::new(input, MOST_ROW_BYTES));
        let mut header = ByteRecord::new();
        match reader.read_byte_record(&mut header) {
            Ok(true) => {}
            Ok(false) => return Err(RowError::of_line(1, Problem::NoHeader(schema.header())).into()),
            Err(error) => return Err(RowError::of_line(1, fault(&error, reader.get_ref())).into()),
        }
        let places = places(schema, &header)?;
        Ok(Self {
            reader,
            record: ByteRecord::new(),
            places,
            width: header.len(),
            ended: false,
        })
    }

    pub(super) fn next_row(&mut self) -> Option<Result<Fields<'_>, RowError>> {
        if self.ended {
            return None;
        }
        self.reader.get_mut().reset();
        let start = self.reader.position().line();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(self.fields()),
            Err(error) => {
                self.ended = true;
                Some(Err(RowError::of_line(
                    start,
                    fault(&error, self.reader.get_ref()),
                )))
            }
        }
    }

    fn fields(&self) -> Result<Fields<'_>, RowError> {
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() != self.width {
            let ragged = Problem::Ragged {
                expected: self.width,
                found: self.record.len(),
            };
            return Err(RowError::of_line(line, ragged));
        }
        Ok(Fields::new(
            line,
            Cells::Csv {
                record: &self.record,
                places: &self.places,
            },
        ))
    }
}

fn fault<R>(error: &csv::Error, leash: &Leash<R>) -> Problem {
    if leash.is_taut() {
        Problem::Endless(MOST_ROW_BYTES)
    } else {
        Problem::Unreadable(error.to_string())
    }
}

/// Where each column of `schema` stands in the header; every fault of the header at once.
fn places(schema: &'static Schema, header: &ByteRecord) -> Result<Vec<Option<usize>>, RowErrors> {
    let mut places = vec![None; schema.columns.len()];
    let mut errors = RowErrors::default();
    let names: Vec<String> = header
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect();
    for (at, name) in names.iter().enumerate() {
        let problem = match schema.column(name) {
            Some(column) if places[column.index].is_none() => {
                places[column.index] = Some(at);
                continue;
            }
            Some(_) => Problem::RepeatedColumn,
            None => Problem::UnknownColumn {
                nearest: schema.nearest(name).map(|c| c.name.to_owned()),
            },
        };
        errors.push(RowError::of_column(1, name, problem));
    }
    for column in schema.columns {
        if places[column.index].is_none() && column.need != Need::Optional {
            errors.push(RowError::of_column(
                1,
                column.name,
                Problem::MissingColumn(names.join(",")),
            ));
        }
    }
    if errors.is_empty() {
        Ok(places)
    } else {
        Err(errors)
    }
}
