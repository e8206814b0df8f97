//! [`Projects`] on Redis. What must be compared, put and announced in one step is a script.

use std::time::Duration;

use ::redis::{Cmd, Pipeline};
use async_trait::async_trait;
use bytes::Bytes;
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::{Listing, ProductCard};
use tandem_domain::change::{Change, ListingChange, ThresholdsChange};
use tandem_domain::id::{MarketplaceId, ProductId, ShopId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::{PolicySet, StockChange};
use tandem_domain::surface::Surface;

use super::RedisCache;
use super::entry::{BUNDLES, CARD, LINKS, SEPARATOR, SURFACE};
use super::keys::Keys;
use super::script::{
    BEAT, Caller, LISTING, REBUILT, REPLACE, STEP_DOWN, STOCK, Script, THRESHOLDS, TRIM_FEED,
};
use crate::codec;
use crate::port::{Projects, Result, Traced};

/// Changes per script: while one runs, the server does nothing else.
const LOT: usize = 64;
/// Cards per round trip.
const CARDS: usize = 1_000;

#[async_trait]
impl Projects for RedisCache {
    async fn put_stock(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        changes: &[Traced<StockChange>],
    ) -> Result<Vec<bool>> {
        let keys = Keys::of(marketplace);
        let shared = keys.stock_wide();
        let lot = |call: Caller, changes: &[Traced<StockChange>]| {
            let stocks: Vec<String> = changes
                .iter()
                .map(|traced| keys.stock(&traced.change.product))
                .collect();
            let names: Vec<&str> = shared.iter().chain(&stocks).map(String::as_str).collect();
            let mut call = call(&STOCK, &names);
            call.arg(store_epoch);
            for Traced { change, traceparent } in changes {
                call.arg(change.product.as_str()).arg(change.sku.as_str());
                call.arg(change.pool.to_string()).arg(change.store_version);
                call.arg(change.available).arg(change.sellable);
                call.arg(PolicySet::of(change.policy).bits());
                call.arg(change.shop.as_ref().map_or("", ShopId::as_str))
                    .arg(traceparent);
            }
            call
        };
        self.in_lots("putting stock", changes, lot).await
    }

    async fn put_listing(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        Traced { change, traceparent }: &Traced<ListingChange>,
    ) -> Result<bool> {
        let keys = Keys::of(marketplace);
        let ([feed, states, thresholds], stock) = (keys.stock_wide(), keys.stock(&change.product));
        let mut call = LISTING.call([&*feed, &*states, &*thresholds, &*stock]);
        call.arg(store_epoch)
            .arg(change.product.as_str())
            .arg(change.version);
        call.arg(u8::from(change.listing == Listing::Listed))
            .arg(traceparent);
        self.link.ask("putting a listing", &call).await
    }

    async fn put_thresholds(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        Traced { change, traceparent }: &Traced<ThresholdsChange>,
    ) -> Result<bool> {
        let keys = Keys::of(marketplace);
        let shared = keys.stock_wide();
        let limits = change.of.thresholds;
        let lot = |call: Caller, products: &[ProductId]| {
            let stocks: Vec<String> = products.iter().map(|product| keys.stock(product)).collect();
            let names: Vec<&str> = shared.iter().chain(&stocks).map(String::as_str).collect();
            let mut call = call(&THRESHOLDS, &names);
            call.arg(store_epoch)
                .arg(change.of.shop.as_str())
                .arg(change.of.version);
            call.arg(limits.low).arg(limits.critical);
            call.arg(limits.buffer).arg(limits.hysteresis).arg(traceparent);
            for product in products {
                call.arg(product.as_str());
            }
            call
        };
        if change.products.is_empty() {
            let alone = lot(Script::by_text, &[]);
            let newer: Vec<bool> = self.link.ask("putting thresholds", &alone).await?;
            return Ok(newer == [true]);
        }
        let newer = self.in_lots("putting thresholds", &change.products, lot).await?;
        Ok(newer.first() == Some(&true))
    }

    async fn put_cards(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        cards: &[ProductCard],
    ) -> Result<()> {
        let keys = Keys::of(marketplace);
        for cards in cards.chunks(CARDS) {
            let record = |card: &ProductCard| Record {
                id: card.id.to_string(),
                version: card.version,
                bytes: codec::encode_card(card),
            };
            let records: Vec<Record> = cards.iter().map(record).collect();
            self.replace(
                "putting cards",
                &keys,
                (keys.cards(), CARD),
                store_epoch,
                &records,
            )
            .await?;
        }
        Ok(())
    }

    async fn put_links(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        links: &AnchorLinks,
    ) -> Result<bool> {
        let keys = Keys::of(marketplace);
        let record = Record {
            id: links.anchor.to_string(),
            version: links.version,
            bytes: codec::encode_links(links),
        };
        let place = (keys.links(), LINKS);
        Ok(self
            .replace("putting links", &keys, place, store_epoch, &[record])
            .await?
            == [true])
    }

    async fn put_bundles(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        bundles: &AnchorBundles,
    ) -> Result<bool> {
        let keys = Keys::of(marketplace);
        let record = Record {
            id: bundles.anchor.to_string(),
            version: bundles.version,
            bytes: codec::encode_fixed_bundles(bundles),
        };
        let place = (keys.fixed_bundles(), BUNDLES);
        Ok(self
            .replace("putting fixed bundles", &keys, place, store_epoch, &[record])
            .await?
            == [true])
    }

    async fn put_surface(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        surface: &Surface,
    ) -> Result<bool> {
        let keys = Keys::of(marketplace);
        let record = Record {
            id: surface.id.to_string(),
            version: surface.version,
            bytes: codec::encode_surface(surface),
        };
        let place = (keys.surfaces(), SURFACE);
        Ok(self
            .replace("putting a surface", &keys, place, store_epoch, &[record])
            .await?
            == [true])
    }

    async fn step_down(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        changes: &[Change],
    ) -> Result<()> {
        let keys = Keys::of(marketplace);
        let places: Vec<Place> = changes
            .iter()
            .filter_map(|change| Place::of(&keys, change))
            .collect();
        let lot = |call: Caller, places: &[Place]| {
            let names: Vec<&str> = places.iter().map(|place| place.hash.as_str()).collect();
            let mut call = call(&STEP_DOWN, &names);
            call.arg(store_epoch);
            for place in places {
                call.arg(&place.field).arg(place.version).arg(place.before);
            }
            call
        };
        self.in_lots("letting records give way", &places, lot)
            .await
            .map(|_| ())
    }

    async fn beat(&self, marketplace: &MarketplaceId, store_epoch: u64, counter: u64) -> Result<()> {
        let keys = Keys::of(marketplace);
        let mut call = BEAT.call([&*keys.feed(), &*keys.beat()]);
        call.arg(store_epoch).arg(counter);
        self.link.ask("a heartbeat", &call).await
    }

    async fn mark_rebuilt(&self, marketplace: &MarketplaceId, epoch: &str) -> Result<()> {
        let keys = Keys::of(marketplace);
        let mut call = REBUILT.call([&*keys.feed(), &*keys.epoch()]);
        call.arg(epoch);
        self.link.ask("setting the rebuild marker", &call).await
    }

    async fn trim_feed(&self, marketplace: &MarketplaceId, keep: Duration) -> Result<u64> {
        let mut call = TRIM_FEED.call([&*Keys::of(marketplace).feed()]);
        call.arg(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX));
        self.link.ask("trimming the feed", &call).await
    }
}

/// A record that is put unless one as new stands there.
struct Record {
    id: String,
    version: u64,
    bytes: Bytes,
}

/// Where a record stands: a field of a hash, under a version and not the first.
struct Place {
    hash: String,
    field: String,
    version: u64,
    before: u64,
}

impl Place {
    fn of(keys: &Keys, change: &Change) -> Option<Self> {
        let (hash, field) = match change {
            Change::Stock(change) => {
                let field = format!("s{SEPARATOR}{}{SEPARATOR}{}", change.sku, change.pool);
                (keys.stock(&change.product), field)
            }
            Change::Listing(change) => (keys.stock(&change.product), "l".to_owned()),
            Change::Card(card) => (keys.cards(), card.id.to_string()),
            Change::Links(links) => (keys.links(), links.anchor.to_string()),
            Change::Bundles(bundles) => (keys.fixed_bundles(), bundles.anchor.to_string()),
            Change::Surface(surface) => (keys.surfaces(), surface.id.to_string()),
            Change::Thresholds(change) => (keys.thresholds(), change.of.shop.to_string()),
            Change::Heartbeat { .. } => return None,
        };
        let version = change.version()?;
        Some(Self {
            hash,
            field,
            version,
            before: version.checked_sub(1)?,
        })
    }
}

impl RedisCache {
    async fn replace(
        &self,
        during: &'static str,
        keys: &Keys,
        (hash, kind): (String, &str),
        store_epoch: u64,
        records: &[Record],
    ) -> Result<Vec<bool>> {
        let feed = keys.feed();
        let lot = |call: Caller, records: &[Record]| {
            let mut call = call(&REPLACE, &[&feed, &hash]);
            call.arg(store_epoch).arg(kind);
            for record in records {
                call.arg(&record.id).arg(record.version).arg(&record.bytes[..]);
            }
            call
        };
        self.in_lots(during, records, lot).await
    }

    /// One script per lot of items, all in one round trip; each item has its answer.
    async fn in_lots<T>(
        &self,
        during: &'static str,
        items: &[T],
        lot: impl Fn(Caller, &[T]) -> Cmd,
    ) -> Result<Vec<bool>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let calls = |caller: Caller| {
            let mut calls = Pipeline::with_capacity(items.len().div_ceil(LOT));
            for items in items.chunks(LOT) {
                calls.add_command(lot(caller, items));
            }
            calls
        };
        let answers: Vec<Vec<bool>> = self.link.run_all(during, calls).await?;
        Ok(answers.concat())
    }
}
