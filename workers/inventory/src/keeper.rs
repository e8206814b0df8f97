//! Notices that the cache was emptied, or filled from another state of SQL, and has it rebuilt by one worker.

use std::time::Duration;

use tandem_cache::lease::Hold;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;

use crate::config::RebuildConfig;
use crate::deps::Deps;
use crate::error::PassError;
use crate::patience::pause;
use crate::rebuild::{Marker, RebuildReport, fill, mark};
use crate::wholeness::Wholeness;

/// Name of the lease.
const LEASE: &str = "rebuild";

/// Watches the marker of one marketplace.
pub(crate) struct Keeper {
    pub(crate) deps: Deps,
    pub(crate) marketplace: MarketplaceId,
    /// Names this worker to the others.
    pub(crate) holder: String,
    pub(crate) settings: RebuildConfig,
    pub(crate) wholeness: Wholeness,
}

impl Keeper {
    /// Looks again and again, until the shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        while !shutdown.is_soft() {
            let looked = tokio::select! {
                looked = self.look() => looked,
                // A rebuild begun is begun anew by the next worker: the marker is not set before its end.
                () = shutdown.soft() => {
                    let _ = self.release().await;
                    return;
                }
            };
            if let Err(error) = looked {
                self.wholeness.set(
                    &self.marketplace,
                    Some("the cache cannot be checked or rebuilt for now"),
                );
                tracing::warn!(
                    marketplace.id = %self.marketplace,
                    error = chain(&error),
                    "the cache cannot be checked or rebuilt for now"
                );
            }
            pause(self.settings.check_every, &shutdown).await;
        }
    }

    /// Rebuilds if that is needed and no other worker does it.
    async fn look(&self) -> Result<(), PassError> {
        if self.is_whole().await? {
            self.wholeness.set(&self.marketplace, None);
            return Ok(());
        }
        self.wholeness
            .set(&self.marketplace, Some("the cache is being rebuilt"));
        if self.hold().await? == Hold::Elsewhere {
            return Ok(());
        }
        // Between the look and the lease another worker may have finished.
        let outcome = if self.is_whole().await? {
            Ok(())
        } else {
            self.rebuild().await
        };
        self.release().await?;
        outcome
    }

    /// The lease lies beside the data: while it is kept, nothing that was put has been lost.
    async fn rebuild(&self) -> Result<(), PassError> {
        tracing::info!(marketplace.id = %self.marketplace, "rebuilding the cache");
        loop {
            let report = tokio::select! {
                report = fill(&self.deps, &self.marketplace, &|_| {}) => report?,
                error = self.keep_hold() => return Err(error),
            };
            if self.hold().await? != Hold::Kept {
                return Err(PassError::Overtaken);
            }
            mark(&self.deps, &self.marketplace, &report).await?;
            // Emptied in this very moment, the marker speaks of data that is gone; only more of the same makes it true.
            if self.hold().await? != Hold::Taken {
                self.wholeness.set(&self.marketplace, None);
                log(&self.marketplace, &report);
                return Ok(());
            }
        }
    }

    /// Whether the marker stands for the present state of SQL.
    async fn is_whole(&self) -> Result<bool, PassError> {
        let Some(marker) = self.deps.cache.epoch(&self.marketplace).await? else {
            return Ok(false);
        };
        let store_epoch = self.deps.store.store_epoch(&self.marketplace).await?;
        Ok(marker
            .parse::<Marker>()
            .is_ok_and(|marker| marker.store_epoch == store_epoch))
    }

    /// Prolongs the lease until it is lost.
    async fn keep_hold(&self) -> PassError {
        loop {
            tokio::time::sleep(self.settings.lease / 3).await;
            match self.hold().await {
                Ok(Hold::Kept) => {}
                Ok(Hold::Taken | Hold::Elsewhere) => return PassError::Overtaken,
                Err(error) => return error,
            }
        }
    }

    async fn release(&self) -> Result<(), PassError> {
        Ok(self
            .deps
            .cache
            .release(&self.marketplace, LEASE, &self.holder)
            .await?)
    }

    async fn hold(&self) -> Result<Hold, PassError> {
        let span: Duration = self.settings.lease;
        Ok(self
            .deps
            .cache
            .hold(&self.marketplace, LEASE, &self.holder, span)
            .await?)
    }
}

fn log(marketplace: &MarketplaceId, report: &RebuildReport) {
    tracing::info!(
        marketplace.id = %marketplace,
        rebuild.records = report.records,
        rebuild.newer = report.newer,
        rebuild.withdrawn = report.withdrawn,
        rebuild.graph_records = report.graph_records,
        graph.generation = report.generation,
        rebuild.seconds = report.took.as_secs_f64(),
        "rebuilt the cache"
    );
}
