//! Filling the cache from a segment.

use futures::TryStreamExt as _;
use object_store::ObjectStore;
use tandem_domain::generation::SegmentRef;
use tandem_domain::id::MarketplaceId;

use super::read_segment;
use crate::port::{Publishes, Result};

/// Puts every record of a segment into the cache and tells `progress` how many there are by now; returns that number.
/// Repeating it is harmless.
///
/// # Errors
/// [`CacheError::Segment`](crate::error::CacheError::Segment) before anything is put when the file is missing or
/// damaged; what the cache says otherwise.
pub async fn load_segment(
    cache: &dyn Publishes,
    store: &dyn ObjectStore,
    marketplace: &MarketplaceId,
    segment: &SegmentRef,
    mut progress: impl FnMut(u64) + Send,
) -> Result<u64> {
    let mut batches = read_segment(store, segment).await?;
    let mut loaded = 0;
    while let Some(batch) = batches.try_next().await? {
        cache.put_records(marketplace, segment.id, &batch).await?;
        loaded += batch.len() as u64;
        progress(loaded);
    }
    Ok(loaded)
}
