//! [`Reads`] in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{StreamExt as _, iter, unfold};
use tandem_domain::generation::Manifest;
use tandem_domain::id::{MarketplaceId, ProductId, ShopId};
use tandem_domain::stock::{Availability, Pool, ShopThresholds, Thresholds};
use tandem_domain::surface::Surface;

use super::MemoryCache;
use super::market::Market;
use crate::error::CacheError;
use crate::port::{BoxStream, Epoch, ExactStock, FeedEntry, FeedPosition, Fetch, Fetched, Reads, Result};
use crate::version::Version;

#[async_trait]
impl Reads for MemoryCache {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn manifest(&self, marketplace: &MarketplaceId) -> Result<Option<Manifest>> {
        Ok(self.market(marketplace).live.read().manifest.clone())
    }

    async fn fetch(&self, marketplace: &MarketplaceId, wanted: Fetch<'_>) -> Result<Fetched> {
        let market = self.market(marketplace);
        let records = {
            let records = market.records.read();
            let segments = || {
                let named = wanted
                    .manifest
                    .into_iter()
                    .flat_map(|manifest| &manifest.segments);
                named.filter_map(|segment| records.get(&segment.id))
            };
            let newest = |key| segments().find_map(|segment| segment.get(key)).cloned();
            wanted.records.iter().map(newest).collect()
        };
        let live = market.live.read();
        let card = |id| live.cards.get(id).map(|(_, card)| card.clone());
        let links = |id| live.links.get(id).map(|(_, links)| links.clone());
        let bundles = |id| live.bundles.get(id).map(|(_, bundles)| bundles.clone());
        Ok(Fetched {
            cards: wanted.cards.iter().map(card).collect(),
            links: wanted.links.iter().map(links).collect(),
            fixed_bundles: wanted.fixed_bundles.iter().map(bundles).collect(),
            records,
        })
    }

    async fn thresholds(&self, marketplace: &MarketplaceId, shops: &[ShopId]) -> Result<Vec<Thresholds>> {
        let market = self.market(marketplace);
        let live = market.live.read();
        let of = |shop| {
            live.thresholds
                .get(shop)
                .map(|(_, limits)| *limits)
                .unwrap_or_default()
        };
        Ok(shops.iter().map(of).collect())
    }

    async fn all_thresholds(&self, marketplace: &MarketplaceId) -> Result<Vec<ShopThresholds>> {
        let market = self.market(marketplace);
        let live = market.live.read();
        let of = |(shop, (version, limits)): (&ShopId, &(Version, Thresholds))| ShopThresholds {
            shop: shop.clone(),
            thresholds: *limits,
            version: version.version,
        };
        let mut all: Vec<_> = live.thresholds.iter().map(of).collect();
        all.sort_by(|a, b| a.shop.cmp(&b.shop));
        Ok(all)
    }

    async fn surfaces(&self, marketplace: &MarketplaceId) -> Result<Vec<Surface>> {
        let market = self.market(marketplace);
        let live = market.live.read();
        Ok(live
            .surfaces
            .values()
            .map(|(_, surface)| surface.clone())
            .collect())
    }

    async fn stock(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<Vec<ExactStock>>> {
        let market = self.market(marketplace);
        let live = market.live.read();
        let exact = |id| live.shelves.get(id).map(|shelf| shelf.exact().collect());
        Ok(products.iter().map(|id| exact(id).unwrap_or_default()).collect())
    }

    async fn epoch(&self, marketplace: &MarketplaceId) -> Result<Epoch> {
        Ok(self.market(marketplace).live.read().epoch.clone())
    }

    async fn feed_position(&self, marketplace: &MarketplaceId) -> Result<FeedPosition> {
        Ok(self.market(marketplace).feed.lock().position())
    }

    async fn availability(
        &self,
        marketplace: &MarketplaceId,
    ) -> Result<BoxStream<(ProductId, Pool, Availability)>> {
        let market = self.market(marketplace);
        let live = market.live.read();
        let states = live.shelves.iter().flat_map(|(product, shelf)| {
            let states = shelf.states();
            states.map(|(pool, state)| Ok((product.clone(), pool.clone(), *state)))
        });
        Ok(iter(states.collect::<Vec<_>>()).boxed())
    }

    async fn follow(&self, marketplace: &MarketplaceId, from: FeedPosition) -> Result<BoxStream<FeedEntry>> {
        let follower = Follower {
            market: self.market(marketplace),
            position: from,
            ready: VecDeque::new(),
            ended: false,
        };
        Ok(unfold(follower, Follower::next).boxed())
    }
}

struct Follower {
    market: Arc<Market>,
    position: FeedPosition,
    ready: VecDeque<FeedEntry>,
    ended: bool,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<FeedEntry>, Self)> {
        if self.ended {
            return None;
        }
        if self.ready.is_empty() {
            match self.piece().await {
                Ok(piece) => self.ready = piece,
                Err(gap) => {
                    self.ended = true;
                    return Some((Err(gap), self));
                }
            }
        }
        let entry = self.ready.pop_front()?;
        self.position = entry.position.clone();
        Some((Ok(entry), self))
    }

    /// Waits until something follows the position.
    async fn piece(&self) -> Result<VecDeque<FeedEntry>> {
        loop {
            // Registered before the look, so that nothing slips in between.
            let fed = self.market.fed.notified();
            tokio::pin!(fed);
            fed.as_mut().enable();
            let piece = self.market.feed.lock().after(&self.position);
            let piece = piece.map_err(|_| CacheError::FeedGap(self.position.0.clone()))?;
            if !piece.is_empty() {
                return Ok(piece.into());
            }
            fed.await;
        }
    }
}
