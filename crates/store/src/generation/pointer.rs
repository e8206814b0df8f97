//! Which generation is on serve.
//!
//! **Invariant**: the pointer moves under rising fences only, as the cache's does, so that the two cannot come to
//! disagree by the order in which claims reach them.

use sea_orm::FromQueryResult;
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::{Generation, GenerationNo, GenerationState};
use tandem_domain::id::MarketplaceId;
use tandem_domain::principal::Principal;

use super::{key, read};
use crate::audit::{self, Deed};
use crate::context::WriteContext;
use crate::entity::signed;
use crate::error::{Missing, Result, StoreError};
use crate::job::{Lease, lease};
use crate::sql;
use crate::write::Tx;

/// Puts a generation on serve. The pointer stays locked until the transaction ends.
pub(super) async fn swap(tx: &Tx, marketplace: &MarketplaceId, held: &Lease, no: GenerationNo) -> Result<()> {
    let swapped = tx
        .execute(
            "UPDATE marketplaces SET serving_generation = $2, serving_fence = $3
             WHERE marketplace_id = $1 AND COALESCE(serving_fence, 0) <= $3",
            [
                marketplace.as_str().into(),
                key(no).into(),
                signed("fence", held.fence)?.into(),
            ],
        )
        .await?;
    if swapped == 1 {
        Ok(())
    } else {
        Err(StoreError::LeaseLost)
    }
}

pub(super) async fn serve(
    tx: &Tx,
    marketplace: &MarketplaceId,
    no: GenerationNo,
    held: &Lease,
    now: Timestamp,
) -> Result<Generation> {
    let worker = lease::attach(tx, marketplace, held, no).await?;
    // First, since its lock keeps the manifest from being retired.
    swap(tx, marketplace, held, no).await?;
    let generation = servable(tx, marketplace, no).await?;
    tell(tx, marketplace, "serve_generation", no, worker, now).await?;
    Ok(generation)
}

/// A generation that can be put on serve.
pub(crate) async fn servable(tx: &Tx, marketplace: &MarketplaceId, no: GenerationNo) -> Result<Generation> {
    let generation = read::one(tx.conn(), marketplace, no)
        .await?
        .ok_or(StoreError::NotFound(Missing::Generation(no)))?;
    if generation.state != GenerationState::Published || generation.manifest.is_none() {
        return Err(StoreError::NotPublished(no));
    }
    Ok(generation)
}

/// Notes in the audit trail which worker moved the pointer.
pub(super) async fn tell(
    tx: &Tx,
    marketplace: &MarketplaceId,
    action: &'static str,
    no: GenerationNo,
    worker: String,
    now: Timestamp,
) -> Result<()> {
    let worker = Principal {
        marketplace: marketplace.clone(),
        shop: None,
        subject: worker,
        scopes: Vec::new(),
    };
    let no = no.to_string();
    let deed = Deed {
        action,
        targets: vec![&no],
        reason: "",
    };
    audit::write(tx, &WriteContext::new(worker, now), deed).await
}

/// The number of the generation on serve, which stays there until the transaction ends.
pub(super) async fn lock(tx: &Tx, marketplace: &MarketplaceId) -> Result<Option<i64>> {
    #[derive(FromQueryResult)]
    struct Row {
        serving_generation: Option<i64>,
    }
    let query = format!(
        "SELECT serving_generation FROM marketplaces WHERE marketplace_id = $1 {}",
        sql::locking(tx.backend(), "FOR UPDATE")
    );
    let row: Option<Row> = tx.one(query, [marketplace.as_str().into()]).await?;
    Ok(row.and_then(|row| row.serving_generation))
}
