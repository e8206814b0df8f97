//! One line of an invoice.

use tandem_domain::clock::Timestamp;
use tandem_domain::id::ProductId;
use tandem_domain::money::Money;

use super::time::LocalTime;
use crate::import::decimal;
use crate::import::fault::{Problem, RowError, quoted};
use crate::import::field::Fields;
use crate::import::generic::{id, opaque};
use crate::import::schema::{Column, Schema};

const INVOICE: Column = Column::required(0, "InvoiceNo");
const CODE: Column = Column::required(1, "StockCode");
const DESCRIPTION: Column = Column::nullable(2, "Description");
const QUANTITY: Column = Column::required(3, "Quantity");
const TIME: Column = Column::required(4, "InvoiceDate");
const PRICE: Column = Column::required(5, "UnitPrice");
const CUSTOMER: Column = Column::nullable(6, "CustomerID");
const COUNTRY: Column = Column::optional(7, "Country");

pub(super) const SCHEMA: Schema = Schema {
    columns: &[
        &INVOICE,
        &CODE,
        &DESCRIPTION,
        &QUANTITY,
        &TIME,
        &PRICE,
        &CUSTOMER,
        &COUNTRY,
    ],
};

/// Prices are pounds and pence.
pub(super) const PENCE_EXPONENT: u8 = 2;

/// A line as written, with its code in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) invoice: String,
    pub(super) code: ProductId,
    /// Whether the file writes the code with small letters.
    pub(super) small_letters: bool,
    pub(super) description: Option<String>,
    pub(super) quantity: i64,
    pub(super) time: Timestamp,
    pub(super) pence: i64,
    pub(super) customer: Option<String>,
}

impl Line {
    pub(super) fn read(fields: &Fields<'_>, zone: &mut LocalTime) -> Result<Self, RowError> {
        let code = fields.required(&CODE, |text| Ok(text.trim().to_owned()))?;
        Ok(Self {
            number: fields.line(),
            invoice: fields.required(&INVOICE, |text| opaque(text.trim()))?,
            small_letters: code.bytes().any(|b| b.is_ascii_lowercase()),
            code: id(&code.to_ascii_uppercase(), ProductId::new).map_err(|why| fields.fault(&CODE, why))?,
            description: fields
                .value(&DESCRIPTION, |text| Ok(spaced(text)))?
                .filter(|d| !d.is_empty()),
            quantity: fields.required(&QUANTITY, quantity)?,
            time: fields.required(&TIME, |text| zone.read(text))?,
            pence: fields.required(&PRICE, pence)?,
            customer: fields.value(&CUSTOMER, customer)?,
        })
    }

    /// The lines of these invoices cancel others.
    pub(super) fn is_cancellation(&self) -> bool {
        self.invoice.starts_with(['C', 'c'])
    }

    /// An error at the invoice number of this line.
    pub(super) fn invoice_fault(&self, problem: Problem) -> RowError {
        RowError::of_column(self.number, INVOICE.name, problem)
    }

    /// Whether `other` says exactly the same.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        let key = |line: &Self| (line.quantity, line.pence, line.time);
        self.code == other.code && key(self) == key(other) && self.description == other.description
    }
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Pence; fractions of a penny round away, and adjustments of debts may be negative.
fn pence(text: &str) -> Result<i64, Problem> {
    let minor = decimal::amount(text, PENCE_EXPONENT)?.minor;
    Money::price(minor.max(0)).map_err(Problem::Price)?;
    Ok(minor)
}

fn quantity(text: &str) -> Result<i64, Problem> {
    match text.parse::<i64>() {
        Ok(units) if units.unsigned_abs() <= u64::from(u32::MAX) => Ok(units),
        _ => Err(Problem::NotWhole(quoted(text), "of units")),
    }
}

/// `17850.0`, as tables with gaps write numbers, is customer 17850.
fn customer(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    opaque(text.strip_suffix(".0").unwrap_or(text))
}
