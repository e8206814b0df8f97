//! [`Projects`] in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::time::Duration;

use async_trait::async_trait;
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::ProductCard;
use tandem_domain::change::{Change, ListingChange, ThresholdsChange};
use tandem_domain::feed::FeedEvent;
use tandem_domain::id::{MarketplaceId, ProductId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::StockChange;
use tandem_domain::surface::Surface;
use tokio::time::Instant;

use super::MemoryCache;
use super::market::{Live, Market};
use super::shelf::Move;
use crate::port::{Projects, Result, Traced};
use crate::version::Version;

#[async_trait]
impl Projects for MemoryCache {
    async fn put_stock(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        changes: &[Traced<StockChange>],
    ) -> Result<Vec<bool>> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        let Live {
            shelves, thresholds, ..
        } = &mut *live;
        let put = |Traced { change, traceparent }: &Traced<StockChange>| {
            let version = Version::new(store_epoch, change.store_version);
            let shelf = shelves.entry(change.product.clone()).or_default();
            let (newer, moved) = shelf.put_stock(version, change, thresholds);
            market.announce_moves(&change.product, traceparent, moved);
            newer
        };
        Ok(changes.iter().map(put).collect())
    }

    async fn put_listing(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        change: &Traced<ListingChange>,
    ) -> Result<bool> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        let Traced { change, traceparent } = change;
        let version = Version::new(store_epoch, change.version);
        let Live {
            shelves, thresholds, ..
        } = &mut *live;
        let shelf = shelves.entry(change.product.clone()).or_default();
        let (newer, moved) = shelf.put_listing(version, change.listing, thresholds);
        market.announce_moves(&change.product, traceparent, moved);
        Ok(newer)
    }

    async fn put_thresholds(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        Traced { change, traceparent }: &Traced<ThresholdsChange>,
    ) -> Result<bool> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        let Live {
            shelves, thresholds, ..
        } = &mut *live;
        let version = Version::new(store_epoch, change.of.version);
        let newer = replace(thresholds, change.of.shop.clone(), version, change.of.thresholds);
        for product in &change.products {
            let shelf = shelves.entry(product.clone()).or_default();
            market.announce_moves(product, traceparent, shelf.judge_again(thresholds));
        }
        Ok(newer)
    }

    async fn put_cards(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        cards: &[ProductCard],
    ) -> Result<()> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        for card in cards {
            let version = Version::new(store_epoch, card.version);
            if replace(&mut live.cards, card.id.clone(), version, card.clone()) {
                market.announce(FeedEvent::Card(card.id.clone()));
            }
        }
        Ok(())
    }

    async fn put_links(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        links: &AnchorLinks,
    ) -> Result<bool> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        let mut living = links.clone();
        living.links.retain(|link| link.deleted.is_none());
        let version = Version::new(store_epoch, links.version);
        let newer = replace(&mut live.links, links.anchor.clone(), version, living);
        if newer {
            market.announce(FeedEvent::Links(links.anchor.clone()));
        }
        Ok(newer)
    }

    async fn put_bundles(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        bundles: &AnchorBundles,
    ) -> Result<bool> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        let version = Version::new(store_epoch, bundles.version);
        let newer = replace(
            &mut live.bundles,
            bundles.anchor.clone(),
            version,
            bundles.clone(),
        );
        if newer {
            market.announce(FeedEvent::Bundles(bundles.anchor.clone()));
        }
        Ok(newer)
    }

    async fn put_surface(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        surface: &Surface,
    ) -> Result<bool> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        let version = Version::new(store_epoch, surface.version);
        if live
            .surfaces
            .get(&surface.id)
            .is_some_and(|(before, _)| *before >= version)
        {
            return Ok(false);
        }
        live.surfaces
            .insert(surface.id.clone(), (version, surface.clone()));
        market.announce(FeedEvent::Surface(surface.id.clone()));
        Ok(true)
    }

    async fn step_down(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        changes: &[Change],
    ) -> Result<()> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        for change in changes {
            let version = change.version().map(|version| Version::new(store_epoch, version));
            let before = version.and_then(Version::before);
            if let (Some(standing), Some(before)) = (live.standing(change), before)
                && Some(*standing) == version
            {
                *standing = before;
            }
        }
        Ok(())
    }

    async fn beat(&self, marketplace: &MarketplaceId, store_epoch: u64, counter: u64) -> Result<()> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        let version = Version::new(store_epoch, counter);
        if live.beat < Some(version) {
            live.beat = Some(version);
            market.announce(FeedEvent::Heartbeat(counter));
        }
        Ok(())
    }

    async fn mark_rebuilt(&self, marketplace: &MarketplaceId, epoch: &str) -> Result<()> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        live.epoch = Some(epoch.to_owned());
        market.announce(FeedEvent::Rebuilt {
            epoch: epoch.to_owned(),
        });
        Ok(())
    }

    async fn trim_feed(&self, marketplace: &MarketplaceId, keep: Duration) -> Result<u64> {
        Ok(self.market(marketplace).feed.lock().trim(keep, Instant::now()))
    }
}

impl Live {
    /// The version of what stands in the place of a change.
    fn standing(&mut self, change: &Change) -> Option<&mut Version> {
        match change {
            Change::Stock(change) => self
                .shelves
                .get_mut(&change.product)?
                .level(&change.sku, &change.pool),
            Change::Listing(change) => self.shelves.get_mut(&change.product)?.listing(),
            Change::Card(card) => self.cards.get_mut(&card.id).map(|(version, _)| version),
            Change::Links(links) => self.links.get_mut(&links.anchor).map(|(version, _)| version),
            Change::Bundles(set) => self.bundles.get_mut(&set.anchor).map(|(version, _)| version),
            Change::Surface(surface) => self.surfaces.get_mut(&surface.id).map(|(version, _)| version),
            Change::Thresholds(change) => self
                .thresholds
                .get_mut(&change.of.shop)
                .map(|(version, _)| version),
            Change::Heartbeat { .. } => None,
        }
    }
}

impl Market {
    fn announce_moves(&self, product: &ProductId, traceparent: &str, moves: impl IntoIterator<Item = Move>) {
        for (pool, state) in moves {
            self.announce(FeedEvent::Availability {
                product: product.clone(),
                pool,
                state,
                traceparent: traceparent.to_owned(),
            });
        }
    }
}

/// Puts a value unless one as new stands there; returns whether it did.
fn replace<K: Eq + Hash, V>(map: &mut HashMap<K, (Version, V)>, key: K, version: Version, value: V) -> bool {
    match map.entry(key) {
        Entry::Occupied(entry) if entry.get().0 >= version => false,
        Entry::Occupied(mut entry) => {
            entry.insert((version, value));
            true
        }
        Entry::Vacant(entry) => {
            entry.insert((version, value));
            true
        }
    }
}
