//! From the stream of changes into the cache.
//!
//! Deliveries are acknowledged after they are applied, so dying anywhere repeats them and loses none. What cannot be
//! applied stays unacknowledged, comes back through the reclaim, and becomes a dead letter after a number of tries, so
//! that it holds nothing else up.

mod settle;

use std::sync::Arc;
use std::time::Instant;

use tandem_cache::error::CacheError;
use tandem_cache::port::{Cache, Delivery};
use tandem_domain::clock::SharedClock;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::Store;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::ProjectionConfig;
use crate::deps::Deps;
use crate::metrics::Metrics;
use crate::patience::Patience;

/// Consumes the changes of one marketplace; any number may run at once under different consumer names.
#[derive(Clone)]
pub struct Projector {
    store: Store,
    cache: Arc<dyn Cache>,
    clock: SharedClock,
    marketplace: MarketplaceId,
    consumer: String,
    settings: ProjectionConfig,
    metrics: Metrics,
}

impl std::fmt::Debug for Projector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Projector")
            .field("marketplace", &self.marketplace)
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

/// How long one wait for changes may take; they arrive at once whenever they come.
const WAIT: std::time::Duration = std::time::Duration::from_secs(5);

impl Projector {
    /// A projector that has not begun. `consumer` must be unique among living workers.
    pub fn new(
        deps: &Deps,
        marketplace: MarketplaceId,
        consumer: String,
        settings: ProjectionConfig,
    ) -> Self {
        Self {
            store: deps.store.clone(),
            cache: deps.cache.clone(),
            clock: deps.clock.clone(),
            marketplace,
            consumer,
            settings,
            metrics: Metrics::global(),
        }
    }

    /// Applies and acknowledges whatever is waiting, without waiting for more; returns how many deliveries that were.
    ///
    /// # Errors
    /// When the cache fails; nothing is lost, the deliveries come back.
    pub async fn turn(&self) -> Result<usize, CacheError> {
        let deliveries = self
            .cache
            .receive(
                &self.marketplace,
                &self.consumer,
                self.settings.batch,
                std::time::Duration::ZERO,
            )
            .await?;
        let count = deliveries.len();
        self.settle(&deliveries).await?;
        Ok(count)
    }

    /// Applies changes as they come, until the shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut patience = Patience::new();
        while !shutdown.is_soft() {
            let received = tokio::select! {
                received = self.cache.receive(&self.marketplace, &self.consumer, self.settings.batch, WAIT) => received,
                // What was delivered in this instant is taken over by another worker, or by this one's next life.
                () = shutdown.soft() => return,
            };
            match received {
                Ok(deliveries) => self.settle_at_last(&deliveries, &shutdown).await,
                Err(error) => {
                    self.report("changes cannot be received for now", &error);
                    patience.wait(&shutdown).await;
                    continue;
                }
            }
            patience.reset();
        }
    }

    /// Looks for deliveries that a worker took and never settled, until the shutdown.
    pub(crate) async fn reclaim(self, shutdown: Shutdown) {
        let mut ticks = interval(self.settings.reclaim_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut patience = Patience::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.soft() => return,
            }
            match self.reclaim_once(&shutdown).await {
                Ok(()) => patience.reset(),
                Err(error) => {
                    self.report("old deliveries cannot be taken over for now", &error);
                    patience.wait(&shutdown).await;
                }
            }
        }
    }

    async fn reclaim_once(&self, shutdown: &Shutdown) -> Result<(), CacheError> {
        loop {
            let deliveries = self.abandoned().await?;
            if deliveries.is_empty() || shutdown.is_soft() {
                return Ok(());
            }
            tracing::info!(
                marketplace.id = %self.marketplace,
                deliveries.count = deliveries.len(),
                "took over deliveries that nobody settled"
            );
            self.settle_at_last(&deliveries, shutdown).await;
        }
    }

    /// Settles one batch of what some worker took and never settled; returns how many deliveries that were.
    ///
    /// # Errors
    /// When the cache fails; nothing is lost, the deliveries come back.
    pub async fn take_over(&self) -> Result<usize, CacheError> {
        let deliveries = self.abandoned().await?;
        self.settle(&deliveries).await?;
        Ok(deliveries.len())
    }

    async fn abandoned(&self) -> Result<Vec<Delivery>, CacheError> {
        let (after, most) = (self.settings.reclaim_after, self.settings.batch);
        let deliveries = self
            .cache
            .reclaim(&self.marketplace, &self.consumer, after, most)
            .await?;
        self.metrics.reclaimed(deliveries.len() as u64);
        Ok(deliveries)
    }

    /// Settles deliveries, again and again while the cache is away, unless the worker is told to stop.
    async fn settle_at_last(&self, deliveries: &[Delivery], shutdown: &Shutdown) {
        if deliveries.is_empty() {
            return;
        }
        let begun = Instant::now();
        let mut patience = Patience::new();
        while let Err(error) = self.settle(deliveries).await {
            self.report("changes cannot be applied for now", &error);
            if shutdown.is_soft() {
                return;
            }
            patience.wait(shutdown).await;
        }
        self.metrics.projected(deliveries.len() as u64, begun.elapsed());
    }

    fn report(&self, problem: &'static str, error: &CacheError) {
        self.metrics.projection_failed();
        tracing::warn!(marketplace.id = %self.marketplace, error = chain(error), "{problem}");
    }
}
