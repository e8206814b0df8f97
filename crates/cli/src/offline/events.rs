//! Behaviour from a file.

use std::io::Read;

use csv::ByteRecord;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::EventKind;
use tandem_domain::money::Money;
use tandem_graph::{EventRow, FactsBuilder};

use super::header::Header;
use super::products::EXPONENT;
use crate::import::decimal;
use crate::import::fault::{Problem, RowError, RowErrors, quoted};
use crate::import::moment::timestamp;
use crate::import::schema::{Column, Schema};

const EVENT_ID: Column = Column::optional(0, "event_id");
const USER: Column = Column::optional(1, "user_id");
const GROUP: Column = Column::optional(2, "session_or_order_id");
const PRODUCT: Column = Column::required(3, "product_id");
const KIND: Column = Column::required(4, "event_type");
const QUANTITY: Column = Column::optional(5, "quantity");
const UNIT_PRICE: Column = Column::optional(6, "unit_price");
const TIME: Column = Column::required(7, "ts");
const SCENE: Column = Column::optional(8, "scene_id");

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
    ],
};

/// Reads events from CSV into `builder`.
///
/// # Errors
/// The faults of the file by line and column.
pub fn read(input: impl Read, builder: &mut FactsBuilder) -> Result<(), RowErrors> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let unreadable = |error: csv::Error| RowError::of_line(1, Problem::Unreadable(error.to_string()));
    let names = reader.headers().map_err(unreadable)?;
    let names: Vec<String> = names.iter().map(str::to_owned).collect();
    let header = Header::find(&SCHEMA, &names)?;
    let mut errors = RowErrors::default();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        let line = record.position().map_or(0, csv::Position::line);
        match event(&record, &header, line) {
            Ok(row) => builder.push(row),
            Err(error) => errors.push(error),
        }
        if errors.is_full() {
            break;
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn event<'a>(record: &'a ByteRecord, header: &Header, line: u64) -> Result<EventRow<'a>, RowError> {
    let text = |column: &Column| -> Result<Option<&'a str>, RowError> {
        let bytes = header.places[column.index]
            .and_then(|at| record.get(at))
            .unwrap_or(b"");
        let text = std::str::from_utf8(bytes)
            .map_err(|e| RowError::of_column(line, column.name, Problem::NotUtf8 { at: e.valid_up_to() }))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    let at = |column: &'static Column| move |problem| RowError::of_column(line, column.name, problem);
    let needed = |column: &'static Column| {
        text(column)?.ok_or_else(|| RowError::of_column(line, column.name, Problem::Empty))
    };
    let price = |text: &str| decimal::amount(text, EXPONENT).map(|amount| Money::from_minor(amount.minor));
    Ok(EventRow {
        kind: needed(&KIND)?
            .parse::<EventKind>()
            .map_err(|error| at(&KIND)(Problem::EventKind(error)))?,
        product: needed(&PRODUCT)?,
        user: text(&USER)?,
        group: text(&GROUP)?,
        scene: text(&SCENE)?,
        quantity: text(&QUANTITY)?.map_or(Ok(1), units).map_err(at(&QUANTITY))?,
        unit_price: text(&UNIT_PRICE)?
            .map(price)
            .transpose()
            .map_err(at(&UNIT_PRICE))?,
        time: timestamp_at(needed(&TIME)?).map_err(at(&TIME))?,
        generated: false,
    })
}

fn timestamp_at(text: &str) -> Result<Timestamp, Problem> {
    timestamp(text)
}

/// Whole units; parts of a unit count as one.
fn units(text: &str) -> Result<u32, Problem> {
    match text.parse::<f64>() {
        Ok(units) if units >= 0.0 => Ok(units.ceil() as u32),
        _ => Err(Problem::NotWhole(quoted(text), "from 0 up")),
    }
}
