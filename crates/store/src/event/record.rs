//! Storing events.

use std::collections::HashSet;

use sea_orm::{DbBackend, FromQueryResult, Value};
use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, MAX_DWELL_MS};
use tandem_domain::id::MarketplaceId;
use tandem_domain::money::Money;

use super::{EventCounts, chunk, retire};
use crate::entity::to_json;
use crate::error::{Result, StoreError};
use crate::sql;
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
    attribution: Option<String>,
    dwell_ms: Option<i32>,
}

const ID: Table = Table {
    name: "event_ids",
    columns: "marketplace_id, event_id",
    width: 2,
};

const EVENT: Table = Table {
    name: "events",
    columns:
        "marketplace_id, day, event_id, kind, product_id, user_id, group_id, scene_id, quantity, unit_price,
        time_ms, generated, chunk_id, attribution, dwell_ms",
    width: WIDTH,
};

const WIDTH: usize = 15;

/// A table that rows are bound into.
struct Table {
    name: &'static str,
    columns: &'static str,
    width: usize,
}

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
    let counts = insert_each(tx, marketplace, &[events], now).await?;
    Ok(counts.first().copied().unwrap_or_default())
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
    rows.sort_by_key(|row| row.event_id);
    rows.dedup_by_key(|row| row.event_id);
    let mut new = claim(tx, marketplace, &rows).await?;
    rows.retain(|row| new.contains(row.event_id));
    // Looked at behind the claim, which waits for whoever lets a day go with the ids that are claimed here anew.
    let kept_from = retire::kept_from(tx, marketplace).await?;
    let (expired, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.day < kept_from);
    disclaim(tx, marketplace, &expired, &mut new).await?;
    write(tx, marketplace, rows, now).await?;
    let shares = calls.iter().map(|events| share(events, kept_from, &mut new));
    Ok(shares.collect())
}

/// Takes the ids that nobody took before. They come in order, so that two writers of the same ids do not deadlock.
async fn claim(tx: &Tx, marketplace: &MarketplaceId, rows: &[Row<'_>]) -> Result<HashSet<String>> {
    let mut new = HashSet::with_capacity(rows.len());
    for block in blocks(rows) {
        let query = format!(
            "{} ON CONFLICT (marketplace_id, event_id) DO NOTHING RETURNING event_id",
            ID.insert(tx.backend(), block.len())
        );
        let values = block
            .iter()
            .flat_map(|row| [marketplace.as_str().into(), row.event_id.into()]);
        let ids: Vec<NewId> = tx.all(query, values).await?;
        new.extend(ids.into_iter().map(|row| row.event_id));
    }
    Ok(new)
}

/// Gives back ids that were just claimed.
async fn disclaim(
    tx: &Tx,
    marketplace: &MarketplaceId,
    rows: &[Row<'_>],
    new: &mut HashSet<String>,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids = rows.iter().map(|row| row.event_id);
    let query = format!(
        "DELETE FROM event_ids WHERE marketplace_id = $1 AND {}",
        sql::is_one_of(tx.backend(), "event_id", "$2")
    );
    tx.execute(query, [marketplace.as_str().into(), sql::ids(ids.clone())])
        .await?;
    for id in ids {
        new.remove(id);
    }
    Ok(())
}

/// Rows in the order of their key, so that pages fill one after the other.
async fn write(tx: &Tx, marketplace: &MarketplaceId, mut rows: Vec<Row<'_>>, now: Timestamp) -> Result<()> {
    rows.sort_unstable_by_key(|row| (row.day, row.event_id));
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(());
    };
    let chunk = chunk::open(tx, marketplace, first.day..=last.day, rows.len() as u64, now).await?;
    for block in blocks(&rows) {
        let values = block.iter().flat_map(|row| row.values(marketplace, chunk));
        tx.execute(EVENT.insert(tx.backend(), block.len()), values)
            .await?;
    }
    Ok(())
}

/// What of `new` a call stored; it is taken out, since nobody else did.
fn share(events: &[Event], kept_from: i32, new: &mut HashSet<String>) -> EventCounts {
    let mut counts = EventCounts::default();
    for event in events {
        let count = if new.remove(event.id.as_str()) {
            &mut counts.stored
        } else if event.time.day() < kept_from {
            &mut counts.expired
        } else {
            &mut counts.duplicates
        };
        *count += 1;
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

impl Table {
    /// The statement that inserts so many rows.
    fn insert(&self, backend: DbBackend, rows: usize) -> String {
        let row = |at: usize| match backend {
            // SQLite looks numbered parameters up by name, one after the other.
            DbBackend::Sqlite => format!("({})", vec!["?"; self.width].join(", ")),
            _ => {
                let numbers: Vec<_> = (1..=self.width)
                    .map(|column| format!("${}", at * self.width + column))
                    .collect();
                format!("({})", numbers.join(", "))
            }
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        format!(
            "INSERT INTO {} ({}) VALUES {}",
            self.name,
            self.columns,
            rows.join(", ")
        )
    }
}

#[derive(FromQueryResult)]
struct NewId {
    event_id: String,
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
            attribution: event.attribution.as_ref().map(to_json),
            dwell_ms: event
                .dwell_ms
                .map(|dwell_ms| dwell_ms.min(MAX_DWELL_MS).cast_signed()),
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
            self.attribution.as_deref().into(),
            self.dwell_ms.into(),
        ]
    }
}
