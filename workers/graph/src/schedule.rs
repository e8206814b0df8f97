//! Builds that nobody has to ask for.

use std::time::Duration;

use tandem_domain::clock::Timestamp;
use tandem_domain::generation::{GenerationKind, GenerationState};
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{BuildScope, JobKind, StoreError};

use crate::caller::caller;
use crate::deps::Deps;
use crate::patience::pause;

/// How exact the schedule is, at the worst.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(60);
/// So much longer than usual an increment waits after one that came to nothing.
const PATIENCE: u32 = 10;

/// Asks for what is due in every marketplace, until the shutdown. Several workers may do so: a build that waits is not
/// asked for twice.
pub(crate) async fn run(deps: Deps, shutdown: Shutdown) {
    let every = [deps.settings.build.every, deps.settings.increments.every / 4];
    let Some(every) = every.into_iter().filter(|every| !every.is_zero()).min() else {
        return;
    };
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
        if let Some(scope) = due_scope(deps, &marketplace.id, now).await? {
            let context = caller(&marketplace.id, "graph-worker schedule", now);
            deps.store.enqueue_job(&context, JobKind::build(scope)).await?;
            due.push(marketplace.id);
        }
    }
    Ok(due)
}

async fn due_scope(
    deps: &Deps,
    marketplace: &MarketplaceId,
    now: Timestamp,
) -> Result<Option<BuildScope>, StoreError> {
    if is_old(deps, marketplace, now).await? {
        return Ok(Some(BuildScope::Full));
    }
    let waits = is_awaited(deps, marketplace, now).await?;
    Ok(waits.then_some(BuildScope::Increment))
}

/// Whether there are events and the last full build began long enough ago.
async fn is_old(deps: &Deps, marketplace: &MarketplaceId, now: Timestamp) -> Result<bool, StoreError> {
    let every = deps.settings.build.every;
    if every.is_zero() || deps.store.last_batch(marketplace).await? == 0 {
        return Ok(false);
    }
    let last = deps
        .store
        .last_generation(marketplace, GenerationKind::Epoch)
        .await?;
    Ok(last.is_none_or(|last| last.created.plus(every) <= now))
}

/// Whether events wait for the generation on serve, long enough or many enough, or the catalogue or erased users do, and
/// nothing is at work on them.
async fn is_awaited(deps: &Deps, marketplace: &MarketplaceId, now: Timestamp) -> Result<bool, StoreError> {
    let settings = &deps.settings.increments;
    if settings.every.is_zero() {
        return Ok(false);
    }
    let newest = deps.store.generations(marketplace, None, 1).await?;
    let newest = newest.first();
    let rests = newest.is_none_or(|newest| match newest.state {
        GenerationState::Building => true,
        GenerationState::Published => false,
        // What it met with will still be there.
        GenerationState::Refused | GenerationState::Failed => {
            newest.created.plus(settings.every * PATIENCE) > now
        }
    });
    let serving = deps.store.serving_generation(marketplace).await?;
    let Some(serving) = serving.filter(|_| !rests) else {
        return Ok(false);
    };
    let pending = deps.store.pending_events(marketplace, serving.watermark).await?;
    let is_old = pending
        .since
        .is_some_and(|since| since.plus(settings.every) <= now);
    if is_old || pending.events >= settings.events.max(1) {
        return Ok(true);
    }
    // Nobody notes when the catalogue changed, or rows came to count what is erased: they wait since the build before at
    // most.
    let began = newest.map_or(serving.created, |newest| newest.created);
    if began.plus(settings.every) > now {
        return Ok(false);
    }
    let catalogue = deps.store.catalogue_changes(marketplace).await?;
    Ok(catalogue > serving.stats.catalogue || deps.store.count_stale_products(marketplace).await? > 0)
}
