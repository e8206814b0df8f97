//! Handing changes over.

use std::error::Error;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, FromQueryResult, TransactionTrait as _};
use serde::Serialize;
use tandem_domain::change::Envelope;
use tandem_domain::id::MarketplaceId;

use crate::Store;
use crate::connect::Pool;
use crate::entity::{from_json, stored, unsigned};
use crate::error::{Result, StoreError};
use crate::sql::{self, Batch, Type};

/// What a pass of the relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relayed {
    /// Changes that were handed over and are gone from the outbox.
    pub sent: u64,
    /// Whether more are likely to wait: the pass was full.
    pub remaining_hint: bool,
}

impl Store {
    /// Hands up to `max` changes to `publish`, grouped by marketplace and oldest first, and deletes them when it
    /// returned `Ok`. A change may be handed over again after a crash, and in another order.
    ///
    /// On PostgreSQL any number of relays share the work: each locks the rows that it takes. On SQLite one relay per
    /// file is meant to run; the rows are not locked, since that would stop every writer until they are published, so
    /// a second relay would send the same changes again, which is harmless.
    ///
    /// # Errors
    /// [`StoreError::Publish`] with what `publish` returned, or when the database fails; the changes stay then.
    pub async fn relay_outbox<F, Fut, E>(&self, max: u32, publish: F) -> Result<Relayed>
    where
        F: FnOnce(Vec<Envelope>) -> Fut + Send,
        Fut: Future<Output = Result<(), E>> + Send,
        E: Error + Send + Sync + 'static,
    {
        let relayed = match &self.0.pool {
            Pool::Sqlite { .. } => self.relay_unlocked(max, publish).await,
            Pool::Postgres(_) => self.relay_locked(max, publish).await,
        };
        relayed.map_err(|error| error.during("relay the outbox"))
    }

    async fn relay_unlocked<F, Fut, E>(&self, max: u32, publish: F) -> Result<Relayed>
    where
        F: FnOnce(Vec<Envelope>) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Error + Send + Sync + 'static,
    {
        let pass = Pass::claim(&self.0.reads, max).await?;
        if pass.is_empty() {
            return Ok(pass.relayed());
        }
        let keys = pass.keys();
        let relayed = pass.hand_over(publish).await?;
        let keys = &keys;
        self.transaction(
            "relay the outbox",
            |tx| async move { delete(tx.conn(), keys).await },
        )
        .await?;
        Ok(relayed)
    }

    async fn relay_locked<F, Fut, E>(&self, max: u32, publish: F) -> Result<Relayed>
    where
        F: FnOnce(Vec<Envelope>) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Error + Send + Sync + 'static,
    {
        self.require_schema().await?;
        // Not through `transaction`, which may run its body twice; what leaves early is rolled back.
        let tx = self.0.pool.writes().begin().await?;
        tx.execute_unprepared(LET_GO).await?;
        let pass = Pass::claim(&tx, max).await?;
        if pass.is_empty() {
            return Ok(pass.relayed());
        }
        let keys = pass.keys();
        let relayed = match pass.hand_over(publish).await {
            Ok(relayed) => relayed,
            Err(error) => {
                // Not left to the drop, which would keep the rows from the next pass for a moment.
                tx.rollback().await?;
                return Err(error);
            }
        };
        delete(&tx, &keys).await?;
        tx.commit().await?;
        Ok(relayed)
    }
}

/// A relay that hangs between its claim and its commit must not keep the rows: another one relays them after this time,
/// which is shorter than the one after which gateways distrust their view, while heartbeats of others go on.
const LET_GO: &str = "SET LOCAL idle_in_transaction_session_timeout = '1s'";

/// The rows of one pass.
struct Pass {
    rows: Vec<Row>,
    max: u32,
}

#[derive(FromQueryResult)]
struct Row {
    outbox_id: i64,
    marketplace_id: String,
    traceparent: String,
    change: String,
    store_epoch: i64,
}

impl Pass {
    async fn claim<C: ConnectionTrait>(conn: &C, max: u32) -> Result<Self> {
        // The epoch is that of the moment: what a restored backup still had to send belongs to the new one.
        let query = format!(
            "SELECT o.outbox_id, o.marketplace_id, o.traceparent, o.change, m.store_epoch
             FROM outbox o JOIN marketplaces m ON m.marketplace_id = o.marketplace_id
             ORDER BY o.outbox_id LIMIT $1 {}",
            sql::locking(conn.get_database_backend(), "FOR UPDATE OF o SKIP LOCKED")
        );
        let rows = sql::all(conn, query, [i64::from(max).into()]).await?;
        Ok(Self { rows, max })
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn keys(&self) -> Vec<Key> {
        self.rows
            .iter()
            .map(|row| Key {
                outbox_id: row.outbox_id,
            })
            .collect()
    }

    fn relayed(&self) -> Relayed {
        Relayed {
            sent: self.rows.len() as u64,
            remaining_hint: self.rows.len() as u64 >= u64::from(self.max),
        }
    }

    async fn hand_over<F, Fut, E>(mut self, publish: F) -> Result<Relayed>
    where
        F: FnOnce(Vec<Envelope>) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Error + Send + Sync + 'static,
    {
        let relayed = self.relayed();
        // Stable: the order within a marketplace stays.
        self.rows.sort_by(|a, b| a.marketplace_id.cmp(&b.marketplace_id));
        let envelopes = self
            .rows
            .into_iter()
            .map(Envelope::try_from)
            .collect::<Result<_>>()?;
        publish(envelopes).await.map_err(|error| StoreError::Publish {
            source: Arc::new(error),
        })?;
        Ok(relayed)
    }
}

impl TryFrom<Row> for Envelope {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            marketplace: stored("marketplace", MarketplaceId::new(row.marketplace_id))?,
            store_epoch: unsigned("store epoch", row.store_epoch)?,
            traceparent: row.traceparent,
            change: from_json("change", &row.change)?,
        })
    }
}

const KEYS: Batch = Batch::of(&[("outbox_id", Type::Integer)]);

#[derive(Serialize)]
struct Key {
    outbox_id: i64,
}

async fn delete<C: ConnectionTrait>(conn: &C, keys: &[Key]) -> Result<()> {
    let query = format!(
        "DELETE FROM outbox WHERE outbox_id IN (SELECT batch.outbox_id FROM {})",
        KEYS.table(conn.get_database_backend(), "$1")
    );
    sql::execute(conn, query, [sql::rows(keys)]).await?;
    Ok(())
}
