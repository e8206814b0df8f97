//! Counts per marketplace that leave no gaps.

use sea_orm::ConnectionTrait;
use tandem_domain::id::MarketplaceId;

use crate::entity::unsigned;
use crate::error::{Missing, Result, StoreError};
use crate::sql;
use crate::write::Tx;

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counter {
    /// Batches of events.
    Batch,
    /// Builds that were started.
    Generation,
    /// Jobs that were asked for.
    Job,
    /// Claims of jobs.
    Fence,
    /// Signs of life.
    Heartbeat,
    /// Writes that changed what the graph reads of products.
    Catalogue,
    /// The first day, since the Unix epoch, whose raw events are kept.
    KeptFrom,
    /// Changes of category rules.
    CategoryRule,
    /// Steps in which users were erased.
    ErasureStep,
}

impl Counter {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Generation => "generation",
            Self::Job => "job",
            Self::Fence => "fence",
            Self::Heartbeat => "heartbeat",
            Self::Catalogue => "catalogue",
            Self::KeptFrom => "kept_from",
            Self::CategoryRule => "category_rule",
            Self::ErasureStep => "erasure_step",
        }
    }
}

/// Raises a counter by `step` and returns it; others who raise it wait until this transaction ends.
pub(crate) async fn raise(tx: &Tx, marketplace: &MarketplaceId, counter: Counter, step: i64) -> Result<u64> {
    let raised = tx
        .number(
            "INSERT INTO counters (marketplace_id, name, value)
             SELECT marketplace_id, $2, $3 FROM marketplaces WHERE marketplace_id = $1
             ON CONFLICT (marketplace_id, name) DO UPDATE SET value = counters.value + excluded.value
             RETURNING value",
            [marketplace.as_str().into(), counter.name().into(), step.into()],
        )
        .await?;
    let raised = raised.ok_or_else(|| StoreError::NotFound(Missing::Marketplace(marketplace.clone())))?;
    unsigned("counter", raised)
}

/// Raises a counter to at least `value`.
pub(crate) async fn lift(tx: &Tx, marketplace: &MarketplaceId, counter: Counter, value: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO counters (marketplace_id, name, value)
         SELECT marketplace_id, $2, $3 FROM marketplaces WHERE marketplace_id = $1
         ON CONFLICT (marketplace_id, name) DO UPDATE SET
         value = CASE WHEN counters.value < excluded.value THEN excluded.value ELSE counters.value END",
        [marketplace.as_str().into(), counter.name().into(), value.into()],
    )
    .await?;
    Ok(())
}

/// What a counter stands at; 0 before it was raised.
pub(crate) async fn value<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    counter: Counter,
) -> Result<u64> {
    let value = sql::number(
        conn,
        "SELECT value FROM counters WHERE marketplace_id = $1 AND name = $2",
        [marketplace.as_str().into(), counter.name().into()],
    )
    .await?;
    unsigned("counter", value.unwrap_or(0))
}
