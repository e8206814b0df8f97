//! Deleting what nobody needs any more from the streams.

use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;

use crate::config::ProjectionConfig;
use crate::deps::Deps;
use crate::error::PassError;
use crate::metrics::Metrics;
use crate::patience::pause;

/// Trims both streams of a marketplace and measures what waits, again and again until the shutdown.
pub(crate) async fn run(
    deps: Deps,
    marketplace: MarketplaceId,
    settings: ProjectionConfig,
    shutdown: Shutdown,
) {
    let metrics = Metrics::global();
    while !shutdown.is_soft() {
        if let Err(error) = trim(&deps, &marketplace, &settings, &metrics).await {
            tracing::warn!(marketplace.id = %marketplace, error = chain(&error), "streams cannot be trimmed for now");
        }
        pause(settings.trim_every, &shutdown).await;
    }
}

async fn trim(
    deps: &Deps,
    marketplace: &MarketplaceId,
    settings: &ProjectionConfig,
    metrics: &Metrics,
) -> Result<(), PassError> {
    let cache = &deps.cache;
    let changes = cache.trim_changes(marketplace).await?;
    let feed = cache.trim_feed(marketplace, settings.keep_feed).await?;
    tracing::debug!(marketplace.id = %marketplace, trimmed.changes = changes, trimmed.feed = feed, "trimmed");
    metrics.backlog(marketplace, cache.backlog(marketplace).await?);
    metrics.outbox(marketplace, deps.store.count_outbox(marketplace).await?);
    let held = cache.oldest_held(marketplace).await?;
    metrics.held(marketplace, held.unwrap_or_default());
    metrics.dead_letters(marketplace, deps.store.count_dead_letters(marketplace).await?);
    Ok(())
}
