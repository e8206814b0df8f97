//! Builds that nobody has to ask for.

use std::time::Duration;

use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{JobKind, StoreError};

use crate::caller::caller;
use crate::deps::Deps;
use crate::patience::pause;

/// How exact the schedule is, at the worst.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// Asks for a build of every marketplace whose last one began too long ago, until the shutdown. Several workers may
/// do so: a build that waits is not asked for twice.
pub(crate) async fn run(deps: Deps, shutdown: Shutdown) {
    let every = deps.settings.build.every;
    if every.is_zero() {
        return;
    }
    while !shutdown.is_soft() {
        if let Err(error) = enqueue_due(&deps).await {
            tracing::warn!(error = chain(&error), "builds cannot be scheduled for now");
        }
        pause(every.min(LOOK_AT_LEAST_EVERY), &shutdown).await;
    }
}

/// Asks for the builds that are due; returns for which marketplaces.
///
/// # Errors
/// When SQL fails.
pub(crate) async fn enqueue_due(deps: &Deps) -> Result<Vec<MarketplaceId>, StoreError> {
    let mut due = Vec::new();
    for marketplace in deps.store.marketplaces().await? {
        let now = deps.clock.now();
        if is_due(deps, &marketplace.id, now).await? {
            let context = caller(&marketplace.id, "graph-worker schedule", now);
            deps.store
                .enqueue_job(
                    &context,
                    JobKind::Build {
                        accept_collapse: false,
                    },
                )
                .await?;
            due.push(marketplace.id);
        }
    }
    Ok(due)
}

/// Whether there are events and the last build began long enough ago.
async fn is_due(deps: &Deps, marketplace: &MarketplaceId, now: Timestamp) -> Result<bool, StoreError> {
    if deps.store.last_batch(marketplace).await? == 0 {
        return Ok(false);
    }
    let last = deps.store.generations(marketplace, None, 1).await?;
    Ok(last
        .first()
        .is_none_or(|last| last.created.plus(deps.settings.build.every) <= now))
}
