//! Folding: one pass over all that is committed, and passes one after the other.

use std::time::Duration;

use tandem_domain::clock::SharedClock;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_runtime::readiness::Check;
use tandem_store::{Folded, Store, StoreError};
use tokio::time::{Instant, sleep};

use crate::config::FoldConfig;
use crate::metrics::Metrics;

/// Waits after failures grow to this.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Folds the events of every marketplace.
pub struct Folder {
    store: Store,
    clock: SharedClock,
    config: FoldConfig,
    metrics: Metrics,
}

/// What a pass did over all marketplaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Batches that got a number.
    pub batches: u64,
    /// Events in them.
    pub events: u64,
}

impl Folder {
    /// A folder that has not begun.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, config: FoldConfig) -> Self {
        Self {
            store,
            clock,
            config,
            metrics: Metrics::global(),
        }
    }

    /// Passes, one after the other, until the shutdown. What fails is tried again with growing waits; `check` says
    /// whether the last pass went well.
    pub async fn run(self, check: Check, shutdown: Shutdown) {
        let mut wait = self.config.every;
        loop {
            match self.pass(&shutdown).await {
                Ok(_) => {
                    wait = self.config.every;
                    check.ready();
                }
                Err(error) => {
                    self.metrics.failed();
                    wait = (wait * 2).min(LONGEST_WAIT);
                    check.not_ready("the last pass failed");
                    tracing::warn!(error = chain(&error), retry_in = ?wait, "events cannot be folded for now");
                }
            }
            tokio::select! {
                () = shutdown.soft() => return,
                () = sleep(wait) => {}
            }
        }
    }

    /// Folds until nothing committed is left, or until the shutdown. One marketplace's failure does not hold up the
    /// others.
    ///
    /// # Errors
    /// The last failure.
    pub async fn pass(&self, shutdown: &Shutdown) -> Result<Pass, StoreError> {
        let mut pass = Pass::default();
        let mut outcome = Ok(());
        for marketplace in self.store.marketplaces().await? {
            match self.fold_all(&marketplace.id, shutdown).await {
                Ok(folded) => {
                    pass.batches += folded.batches;
                    pass.events += folded.events;
                }
                Err(error) => outcome = Err(error),
            }
        }
        outcome.map(|()| pass)
    }

    async fn fold_all(&self, marketplace: &MarketplaceId, shutdown: &Shutdown) -> Result<Pass, StoreError> {
        let mut pass = Pass::default();
        let mut since = Instant::now();
        while !shutdown.is_soft() {
            let folded = self.fold(marketplace).await?;
            pass.batches += folded.batches;
            pass.events += folded.events;
            if folded.batches < u64::from(self.config.chunks) {
                self.metrics.caught_up(marketplace, since);
                break;
            }
            since = Instant::now();
        }
        Ok(pass)
    }

    async fn fold(&self, marketplace: &MarketplaceId) -> Result<Folded, StoreError> {
        let started = Instant::now();
        let now = self.clock.now();
        let folded = self
            .store
            .fold_events(marketplace, self.config.chunks, now)
            .await?;
        if folded.batches > 0 {
            self.metrics.folded(&folded, started.elapsed());
            tracing::debug!(
                marketplace.id = %marketplace,
                events = folded.events,
                batch = folded.last_batch,
                "folded"
            );
        }
        Ok(folded)
    }
}

impl std::fmt::Debug for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
