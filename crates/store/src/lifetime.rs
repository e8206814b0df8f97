//! Rows that are kept for a time: swept in bounded batches, by whoever is told how long.
//!
//! Several sweeps may run at once; each takes what no other one holds.

use tandem_domain::clock::Timestamp;

use crate::Store;
use crate::entity::{signed, unsigned};
use crate::error::Result;
use crate::sql;

/// What is kept for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Answers to request ids: a repeated call finds its first answer this long.
    RequestIds,
    /// Keys of applied deltas: a repeated delta changes nothing this long.
    StockDeltas,
    /// Changes that no worker could project.
    DeadLetters,
    /// Jobs that ended, each as old as its last lease.
    EndedJobs,
    /// How far imports came that broke off: one that goes on finds its place this long.
    ImportProgress,
}

impl Kept {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::RequestIds,
        Self::StockDeltas,
        Self::DeadLetters,
        Self::EndedJobs,
        Self::ImportProgress,
    ];

    /// Its table.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::RequestIds => "request_ids",
            Self::StockDeltas => "stock_deltas",
            Self::DeadLetters => "dead_letters",
            Self::EndedJobs => "jobs",
            Self::ImportProgress => "import_progress",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::RequestIds => "marketplace_id, shop_id, subject, method, request_id",
            Self::StockDeltas => "marketplace_id, shop_id, sku_id, pool, source, idempotency_key",
            Self::DeadLetters => "dead_letter_id",
            Self::EndedJobs => "job_id",
            Self::ImportProgress => "marketplace_id, file",
        }
    }

    const fn time(self) -> &'static str {
        match self {
            Self::RequestIds | Self::DeadLetters => "created_ms",
            Self::StockDeltas => "applied_ms",
            Self::EndedJobs => "lease_until_ms",
            Self::ImportProgress => "updated_ms",
        }
    }

    /// Which of its rows have a lifetime.
    const fn condition(self) -> &'static str {
        match self {
            Self::EndedJobs => "state IN ('succeeded', 'failed')",
            Self::RequestIds | Self::StockDeltas | Self::DeadLetters | Self::ImportProgress => "TRUE",
        }
    }
}

impl Store {
    /// Deletes up to `max` rows of `kept` that are older than `before`, the oldest first; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self, kept: Kept, before: Timestamp, max: u32) -> Result<u64> {
        let (table, key, time, condition) = (kept.table(), kept.key(), kept.time(), kept.condition());
        self.transaction("sweep", |tx| async move {
            let locked = sql::locking(tx.backend(), "FOR UPDATE SKIP LOCKED");
            let query = format!(
                "DELETE FROM {table} WHERE ({key}) IN
                 (SELECT {key} FROM {table} WHERE {time} < $1 AND {condition} ORDER BY {time} LIMIT $2 {locked})"
            );
            tx.execute(query, [before.as_ms().into(), i64::from(max).into()])
                .await
        })
        .await
    }

    /// The number of the newest row of the outbox, for [`sweep_outbox`](Self::sweep_outbox); none while it is empty.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_in_outbox(&self) -> Result<Option<u64>> {
        self.read("look at the outbox", |db| async move {
            let newest = sql::number(
                &db,
                "SELECT outbox_id FROM outbox ORDER BY outbox_id DESC LIMIT 1",
                [],
            )
            .await?;
            newest.map(|id| unsigned("outbox", id)).transpose()
        })
        .await
    }

    /// Deletes up to `max` rows of the outbox with numbers up to `up_to`, the oldest first; returns how many. What they
    /// said stands in SQL, and only a full pass puts it into the projection after this.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_outbox(&self, up_to: u64, max: u32) -> Result<u64> {
        let up_to = signed("outbox", up_to)?;
        self.transaction("sweep the outbox", |tx| async move {
            let query = format!(
                "DELETE FROM outbox WHERE outbox_id IN
                 (SELECT outbox_id FROM outbox WHERE outbox_id <= $1 ORDER BY outbox_id LIMIT $2 {})",
                sql::locking(tx.backend(), "FOR UPDATE SKIP LOCKED")
            );
            tx.execute(query, [up_to.into(), i64::from(max).into()]).await
        })
        .await
    }
}
