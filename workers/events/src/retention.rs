//! Letting raw events go once they are old, day by day, and then what the database keeps for such a day.

use tandem_domain::clock::SharedClock;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{Store, StoreError};

use crate::config::RetentionConfig;
use crate::metrics::Metrics;
use crate::passes::passes;

/// Retires the events of every marketplace.
pub struct Retention {
    store: Store,
    clock: SharedClock,
    config: RetentionConfig,
    metrics: Metrics,
}

impl Retention {
    /// A retention that has not begun.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, config: RetentionConfig) -> Self {
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
            "old events cannot be retired for now",
            || self.pass(&shutdown),
        )
        .await;
    }

    /// Retires all that is old enough, or until the shutdown; returns how many events went. One marketplace's failure
    /// does not hold up the others.
    ///
    /// # Errors
    /// The last failure.
    pub async fn pass(&self, shutdown: &Shutdown) -> Result<u64, StoreError> {
        let mut outcome = Ok(0);
        for marketplace in self.store.marketplaces().await? {
            let retired = self.retire(&marketplace.id, shutdown).await;
            outcome = outcome.and_then(|sum| Ok(sum + retired?));
        }
        let kept_from = self
            .clock
            .now()
            .day()
            .saturating_sub_unsigned(self.config.raw_days - 1);
        let days = self.store.drop_empty_days(kept_from).await?;
        if days > 0 {
            tracing::info!(days, "dropped days without events");
        }
        outcome
    }

    async fn retire(&self, marketplace: &MarketplaceId, shutdown: &Shutdown) -> Result<u64, StoreError> {
        let mut events = 0;
        while !shutdown.is_soft() {
            let (keep, now) = (self.config.raw_days, self.clock.now());
            let Some(retired) = self.store.retire_events(marketplace, keep, now).await? else {
                break;
            };
            self.metrics.retired(retired.events);
            tracing::info!(marketplace.id = %marketplace, retired.day, retired.events, "retired a day of raw events");
            events += retired.events;
        }
        Ok(events)
    }
}

impl std::fmt::Debug for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retention")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
