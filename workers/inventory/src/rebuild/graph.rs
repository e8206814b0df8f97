//! The records of the generation on serve, loaded from its segment files.

use tandem_cache::error::CacheError;
use tandem_cache::segment::load_segment;
use tandem_domain::generation::{Manifest, publish_fence};
use tandem_domain::id::MarketplaceId;

use super::Progress;
use crate::deps::Deps;
use crate::error::PassError;

/// What was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Loaded {
    pub(super) records: u64,
    pub(super) generation: Option<u64>,
}

/// Loads the generation that SQL serves and points the cache at it; begins anew when another one came on serve
/// meanwhile.
pub(super) async fn load(
    deps: &Deps,
    marketplace: &MarketplaceId,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Loaded, PassError> {
    let mut loaded = Loaded::default();
    loop {
        let Some(serving) = deps.store.serving(marketplace).await? else {
            return Ok(loaded);
        };
        let Some(manifest) = &serving.generation.manifest else {
            return Ok(loaded);
        };
        if loaded.generation == Some(manifest.generation.0) {
            return Ok(loaded);
        }
        loaded.records += segments(deps, marketplace, manifest, progress).await?;
        loaded.generation = Some(manifest.generation.0);
        let store_epoch = deps.store.store_epoch(marketplace).await?;
        let fence = publish_fence(store_epoch, serving.fence);
        match deps.cache.publish_manifest(marketplace, fence, manifest).await {
            // Someone published since; the next look finds what.
            Ok(()) | Err(CacheError::Fenced { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn segments(
    deps: &Deps,
    marketplace: &MarketplaceId,
    manifest: &Manifest,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<u64, PassError> {
    let total = manifest.segments.iter().map(|segment| segment.records).sum();
    let mut loaded = 0;
    for segment in manifest.segments.iter().rev() {
        let tell = move |done| {
            progress(Progress::Graph {
                done: loaded + done,
                total,
            })
        };
        loaded += load_segment(&*deps.cache, &*deps.segments, marketplace, segment, tell).await?;
    }
    Ok(loaded)
}
