//! Giving chunks their batch numbers, and what is summed up from them.

use sea_orm::{DbBackend, FromQueryResult};
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

/// A chunk that waits for its number, or has just got it.
#[derive(FromQueryResult, Serialize)]
struct Chunk {
    chunk_id: i64,
    #[sea_orm(skip)]
    batch_no: i64,
    events: i64,
    first_day: i32,
    last_day: i32,
}

const CHUNKS: Batch = Batch::of(&[
    ("chunk_id", Type::Integer),
    ("batch_no", Type::Integer),
    ("first_day", Type::Integer),
    ("last_day", Type::Integer),
]);

pub(super) async fn fold(
    tx: &Tx,
    marketplace: &MarketplaceId,
    max_chunks: u32,
    now: Timestamp,
) -> Result<Folded> {
    // Raised by nothing, the counter is locked: from here on this is the only fold of the marketplace.
    let last = counter::raise(tx, marketplace, Counter::Batch, 0).await?;
    let mut chunks = waiting(tx, marketplace, max_chunks).await?;
    if chunks.is_empty() {
        return Ok(Folded {
            last_batch: last,
            ..Folded::default()
        });
    }
    for (chunk, batch_no) in chunks.iter_mut().zip(signed("batch", last)? + 1..) {
        chunk.batch_no = batch_no;
    }
    number(tx, &chunks, now).await?;
    fold_orders(tx, marketplace, &chunks).await?;
    fold_days(tx, marketplace, &chunks).await?;
    let last_batch = counter::raise(tx, marketplace, Counter::Batch, chunks.len() as i64).await?;
    let events = chunks.iter().map(|chunk| chunk.events).sum();
    Ok(Folded {
        batches: chunks.len() as u64,
        events: unsigned("events", events)?,
        last_batch,
    })
}

async fn waiting(tx: &Tx, marketplace: &MarketplaceId, max: u32) -> Result<Vec<Chunk>> {
    tx.all(
        "SELECT chunk_id, events, first_day, last_day FROM event_chunks
         WHERE marketplace_id = $1 AND batch_no IS NULL ORDER BY chunk_id LIMIT $2",
        [marketplace.as_str().into(), i64::from(max).into()],
    )
    .await
}

async fn number(tx: &Tx, chunks: &[Chunk], now: Timestamp) -> Result<()> {
    let query = format!(
        "UPDATE event_chunks SET batch_no = batch.batch_no, numbered_ms = $2
         FROM {} WHERE event_chunks.chunk_id = batch.chunk_id",
        CHUNKS.table(tx.backend(), "$1")
    );
    tx.execute(query, [sql::rows(chunks), now.as_ms().into()]).await?;
    Ok(())
}

/// The rows of the chunks in `$2`, as `e`.
fn rows(backend: DbBackend) -> String {
    let of_chunk = match backend {
        // By the index on chunks: with days to go by, SQLite would rather read all rows of those days.
        DbBackend::Sqlite => "e.chunk_id = batch.chunk_id",
        // The days leave out the partitions that cannot hold any.
        _ => "e.chunk_id = batch.chunk_id AND e.day BETWEEN batch.first_day AND batch.last_day",
    };
    format!(
        "{} {}",
        CHUNKS.table(backend, "$2"),
        sql::lookup(backend, "events e", of_chunk)
    )
}

/// Order headers: the first line says when, any line that knows it says by whom.
async fn fold_orders(tx: &Tx, marketplace: &MarketplaceId, chunks: &[Chunk]) -> Result<()> {
    let query = format!(
        "INSERT INTO orders (marketplace_id, order_id, user_id, placed_ms, day, lines)
         SELECT $1, e.group_id, max(e.user_id), min(e.time_ms), min(e.day), count(*) FROM {}
         WHERE e.kind = $3 AND e.group_id IS NOT NULL GROUP BY e.group_id ORDER BY e.group_id
         ON CONFLICT (marketplace_id, order_id) DO UPDATE SET
         user_id = COALESCE(orders.user_id, excluded.user_id),
         placed_ms = CASE WHEN excluded.placed_ms < orders.placed_ms THEN excluded.placed_ms ELSE orders.placed_ms END,
         day = CASE WHEN excluded.day < orders.day THEN excluded.day ELSE orders.day END,
         lines = orders.lines + excluded.lines",
        rows(tx.backend())
    );
    let purchase = i16::from(EventKind::Purchase.code());
    tx.execute(
        query,
        [marketplace.as_str().into(), sql::rows(chunks), purchase.into()],
    )
    .await?;
    Ok(())
}

async fn fold_days(tx: &Tx, marketplace: &MarketplaceId, chunks: &[Chunk]) -> Result<()> {
    let query = format!(
        "INSERT INTO daily_counts (marketplace_id, day, product_id, kind, events, quantity, revenue)
         SELECT $1, e.day, e.product_id, e.kind, count(*), CAST(sum(e.quantity) AS bigint),
             CAST(sum(e.quantity * COALESCE(e.unit_price, 0)) AS bigint) FROM {}
         WHERE true GROUP BY e.day, e.product_id, e.kind
         ON CONFLICT (marketplace_id, day, product_id, kind) DO UPDATE SET
         events = daily_counts.events + excluded.events,
         quantity = daily_counts.quantity + excluded.quantity,
         revenue = daily_counts.revenue + excluded.revenue",
        rows(tx.backend())
    );
    tx.execute(query, [marketplace.as_str().into(), sql::rows(chunks)])
        .await?;
    Ok(())
}
