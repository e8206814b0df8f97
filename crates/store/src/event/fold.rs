//! Giving chunks their batch numbers, and what is summed up from them.

use sea_orm::{DbBackend, FromQueryResult, Value};
use serde::Serialize;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::EventKind;
use tandem_domain::id::MarketplaceId;

use super::Folded;
use crate::counter::{self, Counter};
use crate::entity::{signed, unsigned};
use crate::error::Result;
use crate::sql::{self, Batch, Type};
use crate::write::Tx;

#[derive(FromQueryResult)]
struct Waiting {
    chunk_id: i64,
    events: i64,
    first_day: i32,
    last_day: i32,
}

const CHUNKS: Batch = Batch::of(&[("chunk_id", Type::Integer), ("batch_no", Type::Integer)]);

#[derive(Serialize)]
struct Numbered {
    chunk_id: i64,
    batch_no: i64,
}

pub(super) async fn fold(
    tx: &Tx,
    marketplace: &MarketplaceId,
    max_chunks: u32,
    now: Timestamp,
) -> Result<Folded> {
    // Raised by nothing, the counter is locked: from here on this is the only fold of the marketplace.
    let last = counter::raise(tx, marketplace, Counter::Batch, 0).await?;
    let waiting = waiting(tx, marketplace, max_chunks).await?;
    if waiting.is_empty() {
        return Ok(Folded {
            last_batch: last,
            ..Folded::default()
        });
    }
    let part = Part::of(&waiting, signed("batch", last)?);
    number(tx, &part, now).await?;
    fold_orders(tx, marketplace, &part).await?;
    fold_days(tx, marketplace, &part).await?;
    let last_batch = counter::raise(tx, marketplace, Counter::Batch, part.chunks.len() as i64).await?;
    let events = waiting.iter().map(|chunk| chunk.events).sum();
    Ok(Folded {
        batches: waiting.len() as u64,
        events: unsigned("events", events)?,
        last_batch,
    })
}

async fn waiting(tx: &Tx, marketplace: &MarketplaceId, max: u32) -> Result<Vec<Waiting>> {
    tx.all(
        "SELECT chunk_id, events, first_day, last_day FROM event_chunks
         WHERE marketplace_id = $1 AND batch_no IS NULL ORDER BY chunk_id LIMIT $2",
        [marketplace.as_str().into(), i64::from(max).into()],
    )
    .await
}

/// The chunks of one fold.
struct Part {
    chunks: Vec<Numbered>,
    first_day: i32,
    last_day: i32,
}

impl Part {
    fn of(waiting: &[Waiting], last: i64) -> Self {
        let number = |(chunk, batch_no): (&Waiting, i64)| Numbered {
            chunk_id: chunk.chunk_id,
            batch_no,
        };
        Self {
            chunks: waiting.iter().zip(last + 1..).map(number).collect(),
            first_day: waiting
                .iter()
                .map(|chunk| chunk.first_day)
                .min()
                .unwrap_or_default(),
            last_day: waiting
                .iter()
                .map(|chunk| chunk.last_day)
                .max()
                .unwrap_or_default(),
        }
    }

    /// The rows of the chunks, as `e`. With `$1` for the marketplace, `$2` for the chunks, `$3` and `$4` for the days.
    fn rows(backend: DbBackend) -> String {
        let chunks = CHUNKS.outer(backend, "$2");
        match backend {
            // By the index on chunks: with days to go by, SQLite would rather read all rows of those days.
            DbBackend::Sqlite => format!("{chunks} JOIN events e ON e.chunk_id = batch.chunk_id"),
            // The days leave out the partitions that cannot hold any.
            _ => format!(
                "{chunks} JOIN events e ON e.chunk_id = batch.chunk_id AND e.marketplace_id = $1
                 AND e.day BETWEEN $3 AND $4"
            ),
        }
    }

    fn values(&self, marketplace: &MarketplaceId) -> [Value; 4] {
        [
            marketplace.as_str().into(),
            sql::rows(&self.chunks),
            self.first_day.into(),
            self.last_day.into(),
        ]
    }
}

async fn number(tx: &Tx, part: &Part, now: Timestamp) -> Result<()> {
    let query = format!(
        "UPDATE event_chunks SET batch_no = batch.batch_no, numbered_ms = $2
         FROM {} WHERE event_chunks.chunk_id = batch.chunk_id",
        CHUNKS.table(tx.backend(), "$1")
    );
    tx.execute(query, [sql::rows(&part.chunks), now.as_ms().into()])
        .await?;
    Ok(())
}

/// Order headers: the first line says when, any line that knows it says by whom.
async fn fold_orders(tx: &Tx, marketplace: &MarketplaceId, part: &Part) -> Result<()> {
    let query = format!(
        "INSERT INTO orders (marketplace_id, order_id, user_id, placed_ms, day, lines)
         SELECT $1, e.group_id, max(e.user_id), min(e.time_ms), min(e.day), count(*) FROM {}
         WHERE e.kind = $5 AND e.group_id IS NOT NULL GROUP BY e.group_id ORDER BY e.group_id
         ON CONFLICT (marketplace_id, order_id) DO UPDATE SET
         user_id = COALESCE(orders.user_id, excluded.user_id),
         placed_ms = CASE WHEN excluded.placed_ms < orders.placed_ms THEN excluded.placed_ms ELSE orders.placed_ms END,
         day = CASE WHEN excluded.day < orders.day THEN excluded.day ELSE orders.day END,
         lines = orders.lines + excluded.lines",
        Part::rows(tx.backend())
    );
    let purchase = Value::from(i16::from(EventKind::Purchase.code()));
    tx.execute(query, part.values(marketplace).into_iter().chain([purchase]))
        .await?;
    Ok(())
}

async fn fold_days(tx: &Tx, marketplace: &MarketplaceId, part: &Part) -> Result<()> {
    let query = format!(
        "INSERT INTO daily_counts (marketplace_id, day, product_id, kind, events, quantity, revenue)
         SELECT $1, e.day, e.product_id, e.kind, count(*), CAST(sum(e.quantity) AS bigint),
             CAST(sum(e.quantity * COALESCE(e.unit_price, 0)) AS bigint) FROM {}
         WHERE true GROUP BY e.day, e.product_id, e.kind
         ON CONFLICT (marketplace_id, day, product_id, kind) DO UPDATE SET
         events = daily_counts.events + excluded.events,
         quantity = daily_counts.quantity + excluded.quantity,
         revenue = daily_counts.revenue + excluded.revenue",
        Part::rows(tx.backend())
    );
    tx.execute(query, part.values(marketplace)).await?;
    Ok(())
}
