//! Behaviour events.

use tandem_domain::catalog::Provenance;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{EventId, ProductId, SceneId};

use super::fault::{Problem, RowError, quoted};
use super::field::Fields;
use super::generic::{Context, Row, id, opaque};
use super::moment::{dwell, timestamp};
use super::schema::{Column, Schema};

const EVENT_ID: Column = Column::required(0, "event_id");
const USER: Column = Column::optional(1, "user_id");
const GROUP: Column = Column::optional(2, "session_or_order_id");
const PRODUCT: Column = Column::required(3, "product_id");
const KIND: Column = Column::required(4, "event_type");
const QUANTITY: Column = Column::optional(5, "quantity");
const UNIT_PRICE: Column = Column::optional(6, "unit_price");
const TIME: Column = Column::required(7, "ts");
const SCENE: Column = Column::optional(8, "scene_id");
const AMOUNT: Column = Column::optional(9, "amount");
const DWELL: Column = Column::optional(10, "dwell_ms");

impl Row for Event {
    const SCHEMA: &'static Schema = &Schema {
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
            &AMOUNT,
            &DWELL,
        ],
    };
    const KEY: &'static Column = &EVENT_ID;
    type Key<'a> = &'a str;

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self, RowError> {
        let quantity = fields.value(&QUANTITY, units)?.unwrap_or(1);
        let unit_price = match context.price(fields, &UNIT_PRICE)? {
            None => context.share(fields, &AMOUNT, quantity)?,
            price => price,
        };
        let kind = fields.required(&KIND, |text| {
            text.parse::<EventKind>().map_err(Problem::EventKind)
        })?;
        let group = fields.value(&GROUP, opaque)?;
        if kind == EventKind::Return && group.is_none() {
            return Err(fields.fault(&GROUP, Problem::NoOrder));
        }
        Ok(Self {
            id: fields.required(&EVENT_ID, |text| id(text, EventId::new))?,
            kind,
            product: fields.required(&PRODUCT, |text| id(text, ProductId::new))?,
            user: fields.value(&USER, opaque)?,
            group,
            scene: fields.value(&SCENE, |text| id(text, SceneId::new))?,
            quantity,
            unit_price,
            time: fields.required(&TIME, timestamp)?,
            provenance: Provenance::Real,
            dwell_ms: fields.value(&DWELL, dwell)?,
            attribution: None,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

/// `3`, and `3.0` as tables with gaps write it.
fn units(text: &str) -> Result<u32, Problem> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    };
    match whole.parse() {
        Ok(units) if units > 0 => Ok(units),
        _ => Err(Problem::NotWhole(
            quoted(text),
            "from 1 up; what came back is a return with its units",
        )),
    }
}
