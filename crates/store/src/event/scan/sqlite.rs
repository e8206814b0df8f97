//! SQLite: a page is one row of JSON arrays.
//!
//! A row through the driver is a message between threads with a copy of every value; an array costs that once for
//! thousands of rows.

use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use super::{PAGE, Pages, Range, Scan};
use crate::entity::from_json;
use crate::error::Result;
use crate::event::EventColumns;

/// The last key of the next page.
const BOUNDARY: &str = "SELECT day, event_id FROM events
    WHERE marketplace_id = $1 AND (day, event_id) > ($2, $3) AND day < $4
    ORDER BY day, event_id LIMIT 1 OFFSET $5";

macro_rules! columns {
    ($which:literal) => {
        concat!(
            "SELECT json_group_array(kind), json_group_array(product_id), json_group_array(user_id),
            json_group_array(group_id), json_group_array(scene_id), json_group_array(quantity),
            json_group_array(unit_price), json_group_array(time_ms), json_group_array(generated),
            json_group_array(attribution IS NOT NULL), json_group_array(dwell_ms), json_group_array(chunk_id) FROM events WHERE ",
            $which
        )
    };
}

const BY_KEY: &str =
    columns!("marketplace_id = $1 AND (day, event_id) > ($2, $3) AND (day, event_id) <= ($4, $5)");

/// The sign keeps the planner from the primary key, which begins with the marketplace.
const BY_CHUNK: &str = columns!("+marketplace_id = $1 AND chunk_id BETWEEN $2 AND $3");

/// A place between keys.
#[derive(Debug, Clone)]
struct Key {
    day: i32,
    event_id: String,
}

pub(super) async fn read(pool: &SqlitePool, scan: &Scan, range: Range, pages: &Pages) -> Result<()> {
    match range {
        Range::Days { first, end } => by_key(pool, scan, (first, end), pages).await,
        Range::Chunks { first, last, .. } => {
            let lot = sqlx::query(BY_CHUNK)
                .bind(scan.marketplace.as_str())
                .bind(first)
                .bind(last)
                .fetch_one(pool)
                .await?;
            let columns = columns(&lot, scan)?;
            if !columns.kinds.is_empty() {
                // Nobody may listen any more.
                let _ = pages.send(Ok(columns)).await;
            }
            Ok(())
        }
    }
}

async fn by_key(pool: &SqlitePool, scan: &Scan, (first, end): (i32, i32), pages: &Pages) -> Result<()> {
    // No id is empty: this stands before the first of the day.
    let mut after = Key {
        day: first,
        event_id: String::new(),
    };
    loop {
        let boundary = boundary(pool, scan, &after, end).await?;
        let last = boundary.is_none();
        let until = boundary.unwrap_or(Key {
            day: end,
            event_id: String::new(),
        });
        let columns = page(pool, scan, &after, &until).await?;
        if !columns.kinds.is_empty() && pages.send(Ok(columns)).await.is_err() {
            return Ok(());
        }
        if last {
            return Ok(());
        }
        after = until;
    }
}

async fn boundary(pool: &SqlitePool, scan: &Scan, after: &Key, end: i32) -> Result<Option<Key>> {
    let row = sqlx::query(BOUNDARY)
        .bind(scan.marketplace.as_str())
        .bind(after.day)
        .bind(after.event_id.as_str())
        .bind(end)
        .bind(PAGE as i64 - 1)
        .fetch_optional(pool)
        .await?;
    Ok(row
        .map(|row| {
            Ok::<_, sqlx::Error>(Key {
                day: row.try_get(0)?,
                event_id: row.try_get(1)?,
            })
        })
        .transpose()?)
}

async fn page(pool: &SqlitePool, scan: &Scan, after: &Key, until: &Key) -> Result<EventColumns> {
    let row = sqlx::query(BY_KEY)
        .bind(scan.marketplace.as_str())
        .bind(after.day)
        .bind(after.event_id.as_str())
        .bind(until.day)
        .bind(until.event_id.as_str())
        .fetch_one(pool)
        .await?;
    columns(&row, scan)
}

/// The covered rows of a page.
fn columns(row: &SqliteRow, scan: &Scan) -> Result<EventColumns> {
    let columns = EventColumns {
        kinds: column(row, 0)?,
        products: column(row, 1)?,
        users: column(row, 2)?,
        groups: column(row, 3)?,
        scenes: column(row, 4)?,
        quantities: column(row, 5)?,
        unit_prices: column(row, 6)?,
        times_ms: column(row, 7)?,
        generated: flags(row, 8)?,
        attributed: flags(row, 9)?,
        dwells_ms: column(row, 10)?,
    };
    let chunks: Vec<i64> = column(row, 11)?;
    Ok(if chunks.iter().all(|chunk| scan.covered.contains(*chunk)) {
        columns
    } else {
        covered(columns, &chunks, scan)
    })
}

fn column<T: DeserializeOwned>(row: &SqliteRow, index: usize) -> Result<Vec<T>> {
    from_json("events", row.try_get(index)?)
}

fn flags(row: &SqliteRow, index: usize) -> Result<Vec<bool>> {
    let flags: Vec<u8> = column(row, index)?;
    Ok(flags.into_iter().map(|flag| flag != 0).collect())
}

/// Without the rows that the watermark does not cover: a few, while they wait to be folded.
fn covered(columns: EventColumns, chunks: &[i64], scan: &Scan) -> EventColumns {
    let keep: Vec<_> = chunks.iter().map(|chunk| scan.covered.contains(*chunk)).collect();
    EventColumns {
        kinds: filter(columns.kinds, &keep),
        products: filter(columns.products, &keep),
        users: filter(columns.users, &keep),
        groups: filter(columns.groups, &keep),
        scenes: filter(columns.scenes, &keep),
        quantities: filter(columns.quantities, &keep),
        unit_prices: filter(columns.unit_prices, &keep),
        times_ms: filter(columns.times_ms, &keep),
        generated: filter(columns.generated, &keep),
        attributed: filter(columns.attributed, &keep),
        dwells_ms: filter(columns.dwells_ms, &keep),
    }
}

fn filter<T>(column: Vec<T>, keep: &[bool]) -> Vec<T> {
    column
        .into_iter()
        .zip(keep)
        .filter_map(|(value, keep)| keep.then_some(value))
        .collect()
}
