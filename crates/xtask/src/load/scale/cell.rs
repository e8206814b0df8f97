//! A cell of many products, put into Redis by the scripts that the workers put it with.

use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tandem_cache::codec::{encode_anchor, encode_bestsellers};
use tandem_cache::port::{Projects as _, Publishes as _, RecordKey, Traced};
use tandem_cache::redis::{RedisCache, RedisOptions};
use tandem_domain::bundle::{BundleMember, LearnedBundle};
use tandem_domain::catalog::{CardSku, Listing, ProductCard, StockPolicy};
use tandem_domain::change::ListingChange;
use tandem_domain::edge::AnchorEdges;
use tandem_domain::id::{ProductId, ShopId, SkuId};
use tandem_domain::money::Money;
use tandem_domain::stock::{Pool, StockChange};
use tandem_testing::RedisServer;

use crate::load::figures::Figures;
use crate::load::memory::Memory;
use crate::load::reads::{self, STORE_EPOCH, marketplace, product};

/// Whether a record is of a kind.
type Kind = fn(&RecordKey) -> bool;

/// Products that have everything; that of all would not fit into the machine.
pub(super) const ANCHORS: u64 = 100_000;
/// What the SKUs of a product are told apart by.
const SIZES: [&str; 3] = ["s", "m", "l"];
/// Products per call, and calls in progress: the server is to have work at every moment.
const LOT: u64 = 1_000;
const IN_FLIGHT: usize = 4;
/// Products after which the feed is trimmed, as workers do by age.
const TRIM_EVERY: u64 = 100 * LOT;
/// The longest that the server may take over one call, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(600);
const SETS: usize = 3;
const MEMBERS: usize = 2;
const ALTERNATES: usize = 2;
/// Where every record of a gateway's snapshot stands.
const STATES: &str = "td:{default}:states";
const SEGMENT: u64 = 1;

/// A Redis that holds everything which a gateway reads.
pub(super) struct Cell {
    pub(super) redis: RedisServer,
    pub(super) cache: RedisCache,
    pub(super) products: u64,
}

impl Cell {
    /// A server without a product.
    pub(super) async fn empty() -> Result<Self> {
        let redis = RedisServer::start().await?;
        let options = RedisOptions {
            response_timeout: PATIENCE,
            ..RedisOptions::default()
        };
        let cache = RedisCache::connect_with(&redis.url(), options).await?;
        let products = 0;
        Ok(Self {
            redis,
            cache,
            products,
        })
    }

    /// One of so many, and what their records take. Only anchors have all kinds of them; the others have one SKU, and of
    /// all that they could have what a gateway reads when it starts.
    pub(super) async fn filled(products: u64, figures: &mut Figures) -> Result<Self> {
        let cell = Self {
            products,
            ..Self::empty().await?
        };
        let (anchors, mut before) = (cell.anchors(), cell.used()?);
        let mut taken = |cell: &Self| -> Result<f64> {
            let used = cell.used()?;
            Ok(used - std::mem::replace(&mut before, used))
        };
        cell.put("stock", anchors, async |lot| cell.put_stock(lot).await)
            .await?;
        cell.put("listings", anchors, async |lot| cell.put_listings(lot).await)
            .await?;
        let stock = taken(&cell)? - cell.states()?;
        cell.put("cards", anchors, async |lot| cell.put_cards(lot).await)
            .await?;
        let mut kinds = vec![("stock of 3 SKUs and listing", stock), ("card", taken(&cell)?)];
        let records: [(_, Kind); 3] = [
            ("lists", |key| matches!(key, RecordKey::Lists(_))),
            ("evidence", |key| matches!(key, RecordKey::Evidence(_))),
            ("bundles", |key| matches!(key, RecordKey::Bundles(_))),
        ];
        for (name, is_one) in records {
            let put = async |lot| cell.put_records(lot, is_one).await;
            cell.put(name, anchors, put).await?;
            kinds.push((name, taken(&cell)?));
        }
        cell.put("others", products, async |lot| cell.put_others(lot).await)
            .await?;
        cell.put_bestsellers().await?;
        reads::on_serve(&cell.cache, 3 * anchors).await?;
        cell.tell(&kinds, figures)?;
        Ok(cell)
    }

    /// Each kind as the anchors have it; sellable states, which all have, as they are.
    fn tell(&self, kinds: &[(&str, f64)], figures: &mut Figures) -> Result<()> {
        let (products, anchors) = (self.products as f64, self.anchors() as f64);
        figures.add("scale: products", products, "products");
        figures.add(
            "scale: products with all records",
            anchors / products * 100.0,
            "%",
        );
        let states = self.states()? / products;
        let kinds = kinds.iter().map(|(name, bytes)| (*name, bytes / anchors));
        let mut whole = 0.0;
        for (name, bytes) in [("sellable state", states)].into_iter().chain(kinds) {
            figures.add(&format!("scale: Redis, {name}"), bytes, "bytes per product");
            whole += bytes;
        }
        figures.add("scale: Redis, all of a product", whole, "bytes");
        figures.add("scale: Redis as filled", self.used()? / 1e9, "GB");
        figures.add(
            "scale: Redis, had all products all records",
            whole * products / 1e9,
            "GB",
        );
        Ok(())
    }

    fn states(&self) -> Result<f64> {
        Memory::of(&self.redis.address()).key(STATES)
    }

    fn used(&self) -> Result<f64> {
        Memory::of(&self.redis.address()).used()
    }

    /// Those that have records.
    pub(super) fn anchors(&self) -> u64 {
        ANCHORS.min(self.products)
    }

    /// One of them; they stand evenly among all products.
    pub(super) fn anchor(&self, at: u64) -> u64 {
        at * self.stride()
    }

    fn is_anchor(&self, no: u64) -> bool {
        no.is_multiple_of(self.stride()) && no / self.stride() < self.anchors()
    }

    fn stride(&self) -> u64 {
        self.products / self.anchors()
    }

    /// Does something about lots of `count` in order, several at a time.
    async fn put(&self, what: &str, count: u64, put: impl AsyncFn(Range<u64>) -> Result<()>) -> Result<()> {
        let bar = progress(count, what);
        let lots = (0..count.div_ceil(LOT)).map(|at| at * LOT..((at + 1) * LOT).min(count));
        let (put, bar) = (&put, &bar);
        let puts = stream::iter(lots).map(async |lot| {
            let (first, size) = (lot.start, lot.end - lot.start);
            put(lot).await?;
            if first.is_multiple_of(TRIM_EVERY) {
                self.cache.trim_feed(&marketplace(), Duration::ZERO).await?;
            }
            bar.inc(size);
            anyhow::Ok(())
        });
        puts.buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
        bar.finish_and_clear();
        self.cache.trim_feed(&marketplace(), Duration::ZERO).await?;
        Ok(())
    }

    async fn put_stock(&self, lot: Range<u64>) -> Result<()> {
        let anchors = lot.map(|at| self.anchor(at));
        let changes = anchors.flat_map(|no| SIZES.map(|size| stock(no, size)));
        let changes: Vec<_> = changes.collect();
        let shop = marketplace();
        self.cache.put_stock(&shop, STORE_EPOCH, &changes).await?;
        Ok(())
    }

    async fn put_others(&self, lot: Range<u64>) -> Result<()> {
        let others = lot.filter(|no| !self.is_anchor(*no));
        let changes: Vec<_> = others.map(|no| stock(no, SIZES[0])).collect();
        let shop = marketplace();
        self.cache.put_stock(&shop, STORE_EPOCH, &changes).await?;
        Ok(())
    }

    async fn put_listings(&self, lot: Range<u64>) -> Result<()> {
        let changes: Vec<_> = lot.map(|at| listing(self.anchor(at))).collect();
        let shop = marketplace();
        let puts = changes
            .iter()
            .map(|change| self.cache.put_listing(&shop, STORE_EPOCH, change));
        futures::future::try_join_all(puts).await?;
        Ok(())
    }

    async fn put_cards(&self, lot: Range<u64>) -> Result<()> {
        let cards: Vec<ProductCard> = lot.map(|at| card(self.anchor(at))).collect();
        Ok(self.cache.put_cards(&marketplace(), STORE_EPOCH, &cards).await?)
    }

    async fn put_records(&self, lot: Range<u64>, is_one: fn(&RecordKey) -> bool) -> Result<()> {
        let anchors = lot.map(|at| edges(self.anchor(at), self.products));
        let records: Vec<_> = anchors
            .flat_map(|anchor| encode_anchor(&anchor))
            .filter(|(key, _)| is_one(key))
            .collect();
        Ok(self.cache.put_records(&marketplace(), SEGMENT, &records).await?)
    }

    async fn put_bestsellers(&self) -> Result<()> {
        let best: Vec<_> = (0..50_u16)
            .map(|no| (product(u64::from(no)), f32::from(100 - no)))
            .collect();
        let record = (RecordKey::Bestsellers(None), encode_bestsellers(&best));
        Ok(self.cache.put_records(&marketplace(), SEGMENT, &[record]).await?)
    }
}

/// A bar on a terminal, silence in a pipe.
pub(super) fn progress(count: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("  {msg:10} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}");
    ProgressBar::new(count)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(what.to_owned())
}

/// Every tenth product cannot be bought.
pub(super) fn is_sold_out(id: &str) -> bool {
    id.ends_with('3')
}

fn sku(no: u64, size: &str) -> SkuId {
    SkuId::new(format!("{}-{size}", reads::id(no))).expect("a valid id")
}

fn shop() -> ShopId {
    ShopId::new("default").expect("a valid id")
}

fn stock(no: u64, size: &str) -> Traced<StockChange> {
    let units = match u32::try_from(no % 40) {
        Ok(units) if !is_sold_out(&reads::id(no)) => 1 + units,
        _ => 0,
    };
    Traced {
        change: StockChange {
            product: product(no),
            sku: sku(no, size),
            pool: Pool::Normal,
            store_version: 1 + no,
            available: i64::from(units),
            sellable: units,
            policy: StockPolicy::Tracked,
            shop: Some(shop()),
        },
        traceparent: String::new(),
    }
}

fn listing(no: u64) -> Traced<ListingChange> {
    Traced {
        change: ListingChange {
            product: product(no),
            listing: Listing::Listed,
            version: 1,
        },
        traceparent: String::new(),
    }
}

fn card(no: u64) -> ProductCard {
    let skus = SIZES.map(|size| CardSku {
        id: sku(no, size),
        price: Some(Money::from_minor(1_999)),
    });
    ProductCard {
        skus: skus.to_vec(),
        ..reads::card(no)
    }
}

/// Bytes of the record that the lists of an anchor are served from.
pub(super) fn lists_bytes(anchor: u64, products: u64) -> usize {
    let records = encode_anchor(&edges(anchor, products));
    let lists = records.iter().find(|(key, _)| matches!(key, RecordKey::Lists(_)));
    lists.map_or(0, |(_, bytes)| bytes.len())
}

/// Two lists, and sets of what stands in them.
pub(super) fn edges(no: u64, products: u64) -> AnchorEdges {
    let mut anchor = reads::anchor(no, products);
    let companions: Vec<ProductId> = anchor
        .lists
        .iter()
        .flat_map(|list| list.edges.iter().map(|edge| edge.companion.clone()))
        .collect();
    let roles = companions.chunks_exact(1 + ALTERNATES).take(SETS * MEMBERS);
    let members: Vec<BundleMember> = roles
        .enumerate()
        .map(|(at, role)| BundleMember {
            product: role[0].clone(),
            role: format!("category-{at}"),
            quantity: 1,
            support: 20,
            alternates: role[1..].to_vec(),
        })
        .collect();
    anchor.bundles = members
        .chunks(MEMBERS)
        .map(|members| LearnedBundle {
            members: members.to_vec(),
            score: 1.0,
            support: 20,
            anchor_count: 200,
            generated: false,
        })
        .collect();
    anchor
}
