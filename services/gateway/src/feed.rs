//! Following a marketplace's feed, for ever.
//!
//! Events wake, state decides: an announced generation or surface is read, not believed, and a periodic look at epoch
//! and generation heals what an announcement missed. Whenever the view may have missed something (start, a trimmed
//! feed, an emptied or rebuilt cache) a snapshot is taken aside and replaces the view in one step; until then the old
//! view keeps serving and its age tells.

mod apply;
mod snapshot;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tandem_cache::error::CacheError;
use tandem_cache::port::{BoxStream, FeedEntry, FeedPosition, Reads};
use tandem_domain::feed::FeedEvent;
use tandem_runtime::backoff::chain;
use tandem_runtime::readiness::{Check, Readiness};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::config::FeedConfig;
use crate::market::Market;
use crate::meters::Meters;

const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Keeps one [`Market`].
pub(crate) struct Follower {
    cache: Arc<dyn Reads>,
    market: Arc<Market>,
    meters: Arc<Meters>,
    config: FeedConfig,
    reachable: Check,
    filled: Check,
}

/// Where a view stands: it holds what the feed of this epoch said up to this position.
#[derive(Debug, Clone)]
struct Place {
    epoch: String,
    position: FeedPosition,
}

/// Why a session with the feed ended.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the cache has not been filled")]
    NotFilled,
    #[error("the cache was rebuilt")]
    Rebuilt,
    #[error("the feed has been silent for too long")]
    Silent,
    #[error("the feed ended")]
    Ended,
}

impl Follower {
    /// Will keep `market`; the process is not ready before its first snapshot, nor while the cache is away.
    #[must_use]
    pub(crate) fn new(
        cache: Arc<dyn Reads>,
        market: Arc<Market>,
        meters: Arc<Meters>,
        config: FeedConfig,
        readiness: &Readiness,
    ) -> Self {
        let check = |name: &str| readiness.check(&format!("{name}.{}", market.id()));
        Self {
            reachable: check("cache"),
            filled: check("availability"),
            cache,
            market,
            meters,
            config,
        }
    }

    /// Follows the feed; sessions that break are taken up where they ended.
    pub(crate) async fn follow(self) -> Infallible {
        let mut place = None;
        let mut wait = FIRST_WAIT;
        loop {
            let began = Instant::now();
            let why = match self.session(&mut place).await {
                Ok(never) => match never {},
                Err(why) => why,
            };
            self.market.distrust();
            self.note(&why, &mut place);
            if matches!(why, Interrupted::Rebuilt) {
                continue;
            }
            if began.elapsed() > self.config.retry_at_most {
                wait = FIRST_WAIT;
            }
            sleep(wait).await;
            wait = (wait * 2).min(self.config.retry_at_most);
        }
    }

    fn note(&self, why: &Interrupted, place: &mut Option<Place>) {
        let marketplace = self.market.id();
        match why {
            Interrupted::Rebuilt | Interrupted::NotFilled | Interrupted::Cache(CacheError::FeedGap(_)) => {
                *place = None;
            }
            Interrupted::Cache(error) => self.reachable.not_ready(error.to_string()),
            Interrupted::Silent | Interrupted::Ended => {}
        }
        tracing::warn!(marketplace.id = %marketplace, error = chain(why), "following the feed was interrupted");
    }

    /// One connection's worth of following.
    async fn session(&self, place: &mut Option<Place>) -> Result<Infallible, Interrupted> {
        let market = &self.market;
        let epoch = self.cache.epoch(market.id()).await?;
        self.reachable.ready();
        let epoch = epoch.ok_or(Interrupted::NotFilled)?;
        let place = match place {
            Some(known) if known.epoch == epoch => known,
            place => place.insert(self.take_snapshot(epoch).await?),
        };
        // After the snapshot, which does not look at what the feed said of them meanwhile.
        self.refresh().await?;
        self.filled.ready();
        let tip = self.cache.feed_position(market.id()).await?;
        let feed = self.cache.follow(market.id(), place.position.clone()).await?;
        self.listen(feed, place, tip).await
    }

    /// Signs of life that waited while nobody listened say nothing of the present: only those after `tip` count.
    async fn listen(
        &self,
        mut feed: BoxStream<FeedEntry>,
        place: &mut Place,
        mut tip: FeedPosition,
    ) -> Result<Infallible, Interrupted> {
        let mut checks = interval(self.config.check_interval);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            if place.position == tip {
                self.market.trust();
            }
            tokio::select! {
                // After a standstill of this process the feed has much to tell that is over: it is left, and taken up at
                // its end. Nor may a feed that never pauses keep anybody from the look that heals what it did not tell.
                biased;
                () = sleep_until(heard + self.config.silence) => return Err(Interrupted::Silent),
                _ = checks.tick() => {
                    self.check(place).await?;
                    // The tip may have been an entry of a kind that this version does not know, and is not told.
                    tip = self.cache.feed_position(self.market.id()).await?;
                }
                entry = feed.next() => {
                    let entry = entry.ok_or(Interrupted::Ended)??;
                    self.take(entry.event, place).await?;
                    place.position = entry.position;
                    heard = Instant::now();
                }
            }
        }
    }

    async fn take(&self, event: FeedEvent, place: &Place) -> Result<(), Interrupted> {
        self.meters.entry(apply::kind(&event));
        match event {
            FeedEvent::Heartbeat(counter) => self.market.pulse().beat(counter, Instant::now()),
            FeedEvent::Generation(_) => self.refresh_manifest().await?,
            FeedEvent::Surface(_) => self.refresh_surfaces().await?,
            FeedEvent::Links(product) | FeedEvent::Card(product) => self.market.changed(&product),
            // Read anew with every answer.
            FeedEvent::Bundles(_) => {}
            FeedEvent::Rebuilt { epoch } if epoch != place.epoch => return Err(Interrupted::Rebuilt),
            event => apply::availability(self.market.shelf(), event),
        }
        Ok(())
    }

    /// What an announcement may have missed.
    async fn check(&self, place: &Place) -> Result<(), Interrupted> {
        match self.cache.epoch(self.market.id()).await? {
            Some(epoch) if epoch == place.epoch => Ok(self.refresh_manifest().await?),
            Some(_) => Err(Interrupted::Rebuilt),
            None => Err(Interrupted::NotFilled),
        }
    }

    async fn refresh(&self) -> Result<(), CacheError> {
        self.refresh_manifest().await?;
        self.refresh_surfaces().await
    }

    async fn refresh_manifest(&self) -> Result<(), CacheError> {
        let manifest = self.cache.manifest(self.market.id()).await?;
        let serving = self.market.manifest();
        if serving.as_deref() != manifest.as_ref() {
            let generation = manifest.as_ref().map_or(0, |manifest| manifest.generation.0);
            tracing::info!(marketplace.id = %self.market.id(), graph.generation = generation, "another generation is on serve");
            self.market.set_manifest(manifest);
        }
        Ok(())
    }

    async fn refresh_surfaces(&self) -> Result<(), CacheError> {
        let surfaces = self.cache.surfaces(self.market.id()).await?;
        self.market.set_surfaces(surfaces);
        Ok(())
    }
}
