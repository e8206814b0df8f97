//! Handing changes over.

use std::error::Error;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, FromQueryResult, TransactionTrait as _};
use serde::Serialize;
use tandem_domain::change::Envelope;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;

use crate::Store;
use crate::connect::Pool;
use crate::dead_letter::{self, Undeliverable};
use crate::entity::{from_json, stored, to_json, unsigned};
use crate::error::{Missing, Result, StoreError};
use crate::sql::{self, Batch, Type};
use crate::text::Text;

/// What a pass of the relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relayed {
    /// Changes that were handed over and are gone from the outbox.
    pub sent: u64,
    /// Rows that can never be handed over and wait among the dead letters now.
    pub set_aside: u64,
    /// Whether more are likely to wait: the pass was full.
    pub remaining_hint: bool,
}

impl Store {
    /// Hands up to `max` changes to `publish`, grouped by marketplace and oldest first, and deletes them when it
    /// returned `Ok`. A change may be handed over again after a crash, and in another order. Rows that cannot be read, or
    /// are of no marketplace, become dead letters of the time `now`, so that they hold up nothing.
    ///
    /// On PostgreSQL any number of relays share the work: each locks the rows that it takes. On SQLite one relay per
    /// file is meant to run; the rows are not locked, since that would stop every writer until they are published, so
    /// a second relay would send the same changes again, which is harmless.
    ///
    /// # Errors
    /// [`StoreError::Publish`] with what `publish` returned, or when the database fails; the changes stay then.
    pub async fn relay_outbox<F, Fut, E>(&self, max: u32, now: Timestamp, publish: F) -> Result<Relayed>
    where
        F: FnOnce(Vec<Envelope>) -> Fut + Send,
        Fut: Future<Output = Result<(), E>> + Send,
        E: Error + Send + Sync + 'static,
    {
        let relayed = match &self.0.pool {
            Pool::Sqlite { .. } => self.relay_unlocked(max, now, publish).await,
            Pool::Postgres { .. } => self.relay_locked(max, now, publish).await,
        };
        relayed.map_err(|error| error.during("relay the outbox"))
    }

    async fn relay_unlocked<F, Fut, E>(&self, max: u32, now: Timestamp, publish: F) -> Result<Relayed>
    where
        F: FnOnce(Vec<Envelope>) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Error + Send + Sync + 'static,
    {
        let mut pass = Pass::of(sql::all(&self.0.reads, LOOK, [i64::from(max).into()]).await?, max);
        if pass.is_empty() {
            return Ok(pass.relayed());
        }
        pass.hand_over(publish).await?;
        let pass = &pass;
        self.transaction("relay the outbox", |tx| async move {
            pass.keep_letters(tx.conn(), now).await?;
            delete(tx.conn(), &pass.keys).await
        })
        .await?;
        Ok(pass.relayed())
    }

    async fn relay_locked<F, Fut, E>(&self, max: u32, now: Timestamp, publish: F) -> Result<Relayed>
    where
        F: FnOnce(Vec<Envelope>) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Error + Send + Sync + 'static,
    {
        self.require_schema().await?;
        // Not through `transaction`, which may run its body twice; what leaves early is rolled back.
        let tx = self.0.pool.relays().begin().await?;
        let mut pass = Pass::of(sql::all(&tx, take(max), []).await?, max);
        if pass.is_empty() {
            return Ok(pass.relayed());
        }
        if let Err(error) = pass.hand_over(publish).await {
            // Not left to the drop, which would keep the rows from the next pass for a moment.
            tx.rollback().await?;
            return Err(error);
        }
        pass.keep_letters(&tx, now).await?;
        tx.commit().await?;
        Ok(pass.relayed())
    }
}

/// The oldest rows. The epoch is that of the moment: what a restored backup still had to send belongs to the new one.
const LOOK: &str = "SELECT o.outbox_id, o.marketplace_id, o.traceparent, o.change, m.store_epoch
     FROM outbox o LEFT JOIN marketplaces m ON m.marketplace_id = o.marketplace_id
     ORDER BY o.outbox_id LIMIT $1";

/// The same of those that no other relay holds, deleted with the transaction that asks: one way to the server between a
/// change that was committed and the word of it. They are named by their keys in one array, for which the server looks in
/// the index: what it cannot know the number of it would join by reading the whole table, with all that was taken before.
/// How many is written out: the server plans a limit that it is only told with each call at every call.
fn take(max: u32) -> String {
    format!(
        "DELETE FROM outbox o
         WHERE o.outbox_id = ANY (ARRAY(
             SELECT outbox_id FROM outbox ORDER BY outbox_id LIMIT {max} FOR UPDATE SKIP LOCKED))
         RETURNING o.outbox_id, o.marketplace_id, o.traceparent, o.change,
             (SELECT m.store_epoch FROM marketplaces m WHERE m.marketplace_id = o.marketplace_id) AS store_epoch"
    )
}

/// The rows of one pass.
struct Pass {
    keys: Vec<Key>,
    /// What can be handed over, grouped by marketplace.
    envelopes: Vec<Envelope>,
    /// What cannot, with the marketplace that it names.
    refused: Vec<(String, Undeliverable)>,
    max: u32,
}

#[derive(FromQueryResult)]
struct Row {
    outbox_id: i64,
    marketplace_id: Text,
    traceparent: Text,
    change: Text,
    /// None where there is no such marketplace.
    store_epoch: Option<i64>,
}

impl Pass {
    fn of(mut rows: Vec<Row>, max: u32) -> Self {
        // What is taken comes in no order.
        rows.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut pass = Self {
            keys: Vec::with_capacity(rows.len()),
            envelopes: Vec::with_capacity(rows.len()),
            refused: Vec::new(),
            max,
        };
        for row in rows {
            let outbox_id = row.outbox_id;
            pass.keys.push(Key { outbox_id });
            match row.envelope() {
                Ok(envelope) => pass.envelopes.push(envelope),
                Err(why) => pass.refused.push(row.undeliverable(&why)),
            }
        }
        pass
    }

    fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn relayed(&self) -> Relayed {
        Relayed {
            sent: (self.keys.len() - self.refused.len()) as u64,
            set_aside: self.refused.len() as u64,
            remaining_hint: self.keys.len() as u64 >= u64::from(self.max),
        }
    }

    async fn hand_over<F, Fut, E>(&mut self, publish: F) -> Result<()>
    where
        F: FnOnce(Vec<Envelope>) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Error + Send + Sync + 'static,
    {
        let envelopes = std::mem::take(&mut self.envelopes);
        if envelopes.is_empty() {
            return Ok(());
        }
        publish(envelopes).await.map_err(|error| StoreError::Publish {
            source: Arc::new(error),
        })
    }

    /// Sets aside what can never be handed over.
    async fn keep_letters<C: ConnectionTrait>(&self, conn: &C, now: Timestamp) -> Result<()> {
        for (marketplace, letter) in &self.refused {
            dead_letter::keep(conn, marketplace, letter, now).await?;
        }
        Ok(())
    }
}

impl Row {
    fn order(&self) -> (&str, i64) {
        (self.marketplace_id.readable(), self.outbox_id)
    }

    fn envelope(&self) -> Result<Envelope> {
        let id = MarketplaceId::new(self.marketplace_id.whole("marketplace")?);
        let marketplace = stored("marketplace", id)?;
        let Some(epoch) = self.store_epoch else {
            return Err(StoreError::NotFound(Missing::Marketplace(marketplace)));
        };
        Ok(Envelope {
            marketplace,
            store_epoch: unsigned("store epoch", epoch)?,
            // What cannot be read of it leaves a change untraced, which is no reason to keep it.
            traceparent: self
                .traceparent
                .whole("traceparent")
                .unwrap_or_default()
                .to_owned(),
            change: from_json("change", self.change.whole("change")?)?,
        })
    }

    /// The letter that keeps it, with the marketplace that it names. Where there is none, it is of no epoch.
    fn undeliverable(self, why: &StoreError) -> (String, Undeliverable) {
        let letter = Undeliverable {
            store_epoch: self
                .store_epoch
                .and_then(|epoch| epoch.try_into().ok())
                .unwrap_or(0),
            traceparent: self.traceparent.readable().to_owned(),
            // Only what was written may be taken for a change.
            change: match &self.change {
                Text::Whole(change) => change.clone(),
                garbled => to_json(garbled),
            },
            attempts: 1,
            reason: why.to_string(),
        };
        (self.marketplace_id.readable().to_owned(), letter)
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
