//! One build: read, count, score, write, publish; of every row, or of those that new events touch.
//!
//! **Invariant**: a generation exists for readers when SQL's transaction that names it commits, and not before; the
//! cache's pointer follows. Dying anywhere before that commit leaves the old graph; dying after it leaves a pointer
//! that any worker's next look moves on.

mod base;
mod compute;
mod earlier;
mod feedback;
mod increment;
mod publish;
mod read;
mod selling;

use std::time::Instant;

use tandem_domain::generation::{BuildStats, Generation, GenerationKind, GenerationNo, Manifest};
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{BuildScope, StoreError, Unpublished};

use crate::collapse::collapse;
use crate::deps::Deps;
use crate::error::WorkError;
use crate::hold::Hold;
use crate::memory::peak_rss_bytes;
use crate::metrics::{Metrics, seconds};
use crate::progress::Watcher;
pub(crate) use base::Base;
use publish::Written;
pub(crate) use read::read;

/// What to do with a build that lost most of its events or edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collapse {
    /// Keep serving the old one.
    Refuse,
    /// Serve it: the loss is meant.
    Accept,
}

/// How a build that was asked for ended well.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Built {
    /// By publishing a generation.
    Published(Box<BuildOutcome>),
    /// By finding that the generation on serve holds every event and the catalogue.
    Current(GenerationNo),
}

/// What is to be built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) scope: BuildScope,
    pub(crate) collapse: Collapse,
}

/// A published build.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildOutcome {
    /// Its number.
    pub generation: GenerationNo,
    /// Its segments.
    pub manifest: Manifest,
    /// Counts and times.
    pub stats: BuildStats,
    /// Whether gateways see it already.
    pub cache: CacheState,
}

/// Where the cache stands after SQL put a generation on serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheState {
    /// It serves the generation.
    Serving,
    /// It could not be told; a worker's next look will.
    Behind(String),
}

/// Builds and publishes under a held lease.
#[tracing::instrument(name = "graph.build", skip_all, fields(marketplace.id = %marketplace))]
pub(crate) async fn build(
    deps: &Deps,
    marketplace: &MarketplaceId,
    ask: Ask,
    hold: &Hold,
    watcher: &Watcher,
    shutdown: &Shutdown,
) -> Result<Built, WorkError> {
    let known = Known::now(deps, marketplace).await?;
    let base = match ask.scope {
        BuildScope::Full => None,
        BuildScope::Increment => Base::find(deps, marketplace).await?,
    };
    let (kind, now) = match &base {
        Some(base) if known.is_covered_by(&base.serving) => return Ok(Built::Current(base.serving.no)),
        Some(_) => (GenerationKind::Increment, deps.clock.now()),
        None => (GenerationKind::Epoch, deps.clock.now()),
    };
    let no = deps
        .store
        .start_generation(marketplace, kind, known.watermark, &hold.lease(), now)
        .await?;
    tracing::info!(marketplace.id = %marketplace, graph.generation = no.0, graph.watermark = known.watermark, "building");
    let attempt = Attempt {
        deps,
        marketplace,
        no,
        base: base.as_ref(),
        hold,
        watcher,
    };
    let mut stats = BuildStats::default();
    let built = attempt.run(known, ask.collapse, shutdown, &mut stats).await;
    if let Err(error) = &built {
        attempt.give_up(error, &stats).await;
    }
    built.map(|outcome| Built::Published(Box::new(outcome)))
}

/// What there is to be taken in.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Last batch of events.
    watermark: u64,
    /// Changes of the catalogue.
    catalogue: u64,
    /// Products whose rows on serve count events of users who were erased.
    outdated: u64,
}

impl Known {
    /// As SQL has it. What is read afterwards holds at least that.
    async fn now(deps: &Deps, marketplace: &MarketplaceId) -> Result<Self, StoreError> {
        Ok(Self {
            watermark: deps.store.last_batch(marketplace).await?,
            catalogue: deps.store.catalogue_changes(marketplace).await?,
            outdated: deps.store.count_stale_products(marketplace).await?,
        })
    }

    /// Whether a generation has taken it in.
    fn is_covered_by(&self, serving: &Generation) -> bool {
        serving.watermark >= self.watermark && serving.stats.catalogue >= self.catalogue && self.outdated == 0
    }
}

/// A generation being built.
struct Attempt<'a> {
    deps: &'a Deps,
    marketplace: &'a MarketplaceId,
    no: GenerationNo,
    /// What an increment stands on; none for a build of every row.
    base: Option<&'a Base>,
    hold: &'a Hold,
    watcher: &'a Watcher,
}

impl Attempt<'_> {
    async fn run(
        &self,
        known: Known,
        mode: Collapse,
        shutdown: &Shutdown,
        stats: &mut BuildStats,
    ) -> Result<BuildOutcome, WorkError> {
        // Until something is visible a stop drops the work; from then on the little that is left is done.
        let written = tokio::select! {
            written = self.hold.during(self.prepare(known, mode, stats)) => written?,
            () = shutdown.soft() => return Err(WorkError::Stopped),
        };
        let outcome = self.hold.during(publish::publish(self, written, stats)).await?;
        Metrics::global().built(self.marketplace, stats);
        Ok(outcome)
    }

    /// Everything up to a written segment.
    async fn prepare(
        &self,
        known: Known,
        mode: Collapse,
        stats: &mut BuildStats,
    ) -> Result<Written, WorkError> {
        let begun = Instant::now();
        let facts = read(
            self.deps,
            self.marketplace,
            known.watermark,
            self.base,
            self.watcher,
        )
        .await?;
        let read = facts.stats().clone();
        let read_seconds = seconds(begun.elapsed());

        let begun = Instant::now();
        let computed = match self.base {
            None => {
                let feedback = feedback::read(self, known.watermark, &facts).await?;
                let selling = selling::read(self, &facts).await?;
                let rules = self.deps.store.category_rule_book(self.marketplace).await?;
                let told = compute::Told {
                    feedback,
                    selling,
                    rules,
                };
                compute::compute(facts, told, &self.deps.settings.build, self.watcher).await?
            }
            Some(base) => increment::compute(facts, base, self.deps, self.watcher).await?,
        };
        *stats = BuildStats {
            events: read.events,
            catalogue: known.catalogue,
            baskets: read.baskets,
            products: read.products,
            read_seconds,
            compute_seconds: seconds(begun.elapsed()),
            peak_rss_bytes: peak_rss_bytes(),
            ..computed.counts.clone()
        };

        if mode == Collapse::Refuse {
            self.refuse_collapse(stats).await?;
        }
        publish::write(self, computed).await
    }

    async fn refuse_collapse(&self, stats: &BuildStats) -> Result<(), WorkError> {
        let Some(serving) = self.deps.store.serving_generation(self.marketplace).await? else {
            return Ok(());
        };
        match collapse(&self.deps.settings.build, &serving.stats, stats) {
            Some(why) => Err(WorkError::Refused {
                generation: self.no,
                why,
            }),
            None => Ok(()),
        }
    }

    /// Ends the generation unpublished and removes its file, as well as that goes.
    async fn give_up(&self, error: &WorkError, stats: &BuildStats) {
        let state = match error {
            WorkError::Refused { .. } => Unpublished::Refused,
            _ => Unpublished::Failed,
        };
        let (store, now) = (&self.deps.store, self.deps.clock.now());
        let ended = store
            .end_generation(self.marketplace, self.no, state, stats, &chain(error), now)
            .await;
        match ended {
            Ok(()) => publish::discard(self).await,
            // Published after all, or SQL is away: the sweep decides later.
            Err(ended) => tracing::debug!(error = chain(&ended), "the generation's end is not noted"),
        }
    }
}
