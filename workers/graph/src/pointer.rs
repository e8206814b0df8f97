//! The cache's pointer to the generation on serve. SQL decides; the pointer follows.
//!
//! **Invariant**: a pointer carries the fence of the claim under which SQL was changed, so whoever repairs it from an
//! older look at SQL loses against whoever published since.

use tandem_cache::error::CacheError;
use tandem_cache::port::Epoch;
use tandem_cache::segment::load_segment;
use tandem_domain::generation::{Manifest, publish_fence};
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;

use crate::deps::Deps;
use crate::error::WorkError;
use crate::metrics::Metrics;
use crate::patience::pause;

/// How often a fill is repeated when the cache keeps being emptied meanwhile.
const FILLS: usize = 5;

/// The rebuild marker as it stood before the cache was filled: if it is another one afterwards, the cache was emptied in
/// between, and what was put may be gone.
#[derive(Debug)]
pub(crate) struct Filled(Epoch);

impl Filled {
    pub(crate) async fn begin(deps: &Deps, marketplace: &MarketplaceId) -> Result<Self, CacheError> {
        deps.cache.epoch(marketplace).await.map(Self)
    }

    async fn is_whole(&self, deps: &Deps, marketplace: &MarketplaceId) -> Result<bool, CacheError> {
        Ok(deps.cache.epoch(marketplace).await? == self.0)
    }
}

/// A generation that SQL serves.
pub(crate) struct Pointer<'a> {
    pub(crate) deps: &'a Deps,
    pub(crate) marketplace: &'a MarketplaceId,
    pub(crate) manifest: &'a Manifest,
    /// Fence of the claim that put it on serve.
    pub(crate) lease_fence: u64,
}

impl Pointer<'_> {
    /// Points the cache at a generation whose own records it was filled with, beside those of the segments below.
    pub(crate) async fn publish(&self, filled: Filled) -> Result<(), WorkError> {
        if !self.is_held().await? {
            return self.restore().await;
        }
        self.swap().await?;
        if filled.is_whole(self.deps, self.marketplace).await? {
            Ok(())
        } else {
            self.restore().await
        }
    }

    /// Fills the cache from the segment files, then points it there.
    pub(crate) async fn restore(&self) -> Result<(), WorkError> {
        for _ in 0..FILLS {
            let filled = Filled::begin(self.deps, self.marketplace).await?;
            // The base first: whoever reads by the old pointer meanwhile looks at none of them.
            for segment in self.manifest.segments.iter().rev() {
                load_segment(
                    &*self.deps.cache,
                    &*self.deps.segments,
                    self.marketplace,
                    segment,
                    |_| {},
                )
                .await?;
            }
            self.swap().await?;
            if filled.is_whole(self.deps, self.marketplace).await? {
                return Ok(());
            }
        }
        Err(WorkError::Cache(CacheError::Refused(
            "it is emptied again and again".to_owned(),
        )))
    }

    /// Whether the cache has something of every segment: it may have followed another generation until now.
    async fn is_held(&self) -> Result<bool, CacheError> {
        let held = self.deps.cache.segments(self.marketplace).await?;
        let mut named = self
            .manifest
            .segments
            .iter()
            .filter(|segment| segment.records > 0);
        Ok(named.all(|segment| held.contains(&segment.id)))
    }

    async fn swap(&self) -> Result<(), WorkError> {
        let store_epoch = self.deps.store.store_epoch(self.marketplace).await?;
        let fence = publish_fence(store_epoch, self.lease_fence);
        Ok(self
            .deps
            .cache
            .publish_manifest(self.marketplace, fence, self.manifest)
            .await?)
    }
}

/// What a look at both pointers found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Nothing is on serve.
    Nothing,
    /// They agree.
    Same,
    /// The cache was behind and is not any more.
    Repaired,
    /// The cache was emptied: its rebuild brings the pointer along.
    Rebuilding,
}

/// Moves the cache's pointer where SQL's is. Whoever published may have died between the two.
///
/// # Errors
/// When SQL, a segment file or the cache fails; the next look tries again.
pub async fn follow(deps: &Deps, marketplace: &MarketplaceId) -> Result<Followed, WorkError> {
    let Some(serving) = deps.store.serving(marketplace).await? else {
        return Ok(Followed::Nothing);
    };
    let Some(manifest) = &serving.generation.manifest else {
        return Ok(Followed::Nothing);
    };
    // Another version's pointer, or a damaged one, is as good as none.
    let cached = match deps.cache.manifest(marketplace).await {
        Err(CacheError::Unreadable { .. }) => None,
        cached => cached?,
    };
    if cached.as_ref() == Some(manifest) {
        return Ok(Followed::Same);
    }
    if deps.cache.epoch(marketplace).await?.is_none() {
        return Ok(Followed::Rebuilding);
    }
    Pointer {
        deps,
        marketplace,
        manifest,
        lease_fence: serving.fence,
    }
    .restore()
    .await?;
    Metrics::global().repaired();
    tracing::info!(
        marketplace.id = %marketplace,
        graph.generation = manifest.generation.0,
        "the cache was behind SQL and serves the generation now"
    );
    Ok(Followed::Repaired)
}

/// Looks at every marketplace's pointers again and again, until the shutdown.
pub(crate) async fn run(deps: Deps, shutdown: Shutdown) {
    while !shutdown.is_soft() {
        tokio::select! {
            () = follow_all(&deps) => {}
            () = shutdown.soft() => return,
        }
        pause(deps.settings.pointer.check_every, &shutdown).await;
    }
}

async fn follow_all(deps: &Deps) {
    let marketplaces = match deps.store.marketplaces().await {
        Ok(marketplaces) => marketplaces,
        Err(error) => {
            tracing::warn!(error = chain(&error), "marketplaces cannot be listed for now");
            return;
        }
    };
    for marketplace in marketplaces {
        if let Err(error) = follow(deps, &marketplace.id).await {
            tracing::warn!(
                marketplace.id = %marketplace.id,
                error = chain(&error),
                "the cache's pointer cannot be compared or moved for now"
            );
        }
    }
}
