//! [`Reads`] on Redis.

use std::sync::Arc;

use ::redis::{Cmd, Pipeline, cmd};
use async_trait::async_trait;
use bytes::Bytes;
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::ProductCard;
use tandem_domain::generation::Manifest;
use tandem_domain::id::{MarketplaceId, ProductId, ShopId, SkuId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::{Availability, PolicySet, Pool, ShopThresholds, Thresholds};
use tandem_domain::surface::Surface;

use super::RedisCache;
use super::entry::SEPARATOR;
use super::follow::{follow, newest_command, newest_id};
use super::keys::Keys;
use super::snapshot::availability;
use super::unreadable::readable;
use super::versioned::content;
use crate::codec;
use crate::error::CacheError;
use crate::port::{
    BoxStream, Epoch, ExactStock, FeedEntry, FeedPosition, Fetch, Fetched, Reads, RecordKey, Result,
};

/// Fields of a hash, or records, that one command asks for: between two commands Redis may answer others.
const FIELDS_AT_ONCE: usize = 500;

#[async_trait]
impl Reads for RedisCache {
    async fn ping(&self) -> Result<()> {
        self.link.ask("a ping", &cmd("PING")).await
    }

    async fn manifest(&self, marketplace: &MarketplaceId) -> Result<Option<Manifest>> {
        let mut get = cmd("HGET");
        get.arg(Keys::of(marketplace).pointer()).arg("manifest");
        let manifest: Option<Bytes> = self.link.ask("reading the manifest", &get).await?;
        manifest.map(|bytes| codec::decode_manifest(&bytes)).transpose()
    }

    async fn fetch(&self, marketplace: &MarketplaceId, wanted: Fetch<'_>) -> Result<Fetched> {
        let keys = Keys::of(marketplace);
        let manifest = wanted.manifest.filter(|manifest| !manifest.segments.is_empty());
        let mut get = Pipeline::new();
        for (key, products) in [
            (keys.cards(), wanted.cards),
            (keys.links(), wanted.links),
            (keys.fixed_bundles(), wanted.fixed_bundles),
        ] {
            for some in products.chunks(FIELDS_AT_ONCE) {
                get.add_command(fields(&key, some));
            }
        }
        if let Some(manifest) = manifest {
            for some in wanted.records.chunks(FIELDS_AT_ONCE) {
                get.add_command(over_segments(&keys, manifest, some));
            }
        }
        let found: Vec<Vec<Option<Bytes>>> = if get.is_empty() {
            Vec::new()
        } else {
            self.link.ask_all("reading", &get).await?
        };
        let mut found = found.into_iter().flatten();
        Ok(Fetched {
            cards: wanted
                .cards
                .iter()
                .zip(&mut found)
                .map(|(id, stored)| card(id, stored))
                .collect(),
            links: wanted
                .links
                .iter()
                .zip(&mut found)
                .map(|(id, stored)| links(id, stored))
                .collect(),
            fixed_bundles: wanted
                .fixed_bundles
                .iter()
                .zip(&mut found)
                .map(|(id, stored)| fixed_bundles(id, stored))
                .collect(),
            records: match manifest {
                Some(manifest) => newest(found.collect(), manifest),
                None => vec![None; wanted.records.len()],
            },
        })
    }

    async fn surfaces(&self, marketplace: &MarketplaceId) -> Result<Vec<Surface>> {
        let mut get = cmd("HGETALL");
        get.arg(Keys::of(marketplace).surfaces());
        let stored: Fields = self.link.ask("reading surfaces", &get).await?;
        let surface = |(id, stored): &(Bytes, Bytes)| {
            let surface = codec::decode_surface(content(stored).unwrap_or_default());
            readable("surface", id.escape_ascii(), surface)
        };
        let mut surfaces: Vec<Surface> = stored.iter().filter_map(surface).collect();
        surfaces.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(surfaces)
    }

    async fn stock(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<Vec<ExactStock>>> {
        if products.is_empty() {
            return Ok(Vec::new());
        }
        let keys = Keys::of(marketplace);
        let mut get = Pipeline::with_capacity(products.len());
        for product in products {
            get.cmd("HGETALL").arg(keys.stock(product));
        }
        let stored: Vec<Fields> = self.link.ask_all("reading stock", &get).await?;
        Ok(products.iter().zip(stored).map(exact).collect())
    }

    async fn thresholds(&self, marketplace: &MarketplaceId, shops: &[ShopId]) -> Result<Vec<Thresholds>> {
        if shops.is_empty() {
            return Ok(Vec::new());
        }
        let mut get = cmd("HMGET");
        get.arg(Keys::of(marketplace).thresholds());
        for shop in shops {
            get.arg(shop.as_str());
        }
        let stored: Vec<Option<Bytes>> = self.link.ask("reading thresholds", &get).await?;
        // Those that cannot be read are no default ones: what they keep back would be sold.
        let of = |stored: &Option<Bytes>| match stored {
            Some(stored) => {
                let limits = std::str::from_utf8(stored).ok().and_then(limits);
                limits.ok_or_else(|| nonsense("thresholds", stored))
            }
            None => Ok(Thresholds::default()),
        };
        stored.iter().map(of).collect()
    }

    async fn all_thresholds(&self, marketplace: &MarketplaceId) -> Result<Vec<ShopThresholds>> {
        let mut get = cmd("HGETALL");
        get.arg(Keys::of(marketplace).thresholds());
        let stored: Fields = self.link.ask("reading thresholds", &get).await?;
        let of = |(shop, stored): &(Bytes, Bytes)| {
            let read = text(shop, stored).and_then(|(shop, stored)| shop_limits(shop, stored));
            readable(
                "thresholds",
                shop.escape_ascii(),
                read.ok_or_else(|| nonsense("thresholds", stored)),
            )
        };
        let mut all: Vec<_> = stored.iter().filter_map(of).collect();
        all.sort_by(|a, b| a.shop.cmp(&b.shop));
        Ok(all)
    }

    async fn epoch(&self, marketplace: &MarketplaceId) -> Result<Epoch> {
        let mut get = cmd("GET");
        get.arg(Keys::of(marketplace).epoch());
        self.link.ask("reading the rebuild marker", &get).await
    }

    async fn feed_position(&self, marketplace: &MarketplaceId) -> Result<FeedPosition> {
        let newest = newest_command(&Keys::of(marketplace).feed());
        let newest = self.link.ask("reading the feed's position", &newest).await?;
        newest_id(newest).map(FeedPosition)
    }

    async fn availability(
        &self,
        marketplace: &MarketplaceId,
    ) -> Result<BoxStream<(ProductId, Pool, Availability)>> {
        Ok(availability(
            Arc::clone(&self.link),
            Keys::of(marketplace).states(),
        ))
    }

    async fn follow(&self, marketplace: &MarketplaceId, from: FeedPosition) -> Result<BoxStream<FeedEntry>> {
        follow(&self.link, Keys::of(marketplace).feed(), from).await
    }
}

/// Asks for the fields of a hash that are named by products.
fn fields(key: &str, products: &[ProductId]) -> Cmd {
    let mut get = cmd("HMGET");
    get.arg(key);
    for product in products {
        get.arg(product.as_str());
    }
    get
}

/// Asks for records in each segment of a generation.
fn over_segments(names: &Keys, manifest: &Manifest, keys: &[RecordKey]) -> Cmd {
    let mut get = cmd("MGET");
    for key in keys {
        for segment in &manifest.segments {
            get.arg(names.record(segment.id, key));
        }
    }
    get
}

/// Of what [`over_segments`] found the newest of each record.
fn newest(found: Vec<Option<Bytes>>, manifest: &Manifest) -> Vec<Option<Bytes>> {
    if manifest.segments.len() == 1 {
        return found;
    }
    let newest = |over_segments: &[Option<Bytes>]| over_segments.iter().flatten().next().cloned();
    found.chunks(manifest.segments.len()).map(newest).collect()
}

fn card(product: &ProductId, stored: Option<Bytes>) -> Option<ProductCard> {
    let card = codec::decode_card(product, content(&stored?).unwrap_or_default());
    readable("card", product, card)
}

/// A set that cannot be read shows what a merchant excluded until it is put anew; refused, it would take every list that is
/// read with it along.
fn links(anchor: &ProductId, stored: Option<Bytes>) -> Option<AnchorLinks> {
    let links = codec::decode_links(anchor, content(&stored?).unwrap_or_default());
    readable("links", anchor, links)
}

fn fixed_bundles(anchor: &ProductId, stored: Option<Bytes>) -> Option<AnchorBundles> {
    let bundles = codec::decode_fixed_bundles(content(&stored?).unwrap_or_default());
    readable("fixed_bundles", anchor, bundles)
}

/// A hash; whoever wrote it, its fields and values may be no text.
type Fields = Vec<(Bytes, Bytes)>;

fn text<'b>(field: &'b [u8], value: &'b [u8]) -> Option<(&'b str, &'b str)> {
    Some((std::str::from_utf8(field).ok()?, std::str::from_utf8(value).ok()?))
}

fn nonsense(what: &'static str, stored: &[u8]) -> CacheError {
    CacheError::Unreadable {
        what,
        why: format!("it is \"{}\"", stored.escape_ascii()),
    }
}

/// Stock of a product; levels that cannot be read are not sellable.
fn exact((product, fields): (&ProductId, Fields)) -> Vec<ExactStock> {
    let levels = fields.iter().filter(|(field, _)| field.starts_with(b"s"));
    let levels = levels.filter_map(|(field, value)| {
        let read = text(field, value).and_then(|(field, value)| level(field, value));
        readable("stock", product, read.ok_or_else(|| nonsense("stock", value)))
    });
    let mut levels: Vec<_> = levels.collect();
    levels.sort_by(|a, b| (&a.sku, &a.pool).cmp(&(&b.sku, &b.pool)));
    levels
}

fn shop_limits(shop: &str, stored: &str) -> Option<ShopThresholds> {
    Some(ShopThresholds {
        shop: ShopId::new(shop).ok()?,
        thresholds: limits(stored)?,
        version: stored.split(' ').nth(1)?.parse().ok()?,
    })
}

fn limits(stored: &str) -> Option<Thresholds> {
    let mut numbers = stored.split(' ').skip(2).map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    Some(Thresholds {
        low: next()?,
        critical: next()?,
        buffer: next()?,
        hysteresis: next()?,
    })
}

fn level(field: &str, value: &str) -> Option<ExactStock> {
    let (sku, pool) = field
        .strip_prefix('s')?
        .strip_prefix(SEPARATOR)?
        .split_once(SEPARATOR)?;
    let mut numbers = value.split(' ').skip(2);
    Some(ExactStock {
        sku: SkuId::new(sku).ok()?,
        pool: pool.parse().ok()?,
        available: numbers.next()?.parse().ok()?,
        sellable: numbers.next()?.parse().ok()?,
        policy: PolicySet::from_bits(numbers.next()?.parse().ok()?)?
            .iter()
            .next()?,
    })
}
