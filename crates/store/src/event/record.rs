//! Storing events.

use std::collections::HashSet;

use sea_orm::{DbBackend, FromQueryResult, Value};
use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::Event;
use tandem_domain::id::MarketplaceId;
use tandem_domain::money::Money;

use super::{EventCounts, chunk};
use crate::error::{Result, StoreError};
use crate::write::Tx;

struct Row<'e> {
    day: i32,
    event_id: &'e str,
    kind: i16,
    product_id: &'e str,
    user_id: Option<&'e str>,
    group_id: Option<&'e str>,
    scene_id: Option<&'e str>,
    quantity: i64,
    unit_price: Option<i64>,
    time_ms: i64,
    generated: bool,
}

const COLUMNS: &str =
    "marketplace_id, day, event_id, kind, product_id, user_id, group_id, scene_id, quantity,
    unit_price, time_ms, generated, chunk_id";
const WIDTH: usize = 13;

/// Rows per statement, largest first: a few statements that stay prepared serve any number of rows. Bound one by one,
/// rows of this table take a third of the time that they take as JSON; 512 of them stay below SQLite's limit of 32,766
/// parameters.
const BLOCKS: [usize; 4] = [512, 64, 8, 1];

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
    let mut stored = 0;
    for block in blocks(&rows) {
        let values = block.iter().flat_map(|row| row.values(marketplace, chunk));
        stored += tx.execute(statement(tx.backend(), block.len()), values).await?;
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
    let mut stored = HashSet::new();
    for block in blocks(&rows) {
        let query = format!("{} RETURNING day, event_id", statement(tx.backend(), block.len()));
        let values = block.iter().flat_map(|row| row.values(marketplace, chunk));
        let new: Vec<Stored> = tx.all(query, values).await?;
        stored.extend(new.into_iter().map(Stored::key));
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

/// All of `rows`, in slices as long as some block.
fn blocks<'r, 'e>(mut rows: &'r [Row<'e>]) -> impl Iterator<Item = &'r [Row<'e>]> {
    std::iter::from_fn(move || {
        let length = BLOCKS.into_iter().find(|length| *length <= rows.len())?;
        let (block, rest) = rows.split_at(length);
        rows = rest;
        Some(block)
    })
}

fn statement(backend: DbBackend, rows: usize) -> String {
    let row = |at: usize| match backend {
        // SQLite looks numbered parameters up by name, one after the other.
        DbBackend::Sqlite => format!("({})", ["?"; WIDTH].join(", ")),
        _ => {
            let numbers: Vec<_> = (1..=WIDTH)
                .map(|column| format!("${}", at * WIDTH + column))
                .collect();
            format!("({})", numbers.join(", "))
        }
    };
    let rows: Vec<_> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO events ({COLUMNS}) VALUES {} ON CONFLICT (marketplace_id, day, event_id) DO NOTHING",
        rows.join(", ")
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
            kind: event.kind.code().into(),
            product_id: event.product.as_str(),
            user_id: event.user.as_deref(),
            group_id: event.group.as_deref(),
            scene_id: event.scene.as_ref().map(AsRef::as_ref),
            quantity: event.quantity.into(),
            unit_price: event.unit_price.map(Money::minor),
            time_ms: event.time.as_ms(),
            generated: event.provenance == Provenance::Generated,
        })
    }

    fn values(&self, marketplace: &MarketplaceId, chunk: i64) -> [Value; WIDTH] {
        [
            marketplace.as_str().into(),
            self.day.into(),
            self.event_id.into(),
            self.kind.into(),
            self.product_id.into(),
            self.user_id.into(),
            self.group_id.into(),
            self.scene_id.into(),
            self.quantity.into(),
            self.unit_price.into(),
            self.time_ms.into(),
            self.generated.into(),
            chunk.into(),
        ]
    }
}
