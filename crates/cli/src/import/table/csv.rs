//! RFC 4180 with a header row.

use std::io::Read;

use csv::ByteRecord;

use super::MOST_ROW_BYTES;
use super::leash::Leash;
use crate::import::fault::{Problem, RowError, RowErrors};
use crate::import::field::Cells;
use crate::import::header::Header;
use crate::import::mapping::Mapping;
use crate::import::schema::Schema;

pub(super) struct CsvTable<R> {
    reader: csv::Reader<Leash<R>>,
    record: ByteRecord,
    header: Header,
    ended: bool,
}

impl<R: Read> CsvTable<R> {
    pub(super) fn open(schema: &Schema, input: R, mapping: &Mapping) -> Result<Self, RowErrors> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_reader(Leash::new(input, MOST_ROW_BYTES));
        let mut first = ByteRecord::new();
        match reader.read_byte_record(&mut first) {
            Ok(true) => {}
            Ok(false) => return Err(RowError::of_line(1, Problem::NoHeader(schema.header())).into()),
            Err(error) => return Err(RowError::of_line(1, fault(&error, reader.get_ref())).into()),
        }
        let name = |name: &[u8]| String::from_utf8_lossy(name).trim().to_owned();
        let names: Vec<String> = first.iter().map(name).collect();
        Ok(Self {
            reader,
            record: ByteRecord::new(),
            header: Header::find_strictly(schema, &names, mapping)?,
            ended: false,
        })
    }

    pub(super) fn unread(&self) -> &[String] {
        &self.header.unread
    }

    pub(super) fn next_row(&mut self) -> Option<Result<(u64, Cells<'_>), RowError>> {
        if self.ended {
            return None;
        }
        self.reader.get_mut().reset();
        let start = self.reader.position().line();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(self.cells()),
            Err(error) => {
                self.ended = true;
                Some(Err(RowError::of_line(
                    start,
                    fault(&error, self.reader.get_ref()),
                )))
            }
        }
    }

    fn cells(&self) -> Result<(u64, Cells<'_>), RowError> {
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() != self.header.width {
            let ragged = Problem::Ragged {
                expected: self.header.width,
                found: self.record.len(),
            };
            return Err(RowError::of_line(line, ragged));
        }
        let cells = Cells::Csv {
            record: &self.record,
            places: &self.header.places,
        };
        Ok((line, cells))
    }
}

fn fault<R>(error: &csv::Error, leash: &Leash<R>) -> Problem {
    if leash.is_taut() {
        Problem::Endless(MOST_ROW_BYTES)
    } else {
        Problem::Unreadable(error.to_string())
    }
}
