//! Products.

use tandem_domain::catalog::{ProductInput, Provenance};
use tandem_domain::id::{CategoryId, ProductId, SeriesId};

use super::fault::{Problem, RowError, quoted};
use super::field::Fields;
use super::generic::{Context, Row, id, text};
use super::schema::{Column, Schema};

const MOST_TITLE_CHARS: usize = 500;
const MOST_BRAND_CHARS: usize = 200;
const MOST_URI_CHARS: usize = 2_000;

const ID: Column = Column::required(0, "id");
const TITLE: Column = Column::required(1, "title");
const CATEGORY: Column = Column::optional(2, "category");
const BRAND: Column = Column::optional(3, "brand");
const PRICE: Column = Column::optional(4, "price");
const SERIES: Column = Column::optional(5, "series");
const IMAGE: Column = Column::optional(6, "image_uri");
const QUALITY: Column = Column::optional(7, "quality");
const TAGS: Column = Column::optional(8, "tags");

impl Row for ProductInput {
    const SCHEMA: &'static Schema = &Schema {
        columns: &[
            &ID, &TITLE, &CATEGORY, &BRAND, &PRICE, &SERIES, &IMAGE, &QUALITY, &TAGS,
        ],
    };
    const KEY: &'static Column = &ID;
    type Key<'a> = &'a str;

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self, RowError> {
        Ok(Self {
            id: fields.required(&ID, |raw| id(raw, ProductId::new))?,
            title: fields.required(&TITLE, |raw| text(raw, MOST_TITLE_CHARS))?,
            category: fields.value(&CATEGORY, |raw| id(raw, CategoryId::new))?,
            brand: fields.value(&BRAND, |raw| text(raw, MOST_BRAND_CHARS))?,
            series: fields.value(&SERIES, |raw| id(raw, SeriesId::new))?,
            price: context.price(fields, &PRICE)?,
            image_uri: fields.value(&IMAGE, |raw| text(raw, MOST_URI_CHARS))?,
            quality: fields.value(&QUALITY, share)?,
            tags: fields.tags(&TAGS)?,
            provenance: Provenance::Real,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

fn share(text: &str) -> Result<f64, Problem> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(Problem::NotShare(quoted(text))),
    }
}
