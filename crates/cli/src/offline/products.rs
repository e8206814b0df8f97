//! The catalogue from a file.

use std::io::Read;

use csv::ByteRecord;
use tandem_domain::id::{CategoryId, ProductId, SeriesId, ShopId};
use tandem_domain::money::Money;
use tandem_graph::ProductFacts;

use super::header::Header;
use crate::import::decimal;
use crate::import::fault::{Problem, RowError, RowErrors, quoted};
use crate::import::generic::id;
use crate::import::schema::{Column, Schema};
use crate::import::tags;

const ID: Column = Column::required(0, "id");
const TITLE: Column = Column::optional(1, "title");
const CATEGORY: Column = Column::optional(2, "category");
const BRAND: Column = Column::optional(3, "brand");
const PRICE: Column = Column::optional(4, "price");
const SERIES: Column = Column::optional(5, "series");
const QUALITY: Column = Column::optional(6, "quality");
const TAGS: Column = Column::optional(7, "tags");

/// The columns of a file of products.
pub const SCHEMA: Schema = Schema {
    columns: &[&ID, &TITLE, &CATEGORY, &BRAND, &PRICE, &SERIES, &QUALITY, &TAGS],
};

/// Decimals of a minor unit.
pub(super) const EXPONENT: u8 = 2;

/// Reads a catalogue from CSV.
///
/// # Errors
/// The faults of the file by line and column.
pub fn read(input: impl Read) -> Result<Vec<ProductFacts>, RowErrors> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let unreadable = |error: csv::Error| RowError::of_line(1, Problem::Unreadable(error.to_string()));
    let names = reader.headers().map_err(unreadable)?;
    let names: Vec<String> = names.iter().map(str::to_owned).collect();
    let header = Header::find(&SCHEMA, &names)?;
    let mut products = Vec::new();
    let mut errors = RowErrors::default();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        let line = record.position().map_or(0, csv::Position::line);
        match product(&record, &header, line) {
            Ok(product) => products.push(product),
            Err(error) => errors.push(error),
        }
        if errors.is_full() {
            break;
        }
    }
    if errors.is_empty() {
        Ok(products)
    } else {
        Err(errors)
    }
}

fn product(record: &ByteRecord, header: &Header, line: u64) -> Result<ProductFacts, RowError> {
    let text = |column: &Column| -> Result<Option<&str>, RowError> {
        let bytes = header.places[column.index]
            .and_then(|at| record.get(at))
            .unwrap_or(b"");
        let text = std::str::from_utf8(bytes)
            .map_err(|e| RowError::of_column(line, column.name, Problem::NotUtf8 { at: e.valid_up_to() }))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    let at = |column: &'static Column| move |problem| RowError::of_column(line, column.name, problem);
    let price = |text: &str| decimal::amount(text, EXPONENT).map(|amount| Money::from_minor(amount.minor));
    let quality = |text: &str| text.parse::<f64>().map_err(|_| Problem::NotShare(quoted(text)));
    Ok(ProductFacts {
        id: text(&ID)?
            .ok_or(Problem::Empty)
            .and_then(|raw| id(raw, ProductId::new))
            .map_err(at(&ID))?,
        shop: ShopId::new("offline").expect("a plain word is an id"),
        category: text(&CATEGORY)?
            .map(|raw| id(raw, CategoryId::new))
            .transpose()
            .map_err(at(&CATEGORY))?,
        category_path: Vec::new(),
        brand: text(&BRAND)?.map(str::to_owned),
        series: text(&SERIES)?
            .map(|raw| id(raw, SeriesId::new))
            .transpose()
            .map_err(at(&SERIES))?,
        price: text(&PRICE)?.map(price).transpose().map_err(at(&PRICE))?,
        quality: text(&QUALITY)?.map(quality).transpose().map_err(at(&QUALITY))?,
        tags: text(&TAGS)?
            .map(tags::from_text)
            .transpose()
            .map_err(at(&TAGS))?
            .unwrap_or_default(),
        generated: false,
        listed: true,
    })
}
