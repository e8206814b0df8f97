//! Changes on their way to the projection.

mod relay;
mod wakeup;
mod word;

use serde::Serialize;
use tandem_domain::change::Change;
use tandem_domain::id::MarketplaceId;

use crate::Store;
use crate::counter::{self, Counter};
use crate::entity::{to_json, unsigned};
use crate::error::Result;
use crate::sql::{self, Batch, Type};
use crate::wake::Wake;
use crate::write::Tx;
pub use relay::Relayed;
pub use wakeup::Wakeups;

const CHANGES: Batch = Batch::of(&[("change", Type::Text)]);

#[derive(Serialize)]
struct Row {
    change: String,
}

/// Leaves changes for the relay, in the transaction that makes them.
pub(crate) async fn push(
    tx: &Tx,
    marketplace: &MarketplaceId,
    traceparent: &str,
    changes: &[Change],
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = changes
        .iter()
        .map(|change| Row {
            change: to_json(change),
        })
        .collect();
    let query = format!(
        "INSERT INTO outbox (marketplace_id, traceparent, change) SELECT $1, $2, change FROM {}",
        CHANGES.table(tx.backend(), "$3")
    );
    tx.execute(
        query,
        [marketplace.as_str().into(), traceparent.into(), sql::rows(&rows)],
    )
    .await?;
    tx.wake(Wake::Outbox);
    tx.say(marketplace, word::word(marketplace, traceparent, changes));
    Ok(())
}

impl Store {
    /// Changes of a marketplace that are committed and that no relay has sent yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_outbox(&self, marketplace: &MarketplaceId) -> Result<u64> {
        self.read("count the outbox", |db| async move {
            let query = "SELECT count(*) FROM outbox WHERE marketplace_id = $1";
            let count = sql::number(&db, query, [marketplace.as_str().into()]).await?;
            unsigned("count", count.unwrap_or(0))
        })
        .await
    }

    /// A sign of life: raises the marketplace's heartbeat counter and sends it along with the changes. Beats that
    /// nobody relayed yet become one.
    ///
    /// # Errors
    /// When there is no such marketplace or the database fails.
    pub async fn beat(&self, marketplace: &MarketplaceId) -> Result<u64> {
        self.transaction("beat", |tx| async move {
            tx.let_go().await?;
            let counter = counter::raise(&tx, marketplace, Counter::Heartbeat, 1).await?;
            // A beat that a relay holds right now is left to it: to wait for it would hold up the next one.
            let unclaimed = sql::locking(tx.backend(), "FOR UPDATE SKIP LOCKED");
            let replace = format!(
                "DELETE FROM outbox WHERE outbox_id IN
                 (SELECT outbox_id FROM outbox WHERE marketplace_id = $1 AND slot = 'heartbeat' {unclaimed})"
            );
            tx.execute(replace, [marketplace.as_str().into()]).await?;
            tx.execute(
                "INSERT INTO outbox (marketplace_id, slot, traceparent, change) VALUES ($1, 'heartbeat', '', $2)",
                [marketplace.as_str().into(), to_json(&Change::Heartbeat { counter }).into()],
            )
            .await?;
            tx.wake(Wake::Outbox);
            Ok(counter)
        })
        .await
    }
}
