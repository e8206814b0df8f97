//! Storing events.

use std::collections::HashSet;

use sea_orm::{DbBackend, FromQueryResult};
use serde::Serialize;
use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::Event;
use tandem_domain::id::MarketplaceId;
use tandem_domain::money::Money;

use super::{EventCounts, chunk};
use crate::error::{Result, StoreError};
use crate::sql::{self, Batch, Type};
use crate::write::Tx;

const EVENTS: Batch = Batch::of(&[
    ("day", Type::Integer),
    ("event_id", Type::Text),
    ("kind", Type::Integer),
    ("product_id", Type::Text),
    ("user_id", Type::Text),
    ("group_id", Type::Text),
    ("scene_id", Type::Text),
    ("quantity", Type::Integer),
    ("unit_price", Type::Integer),
    ("time_ms", Type::Integer),
    ("generated", Type::Flag),
]);

#[derive(Serialize)]
struct Row<'e> {
    day: i32,
    event_id: &'e str,
    kind: u8,
    product_id: &'e str,
    user_id: Option<&'e str>,
    group_id: Option<&'e str>,
    scene_id: Option<&'e str>,
    quantity: u32,
    unit_price: Option<i64>,
    time_ms: i64,
    generated: bool,
}

/// Rows per statement: a megabyte or so of JSON.
const PART: usize = 5_000;

/// Inserts events as one chunk; none where every id is stored already.
pub(super) async fn insert(
    tx: &Tx,
    marketplace: &MarketplaceId,
    events: &[Event],
    now: Timestamp,
) -> Result<EventCounts> {
    let mut rows = events.iter().map(Row::of).collect::<Result<Vec<_>>>()?;
    // In the order of the key: pages fill one after the other, and two writers of the same ids do not deadlock.
    rows.sort_unstable_by(|a, b| (a.day, a.event_id).cmp(&(b.day, b.event_id)));
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(EventCounts::default());
    };
    let chunk = chunk::open(tx, marketplace, first.day..=last.day, now).await?;
    let query = statement(tx.backend());
    let mut stored = 0;
    for part in rows.chunks(PART) {
        let values = [marketplace.as_str().into(), chunk.into(), sql::rows(part)];
        stored += tx.execute(query.as_str(), values).await?;
    }
    chunk::close(tx, chunk, stored).await?;
    Ok(EventCounts {
        stored,
        duplicates: rows.len() as u64 - stored,
    })
}

/// Inserts the events of several calls as one chunk. An id that two of them hold is stored for the first one.
pub(super) async fn insert_each(
    tx: &Tx,
    marketplace: &MarketplaceId,
    calls: &[&[Event]],
    now: Timestamp,
) -> Result<Vec<EventCounts>> {
    let all = calls.iter().copied().flatten();
    let mut rows = all.map(Row::of).collect::<Result<Vec<_>>>()?;
    rows.sort_unstable_by(|a, b| (a.day, a.event_id).cmp(&(b.day, b.event_id)));
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(vec![EventCounts::default(); calls.len()]);
    };
    let chunk = chunk::open(tx, marketplace, first.day..=last.day, now).await?;
    let query = format!("{} RETURNING day, event_id", statement(tx.backend()));
    let mut stored = HashSet::new();
    for part in rows.chunks(PART) {
        let values = [marketplace.as_str().into(), chunk.into(), sql::rows(part)];
        stored.extend(
            tx.all::<Stored>(query.as_str(), values)
                .await?
                .into_iter()
                .map(Stored::key),
        );
    }
    chunk::close(tx, chunk, stored.len() as u64).await?;
    Ok(calls.iter().map(|events| share(events, &mut stored)).collect())
}

/// What of `stored` a call stored; it is taken out, since nobody else did.
fn share(events: &[Event], stored: &mut HashSet<(i32, String)>) -> EventCounts {
    let mut counts = EventCounts::default();
    for event in events {
        if stored.remove(&(event.time.day(), event.id.as_str().to_owned())) {
            counts.stored += 1;
        } else {
            counts.duplicates += 1;
        }
    }
    counts
}

/// Whether all events can be stored.
pub(super) fn check(events: &[Event]) -> Result<()> {
    events.iter().try_for_each(|event| Row::of(event).map(drop))
}

/// With `$1` for the marketplace, `$2` for the chunk and `$3` for the rows.
fn statement(backend: DbBackend) -> String {
    format!(
        "INSERT INTO events (marketplace_id, day, event_id, kind, product_id, user_id, group_id, scene_id, quantity,
             unit_price, time_ms, generated, chunk_id)
         SELECT $1, day, event_id, kind, product_id, user_id, group_id, scene_id, quantity,
             unit_price, time_ms, generated, $2 FROM {} WHERE true
         ON CONFLICT (marketplace_id, day, event_id) DO NOTHING",
        EVENTS.table(backend, "$3")
    )
}

#[derive(FromQueryResult)]
struct Stored {
    day: i32,
    event_id: String,
}

impl Stored {
    fn key(self) -> (i32, String) {
        (self.day, self.event_id)
    }
}

impl<'e> Row<'e> {
    fn of(event: &'e Event) -> Result<Self> {
        // Sums over many lines must stay inside 64 bits.
        let price = event.unit_price.map_or(0, Money::minor);
        if price.saturating_abs().saturating_mul(i64::from(event.quantity)) > Money::MAX_PRICE.minor() {
            return Err(StoreError::OutOfRange {
                what: "quantity times unit price",
            });
        }
        Ok(Self {
            day: event.time.day(),
            event_id: event.id.as_str(),
            kind: event.kind.code(),
            product_id: event.product.as_str(),
            user_id: event.user.as_deref(),
            group_id: event.group.as_deref(),
            scene_id: event.scene.as_ref().map(AsRef::as_ref),
            quantity: event.quantity,
            unit_price: event.unit_price.map(Money::minor),
            time_ms: event.time.as_ms(),
            generated: event.provenance == Provenance::Generated,
        })
    }
}
