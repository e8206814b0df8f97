//! Behaviour from a file, read by as many threads as there are.

mod pass;
mod repeat;
mod turn;

use std::collections::BTreeSet;
use std::path::Path;

use tandem_domain::clock::Timestamp;
use tandem_domain::event::EventKind;
use tandem_domain::short::are_same;
use tandem_graph::{EventBatch, EventRow, FactsBuilder};

use super::number;
use super::refused;
use super::rows::{Fields, value};
use super::trail::Marks;
use crate::import::fault::{Problem, RowError, RowErrors, quoted};
use crate::import::header::Header;
use crate::import::moment;
use crate::import::schema::{Column, Schema};

const EVENT_ID: Column = Column::optional(0, "event_id");
const USER: Column = Column::optional(1, "user_id");
const GROUP: Column = Column::optional(2, "session_or_order_id");
const PRODUCT: Column = Column::required(3, "product_id");
const KIND: Column = Column::required(4, "event_type");
const QUANTITY: Column = Column::optional(5, "quantity");
const UNIT_PRICE: Column = Column::optional(6, "unit_price");
const TIME: Column = Column::optional(7, "ts");
const SCENE: Column = Column::optional(8, "scene_id");
const ATTRIBUTED: Column = Column::optional(9, "attributed");
const DWELL: Column = Column::optional(10, "dwell_ms");

/// The columns of a file of events.
pub const SCHEMA: Schema = Schema {
    columns: &[
        &EVENT_ID,
        &USER,
        &GROUP,
        &PRODUCT,
        &KIND,
        &QUANTITY,
        &UNIT_PRICE,
        &TIME,
        &SCENE,
        &ATTRIBUTED,
        &DWELL,
    ],
};

/// When everything happened, in a file without times: 2015-01-01.
const NO_TIME: Timestamp = Timestamp::from_ms(1_420_070_400_000);

/// What was read.
#[derive(Debug, Default)]
pub struct Read {
    /// Columns of the file that nothing reads.
    pub unread: Vec<String>,
    /// Rows left out because their event id had come before.
    pub repeated: u64,
}

/// Reads the events of a file into the builder that `builder` makes, on the current rayon pool.
/// An event id that comes again counts once; should that happen, the file is read anew without the repetitions.
///
/// # Errors
/// The faults of the file by line and column, and those of `builder`.
pub fn read(
    path: &Path,
    mut builder: impl FnMut() -> anyhow::Result<FactsBuilder>,
) -> anyhow::Result<(FactsBuilder, Read)> {
    let refuse = |errors: RowErrors| refused(path, &errors);
    let mut pass = pass::read(path, builder()?, &BTreeSet::new()).map_err(refuse)?;
    let mut repeated = BTreeSet::new();
    if pass.trail.may_repeat() {
        repeated = repeat::find(path).map_err(refuse)?;
    }
    if !repeated.is_empty() {
        pass = pass::read(path, builder()?, &repeated).map_err(refuse)?;
    }
    let read = Read {
        unread: pass.unread,
        repeated: repeated.len() as u64,
    };
    Ok((pass.builder, read))
}

/// What one thread reads of one page.
struct Sheet<'a> {
    batch: EventBatch<'a>,
    errors: RowErrors,
    /// The kind and the time of the row before, which are often those of the next.
    kind: (&'a str, EventKind),
    time: (&'a str, Timestamp),
}

impl<'a> Sheet<'a> {
    fn new(batch: EventBatch<'a>) -> Self {
        Self {
            batch,
            errors: RowErrors::default(),
            kind: ("purchase", EventKind::Purchase),
            time: ("", NO_TIME),
        }
    }

    /// Takes a row, or notes what is wrong with it.
    fn take(&mut self, fields: &impl Fields<'a>, header: &Header, line: u64, marks: &mut Marks) {
        match self.event(fields, header, line, marks) {
            Ok(row) => self.batch.push(row),
            Err(error) => self.errors.push(error),
        }
    }

    #[inline]
    fn event(
        &mut self,
        fields: &impl Fields<'a>,
        header: &Header,
        line: u64,
        marks: &mut Marks,
    ) -> Result<EventRow<'a>, RowError> {
        if let Some(id) = value(fields, &EVENT_ID, line, Ok)? {
            marks.push(id);
        }
        Ok(EventRow {
            kind: needed(fields, &KIND, line, |text| self.kind(text))?,
            product: needed(fields, &PRODUCT, line, Ok)?,
            user: value(fields, &USER, line, Ok)?,
            group: value(fields, &GROUP, line, Ok)?,
            scene: value(fields, &SCENE, line, Ok)?,
            quantity: value(fields, &QUANTITY, line, number::units)?.unwrap_or(1),
            unit_price: value(fields, &UNIT_PRICE, line, number::price)?,
            time: if header.places[TIME.index].is_some() {
                needed(fields, &TIME, line, |text| self.time(text))?
            } else {
                NO_TIME
            },
            generated: false,
            attributed: value(fields, &ATTRIBUTED, line, flag)?.unwrap_or(false),
            dwell_ms: value(fields, &DWELL, line, moment::dwell)?,
        })
    }

    fn kind(&mut self, text: &'a str) -> Result<EventKind, Problem> {
        if !are_same(text, self.kind.0) {
            self.kind = (text, text.parse().map_err(Problem::EventKind)?);
        }
        Ok(self.kind.1)
    }

    fn time(&mut self, text: &'a str) -> Result<Timestamp, Problem> {
        if !are_same(text, self.time.0) {
            self.time = (text, number::time(text)?);
        }
        Ok(self.time.1)
    }
}

/// As tables write yes and no.
fn flag(text: &str) -> Result<bool, Problem> {
    match text {
        "1" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "false" | "False" | "FALSE" => Ok(false),
        _ => Err(Problem::NotFlag(quoted(text))),
    }
}

fn needed<'a, T>(
    fields: &impl Fields<'a>,
    column: &'static Column,
    line: u64,
    read: impl FnOnce(&'a str) -> Result<T, Problem>,
) -> Result<T, RowError> {
    value(fields, column, line, read)?.ok_or_else(|| RowError::of_column(line, column.name, Problem::Empty))
}
