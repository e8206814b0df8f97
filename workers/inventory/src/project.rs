//! The one writer of the projection: puts changes into the cache, comparing versions.

use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tandem_cache::error::CacheError;
use tandem_cache::port::Cache;
use tandem_domain::id::MarketplaceId;

use crate::batch::Batch;

/// Single puts in flight on the shared connection, where they travel together.
const IN_FLIGHT: usize = 64;

/// What became of a batch, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Put {
    /// Changes looked at; heartbeats are not counted.
    pub(crate) checked: u64,
    /// Those that were newer than what stood there. Cards are not known to be and are not counted.
    pub(crate) newer: u64,
}

impl std::ops::AddAssign for Put {
    fn add_assign(&mut self, other: Self) {
        self.checked += other.checked;
        self.newer += other.newer;
    }
}

/// Puts a batch: stock first but for what judges it, since shoppers wait for it; the heartbeat last, since it vouches for all before it.
///
/// # Errors
/// When the cache fails; part of the batch may have been put, and all of it may be put again.
pub(crate) async fn put(
    cache: &dyn Cache,
    marketplace: &MarketplaceId,
    store_epoch: u64,
    batch: &Batch,
) -> Result<Put, CacheError> {
    let mut put = Put::default();
    // They judge the stock that comes with them.
    let thresholds = batch.thresholds.iter();
    put += all(thresholds
        .map(|change| cache.put_thresholds(marketplace, store_epoch, change))
        .collect())
    .await?;
    if !batch.stock.is_empty() {
        put += counted(&cache.put_stock(marketplace, store_epoch, &batch.stock).await?);
    }
    let listings = batch.listings.iter();
    put += all(listings
        .map(|change| cache.put_listing(marketplace, store_epoch, change))
        .collect())
    .await?;
    if !batch.cards.is_empty() {
        cache.put_cards(marketplace, store_epoch, &batch.cards).await?;
        put.checked += batch.cards.len() as u64;
    }
    let links = batch.links.iter();
    put += all(links
        .map(|links| cache.put_links(marketplace, store_epoch, links))
        .collect())
    .await?;
    let bundles = batch.bundles.iter();
    put += all(bundles
        .map(|bundles| cache.put_bundles(marketplace, store_epoch, bundles))
        .collect())
    .await?;
    let surfaces = batch.surfaces.iter();
    put += all(surfaces
        .map(|surface| cache.put_surface(marketplace, store_epoch, surface))
        .collect())
    .await?;
    if let Some(counter) = batch.beat {
        cache.beat(marketplace, store_epoch, counter).await?;
    }
    Ok(put)
}

/// Single puts; each says whether it was newer.
async fn all(puts: Vec<BoxFuture<'_, Result<bool, CacheError>>>) -> Result<Put, CacheError> {
    let newer: Vec<bool> = stream::iter(puts)
        .buffer_unordered(IN_FLIGHT)
        .try_collect()
        .await?;
    Ok(counted(&newer))
}

fn counted(newer: &[bool]) -> Put {
    Put {
        checked: newer.len() as u64,
        newer: newer.iter().filter(|newer| **newer).count() as u64,
    }
}
