//! Products of the projection beside SQL's: what SQL does not know, and what is on sale in one of the two only.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use tandem_cache::port::Cache;
use tandem_domain::catalog::Listing;
use tandem_domain::change::{Change, ListingChange};
use tandem_domain::id::{MarketplaceId, ProductId};
use tandem_domain::stock::Availability;
use tandem_store::Store;

use super::GRACE;
use crate::error::PassError;

/// Products asked for at once.
const CHUNK: usize = 1_000;

/// What was found on the projection's side.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// Products that SQL does not know and the projection has on sale.
    pub(super) surplus: u64,
    /// What SQL says of products that stand differently.
    pub(super) listing: Vec<Change>,
}

/// Looks at every product of which the projection knows a state; twice at those that differ.
pub(super) async fn look(
    store: &Store,
    cache: &dyn Cache,
    marketplace: &MarketplaceId,
) -> Result<Beyond, PassError> {
    let first = states(store, cache, marketplace).await?;
    if first.surplus == 0 && first.listing.is_empty() {
        return Ok(first);
    }
    tokio::time::sleep(GRACE).await;
    let mut again = states(store, cache, marketplace).await?;
    again.listing.retain(|change| first.listing.contains(change));
    again.surplus = again.surplus.min(first.surplus);
    Ok(again)
}

/// Products by whether the projection has them off sale.
type Chunk = BTreeMap<ProductId, bool>;

async fn states(store: &Store, cache: &dyn Cache, marketplace: &MarketplaceId) -> Result<Beyond, PassError> {
    let mut beyond = Beyond::default();
    let mut chunk = Chunk::new();
    let mut known = cache.availability(marketplace).await?;
    while let Some((product, _, state)) = known.try_next().await? {
        *chunk.entry(product).or_insert(false) |= state == Availability::Delisted;
        if chunk.len() >= CHUNK {
            beyond.add(store, marketplace, std::mem::take(&mut chunk)).await?;
        }
    }
    beyond.add(store, marketplace, chunk).await?;
    Ok(beyond)
}

impl Beyond {
    async fn add(
        &mut self,
        store: &Store,
        marketplace: &MarketplaceId,
        chunk: Chunk,
    ) -> Result<(), PassError> {
        let products: Vec<ProductId> = chunk.keys().cloned().collect();
        let listings = store.listings(marketplace, &products).await?;
        let listings: BTreeMap<ProductId, ListingChange> = listings
            .into_iter()
            .map(|change| (change.product.clone(), change))
            .collect();
        for (product, is_off) in chunk {
            match listings.get(&product) {
                None => self.surplus += u64::from(!is_off),
                Some(change) if (change.listing == Listing::Delisted) != is_off => {
                    self.listing.push(Change::Listing(change.clone()));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
