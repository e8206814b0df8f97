//! PostgreSQL: `COPY` in binary, decoded where it arrives.

use futures::StreamExt as _;
use sqlx::postgres::PgPool;

use super::{PAGE, Pages, Range, Row, Scan};
use crate::error::{Result, StoreError};
use crate::event::EventColumns;

pub(super) async fn read(pool: &PgPool, scan: &Scan, range: Range, pages: &Pages) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("SET LOCAL statement_timeout = 0")
        .execute(&mut *tx)
        .await?;
    // COPY takes no parameters; a setting carries the id without writing it into a statement.
    sqlx::query("SELECT set_config('tandem.marketplace', $1, true)")
        .bind(scan.marketplace.as_str())
        .execute(&mut *tx)
        .await?;
    let copy = format!(
        "COPY (SELECT kind, product_id, user_id, group_id, scene_id, quantity, unit_price, time_ms, generated,
         attribution IS NOT NULL, dwell_ms, chunk_id FROM events WHERE marketplace_id = current_setting('tandem.marketplace') AND {})
         TO STDOUT (FORMAT binary)",
        of(range)
    );
    let mut messages = tx.copy_out_raw(&copy).await?;
    let mut decoder = Decoder::default();
    let mut columns = EventColumns::with_room();
    while let Some(message) = messages.next().await {
        decoder.feed(&message?, |row, chunk| {
            if scan.covered.contains(chunk) {
                columns.push(row);
            }
        })?;
        if columns.kinds.len() >= PAGE {
            let full = std::mem::replace(&mut columns, EventColumns::with_room());
            if pages.send(Ok(full)).await.is_err() {
                return Ok(());
            }
        }
    }
    if !columns.kinds.is_empty() {
        let _ = pages.send(Ok(columns)).await;
    }
    Ok(())
}

/// The rows of a range. The days leave out partitions that hold none.
fn of(range: Range) -> String {
    match range {
        Range::Days { first, end } => format!("day >= {first} AND day < {end}"),
        Range::Chunks {
            first,
            last,
            days: (from, to),
        } => format!("chunk_id BETWEEN {first} AND {last} AND day BETWEEN {from} AND {to}"),
    }
}

/// Signature, flags and length of the extension that precede the first row.
const HEADER_BYTES: usize = 19;
const FIELDS: i16 = 12;

/// Rows out of a stream of bytes; messages need not end where rows do.
#[derive(Debug, Default)]
struct Decoder {
    buffer: Vec<u8>,
    header_seen: bool,
}

impl Decoder {
    fn feed(&mut self, message: &[u8], mut each: impl FnMut(&Row<'_>, i64)) -> Result<()> {
        self.buffer.extend_from_slice(message);
        let mut rest = self.buffer.as_slice();
        if !self.header_seen {
            let Some(rows) = rest.get(HEADER_BYTES..) else {
                return Ok(());
            };
            rest = rows;
            self.header_seen = true;
        }
        while let Some(fields) = Fields::split(&mut rest)? {
            let (row, chunk) = fields.row()?;
            each(&row, chunk);
        }
        let used = self.buffer.len() - rest.len();
        self.buffer.drain(..used);
        Ok(())
    }
}

/// The fields of one row; `None` is NULL.
struct Fields<'b>([Option<&'b [u8]>; FIELDS as usize]);

impl<'b> Fields<'b> {
    /// Takes a row off the front, when it is there as a whole.
    fn split(bytes: &mut &'b [u8]) -> Result<Option<Self>> {
        let mut rest = *bytes;
        let Some(count) = take(&mut rest).map(i16::from_be_bytes) else {
            return Ok(None);
        };
        match count {
            FIELDS => {}
            // The end of the data.
            -1 => {
                *bytes = rest;
                return Ok(None);
            }
            other => return Err(corrupt(format!("{other} fields"))),
        }
        let mut fields = [None; FIELDS as usize];
        for field in &mut fields {
            let Some(length) = take(&mut rest).map(i32::from_be_bytes) else {
                return Ok(None);
            };
            if let Ok(length) = usize::try_from(length) {
                let Some((value, after)) = rest.split_at_checked(length) else {
                    return Ok(None);
                };
                (*field, rest) = (Some(value), after);
            }
        }
        *bytes = rest;
        Ok(Some(Self(fields)))
    }

    fn row(&self) -> Result<(Row<'b>, i64)> {
        let row = Row {
            kind: self.number(0, i16::from_be_bytes)?,
            product: self.text(1)?.ok_or_else(|| corrupt("a field is NULL"))?,
            user: self.text(2)?,
            group: self.text(3)?,
            scene: self.text(4)?,
            quantity: self.number(5, i64::from_be_bytes)?,
            unit_price: self.0[6]
                .map(|_| self.number(6, i64::from_be_bytes))
                .transpose()?,
            time_ms: self.number(7, i64::from_be_bytes)?,
            generated: self.flag(8)?,
            attributed: self.flag(9)?,
            dwell_ms: self.0[10]
                .map(|_| self.number(10, i32::from_be_bytes))
                .transpose()?,
        };
        Ok((row, self.number(11, i64::from_be_bytes)?))
    }

    fn flag(&self, at: usize) -> Result<bool> {
        Ok(self.number::<u8, u8, 1>(at, u8::from_be_bytes)? != 0)
    }

    fn text(&self, at: usize) -> Result<Option<&'b str>> {
        self.0[at]
            .map(std::str::from_utf8)
            .transpose()
            .map_err(|error| corrupt(error.to_string()))
    }

    fn number<N: TryFrom<W>, W, const BYTES: usize>(
        &self,
        at: usize,
        read: fn([u8; BYTES]) -> W,
    ) -> Result<N> {
        let bytes = self.0[at].and_then(|field| field.try_into().ok());
        bytes
            .and_then(|bytes| N::try_from(read(bytes)).ok())
            .ok_or_else(|| corrupt(format!("field {at} is no such number")))
    }
}

fn take<const BYTES: usize>(bytes: &mut &[u8]) -> Option<[u8; BYTES]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

fn corrupt(why: impl Into<String>) -> StoreError {
    StoreError::Corrupt {
        what: "events",
        why: why.into(),
    }
}
