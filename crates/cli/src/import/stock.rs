//! Stock: what a source says of a SKU in a pool.

use tandem_domain::id::SkuId;
use tandem_domain::stock::{Pool, Reported, StockReport};

use super::fault::{Problem, RowError, quoted};
use super::field::Fields;
use super::generic::{Context, Row, id, opaque};
use super::schema::{Column, Schema};

const SKU: Column = Column::required(0, "sku_id");
const POOL: Column = Column::optional(1, "pool");
const SOURCE: Column = Column::required(2, "source");
const AVAILABLE: Column = Column::required(3, "available");
const VERSION: Column = Column::required(4, "source_version");

impl Row for StockReport {
    const SCHEMA: &'static Schema = &Schema {
        columns: &[&SKU, &POOL, &SOURCE, &AVAILABLE, &VERSION],
    };
    const KEY: &'static Column = &VERSION;
    type Key<'a> = (&'a str, &'a Pool, &'a str, u64);

    fn read(fields: &Fields<'_>, _: &Context) -> Result<Self, RowError> {
        Ok(Self {
            sku: fields.required(&SKU, |text| id(text, SkuId::new))?,
            pool: fields
                .value(&POOL, |text| text.parse().map_err(Problem::Pool))?
                .unwrap_or_default(),
            source: fields.required(&SOURCE, opaque)?,
            quantity: Reported::Set {
                available: fields.required(&AVAILABLE, available)?,
                source_version: fields.required(&VERSION, version)?,
            },
        })
    }

    fn key(&self) -> Self::Key<'_> {
        let version = match self.quantity {
            Reported::Set { source_version, .. } => source_version,
            Reported::Delta { .. } => 0,
        };
        (self.sku.as_str(), &self.pool, &self.source, version)
    }
}

fn available(text: &str) -> Result<i64, Problem> {
    match text.parse() {
        Ok(units) if units >= 0 => Ok(units),
        _ => Err(Problem::NotWhole(quoted(text), "from 0 up")),
    }
}

fn version(text: &str) -> Result<u64, Problem> {
    match text.parse() {
        Ok(version) if version > 0 => Ok(version),
        _ => Err(Problem::NotWhole(
            quoted(text),
            "from 1 up that rises with every report",
        )),
    }
}
