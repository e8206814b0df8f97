//! Chunks: what one transaction stored.

use std::ops::RangeInclusive;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;

use super::Pending;
use crate::entity::{signed, unsigned};
use crate::error::{Result, StoreError};
use crate::sql;
use crate::write::Tx;

/// Opens a chunk of so many rows; returns its id.
pub(super) async fn open(
    tx: &Tx,
    marketplace: &MarketplaceId,
    days: RangeInclusive<i32>,
    events: u64,
    now: Timestamp,
) -> Result<i64> {
    let id = tx
        .number(
            "INSERT INTO event_chunks (marketplace_id, events, first_day, last_day, recorded_ms)
             VALUES ($1, $2, $3, $4, $5) RETURNING chunk_id",
            [
                marketplace.as_str().into(),
                signed("events", events)?.into(),
                (*days.start()).into(),
                (*days.end()).into(),
                now.as_ms().into(),
            ],
        )
        .await?;
    id.ok_or_else(|| StoreError::Corrupt {
        what: "chunk",
        why: "it got no id".to_owned(),
    })
}

/// Chunks that a watermark covers, as runs of ids: whatever commits later is not among them.
#[derive(Debug, Clone, Default)]
pub(super) struct Covered {
    /// First and last id of each run, ascending.
    runs: Vec<(i64, i64)>,
}

#[derive(FromQueryResult)]
struct Run {
    first: i64,
    last: i64,
}

impl Covered {
    pub(super) async fn fetch<C: ConnectionTrait>(
        conn: &C,
        marketplace: &MarketplaceId,
        batches: &RangeInclusive<u64>,
    ) -> Result<Self> {
        // Ids in a row keep the same distance from their rank.
        let runs: Vec<Run> = sql::all(
            conn,
            "SELECT CAST(min(chunk_id) AS bigint) AS first, CAST(max(chunk_id) AS bigint) AS last
             FROM (SELECT chunk_id, chunk_id - row_number() OVER (ORDER BY chunk_id) AS run
                   FROM event_chunks WHERE marketplace_id = $1 AND batch_no BETWEEN $2 AND $3) AS ranked
             GROUP BY run ORDER BY first",
            [
                marketplace.as_str().into(),
                number(*batches.start()),
                number(*batches.end()),
            ],
        )
        .await?;
        Ok(Self {
            runs: runs.into_iter().map(|run| (run.first, run.last)).collect(),
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(super) fn contains(&self, chunk: i64) -> bool {
        let after = self.runs.partition_point(|(first, _)| *first <= chunk);
        after.checked_sub(1).is_some_and(|at| chunk <= self.runs[at].1)
    }
}

/// A number in its column; none is as high as the highest there.
fn number(batch: u64) -> Value {
    i64::try_from(batch).unwrap_or(i64::MAX).into()
}

/// A chunk with the days of its events.
#[derive(FromQueryResult)]
pub(super) struct Numbered {
    pub(super) chunk_id: i64,
    pub(super) events: i64,
    pub(super) first_day: i32,
    pub(super) last_day: i32,
}

/// The chunks of some batches, by id.
pub(super) async fn numbered<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    batches: &RangeInclusive<u64>,
) -> Result<Vec<Numbered>> {
    sql::all(
        conn,
        "SELECT chunk_id, events, first_day, last_day FROM event_chunks
         WHERE marketplace_id = $1 AND batch_no BETWEEN $2 AND $3 ORDER BY chunk_id",
        [
            marketplace.as_str().into(),
            number(*batches.start()),
            number(*batches.end()),
        ],
    )
    .await
}

pub(super) async fn pending<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    after_batch: u64,
) -> Result<Pending> {
    #[derive(FromQueryResult)]
    struct Row {
        events: Option<i64>,
        since_ms: Option<i64>,
    }
    let row: Option<Row> = sql::one(
        conn,
        "SELECT CAST(sum(events) AS bigint) AS events, min(recorded_ms) AS since_ms FROM event_chunks
         WHERE marketplace_id = $1 AND batch_no > $2",
        [marketplace.as_str().into(), number(after_batch)],
    )
    .await?;
    let Some(row) = row else {
        return Ok(Pending::default());
    };
    Ok(Pending {
        events: unsigned("events", row.events.unwrap_or_default())?,
        since: row.since_ms.map(Timestamp::from_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::Covered;

    #[test]
    fn a_chunk_is_covered_inside_a_run_only() {
        let covered = Covered {
            runs: vec![(2, 4), (7, 7)],
        };
        let inside: Vec<_> = (0..10).filter(|chunk| covered.contains(*chunk)).collect();
        assert_eq!(inside, [2, 3, 4, 7]);
        assert!(!Covered::default().contains(1));
    }
}
