//! Erasing users who are to be.

use tandem_domain::clock::SharedClock;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{Store, StoreError};

use crate::config::ErasureConfig;
use crate::metrics::Metrics;
use crate::passes::passes;

/// Erases users of every marketplace.
pub struct Eraser {
    store: Store,
    clock: SharedClock,
    config: ErasureConfig,
    metrics: Metrics,
}

impl Eraser {
    /// An eraser that has not begun.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, config: ErasureConfig) -> Self {
        Self {
            store,
            clock,
            config,
            metrics: Metrics::global(),
        }
    }

    /// Passes, one after the other, until the shutdown. What fails waits for the next one.
    pub async fn run(self, shutdown: Shutdown) {
        passes(
            self.config.every,
            &shutdown,
            "users cannot be erased for now",
            || self.pass(&shutdown),
        )
        .await;
    }

    /// Erases all who wait, or until the shutdown; returns how many. One marketplace's failure does not hold up the others.
    ///
    /// # Errors
    /// The last failure.
    pub async fn pass(&self, shutdown: &Shutdown) -> Result<u64, StoreError> {
        let mut outcome = Ok(0);
        for marketplace in self.store.marketplaces().await? {
            let erased = self.erase(&marketplace.id, shutdown).await;
            outcome = outcome.and_then(|sum| Ok(sum + erased?));
        }
        outcome
    }

    async fn erase(&self, marketplace: &MarketplaceId, shutdown: &Shutdown) -> Result<u64, StoreError> {
        let mut users = 0;
        while !shutdown.is_soft() {
            let now = self.clock.now();
            let Some(erased) = self.store.carry_out_erasures(marketplace, now).await? else {
                break;
            };
            self.metrics.erased(erased.events);
            tracing::info!(
                marketplace.id = %marketplace,
                erased.users,
                erased.events,
                erased.orders,
                "erased users"
            );
            users += erased.users;
        }
        Ok(users)
    }
}

impl std::fmt::Debug for Eraser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Eraser")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
