//! Files of our own schema: walk them once to find every fault, then hand out their rows.

use std::cell::Cell;
use std::hash::Hash;
use std::io::Read;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use tandem_domain::id::{InvalidId, check};
use tandem_domain::money::{Currency, Money};

use super::BATCH_ROWS;
use super::decimal;
use super::fault::{Problem, RowError, RowErrors, quoted};
use super::field::Fields;
use super::mapping::Mapping;
use super::schema::{Column, Schema};
use super::seen::Seen;
use super::table::{Input, Table};

/// A kind of row that a file can hold.
pub trait Row: Sized {
    /// Its columns.
    const SCHEMA: &'static Schema;
    /// The column that a doubled key is reported at.
    const KEY: &'static Column;
    /// What must be unique in a file.
    type Key<'a>: Hash
    where
        Self: 'a;

    /// Reads one row.
    ///
    /// # Errors
    /// The first fault of the row.
    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self, RowError>;

    /// What must be unique in a file.
    fn key(&self) -> Self::Key<'_>;
}

/// What a row needs to know beyond its text.
#[derive(Debug)]
pub struct Context {
    exponent: u8,
    rounded: Cell<u64>,
}

impl Context {
    fn new(currency: &Currency) -> Self {
        Self {
            exponent: currency.exponent,
            rounded: Cell::new(0),
        }
    }

    /// The price at `column`, in minor units of the marketplace's currency.
    ///
    /// # Errors
    /// When it is no amount or out of bounds.
    pub fn price(&self, fields: &Fields<'_>, column: &Column) -> Result<Option<Money>, RowError> {
        self.share(fields, column, 1)
    }

    /// The price of one of `units` units that cost what stands at `column`, rounded half to even.
    ///
    /// # Errors
    /// When it is no amount or out of bounds.
    pub fn share(&self, fields: &Fields<'_>, column: &Column, units: u32) -> Result<Option<Money>, RowError> {
        let amount = fields.value(column, |text| decimal::share(text, self.exponent, units))?;
        Ok(amount.map(|(money, amount)| {
            self.rounded.set(self.rounded.get() + u64::from(amount.rounded));
            money
        }))
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Good rows.
    pub rows: u64,
    /// Prices that had more decimals than the currency and were rounded, half to even.
    pub rounded_prices: u64,
    /// Columns that nothing reads.
    pub unread: Vec<String>,
}

/// The rows of a file, good and bad.
pub struct Rows<R, T> {
    table: Table<R>,
    context: Context,
    seen: Seen,
    rows: PhantomData<fn() -> T>,
}

/// Starts to read `input`, whose columns `mapping` finds.
///
/// # Errors
/// What is wrong with the header.
pub fn read<T: Row, R: Read>(
    input: Input<R>,
    mapping: &Mapping,
    currency: &Currency,
) -> Result<Rows<R, T>, RowErrors> {
    Ok(Rows {
        table: Table::open(T::SCHEMA, input, mapping)?,
        context: Context::new(currency),
        seen: Seen::default(),
        rows: PhantomData,
    })
}

impl<R: Read, T> Rows<R, T> {
    /// Adds what is known beside the rows themselves.
    fn complete(&self, summary: &mut Summary) {
        summary.rounded_prices = self.context.rounded.get();
        summary.unread = self.table.unread().to_vec();
    }
}

impl<R: Read, T: Row> Iterator for Rows<R, T> {
    type Item = Result<T, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let fields = match self.table.next_row()? {
            Ok(fields) => fields,
            Err(error) => return Some(Err(error)),
        };
        let row = match T::read(&fields, &self.context) {
            Ok(row) => row,
            Err(error) => return Some(Err(error)),
        };
        let first = self.seen.first_line(&row.key(), fields.line());
        Some(match first {
            Some(first) => Err(fields.fault(T::KEY, Problem::Duplicate { first })),
            None => Ok(row),
        })
    }
}

/// Walks the whole file and writes nothing; stops at the twentieth error.
///
/// # Errors
/// The faults of the file.
pub fn validate<T: Row, R: Read>(
    input: Input<R>,
    mapping: &Mapping,
    currency: &Currency,
) -> Result<Summary, RowErrors> {
    let mut rows = read::<T, R>(input, mapping, currency)?;
    let mut errors = RowErrors::default();
    let mut summary = Summary::default();
    while let Some(row) = rows.next().filter(|_| !errors.is_full()) {
        match row {
            Ok(_) => summary.rows += 1,
            Err(error) => errors.push(error),
        }
    }
    rows.complete(&mut summary);
    if errors.is_empty() {
        Ok(summary)
    } else {
        Err(errors)
    }
}

/// What becomes of a row that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Faults {
    /// It ends the file.
    Stop,
    /// It is counted and left out.
    Skip,
}

/// The good rows of a file, up to [`BATCH_ROWS`] at a time.
pub struct Batches<R, T> {
    rows: Rows<R, T>,
    faults: Faults,
    errors: RowErrors,
    summary: Summary,
}

/// Hands out the rows of `input` in batches. For [`Faults::Stop`] call [`validate`] first, so that nothing is
/// written of a file with faults.
///
/// # Errors
/// What is wrong with the header.
pub fn batches<T: Row, R: Read>(
    input: Input<R>,
    mapping: &Mapping,
    currency: &Currency,
    faults: Faults,
) -> Result<Batches<R, T>, RowErrors> {
    let rows = read(input, mapping, currency)?;
    Ok(Batches {
        rows,
        faults,
        errors: RowErrors::default(),
        summary: Summary::default(),
    })
}

impl<R: Read, T: Row> Batches<R, T> {
    /// What was read so far, and the rows that were left out.
    #[must_use]
    pub fn finish(mut self) -> (Summary, RowErrors) {
        self.rows.complete(&mut self.summary);
        (self.summary, self.errors)
    }
}

impl<R: Read, T: Row> Iterator for Batches<R, T> {
    type Item = Result<Vec<T>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_ROWS {
            match self.rows.next() {
                None => break,
                Some(Ok(row)) => batch.push(row),
                Some(Err(error)) if self.faults == Faults::Stop => return Some(Err(error)),
                Some(Err(error)) => self.errors.push(error),
            }
        }
        self.summary.rows += batch.len() as u64;
        (!batch.is_empty()).then_some(Ok(batch))
    }
}

/// Reads text as an id by `new`.
pub(crate) fn id<'a, T>(
    text: &'a str,
    new: impl FnOnce(&'a str) -> Result<T, InvalidId>,
) -> Result<T, Problem> {
    new(text).map_err(|why| Problem::Id(quoted(text), why))
}

/// Reads text that obeys the rules of ids but has no type of its own: users, groups, sources.
pub(super) fn opaque(text: &str) -> Result<String, Problem> {
    id(text, check).map(|()| text.to_owned())
}

/// Reads text of at most `most` characters.
pub(super) fn text(text: &str, most: usize) -> Result<String, Problem> {
    match text.chars().count() {
        found if found > most => Err(Problem::TooLong { found, most }),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
