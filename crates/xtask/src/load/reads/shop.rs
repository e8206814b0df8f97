//! A shop of many anchors, put into a cache as the workers would have left it.

use std::time::Duration;

use anyhow::Result;
use tandem_cache::codec::{CODEC, encode_anchor, encode_bestsellers};
use tandem_cache::port::{Projects, Publishes as _, RecordKey, Traced};
use tandem_cache::redis::RedisCache;
use tandem_domain::catalog::{Listing, ProductCard, Provenance};
use tandem_domain::edge::{AnchorEdges, Edge, EdgeList, Evidence, GateCounts, Signal, Source};
use tandem_domain::generation::{GenerationNo, Manifest, SegmentRef};
use tandem_domain::id::{CategoryId, MarketplaceId, ProductId, ShopId, SkuId};
use tandem_domain::money::Money;
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Pool, StockChange};

use super::dice::Dice;

pub(in crate::load) const STORE_EPOCH: u64 = 1;
/// Companions per relation; lists share most of them, as learned ones do.
const COMPANIONS: u64 = 30;
const LOT: usize = 5_000;
const BEAT: Duration = Duration::from_millis(250);

pub(crate) fn id(no: u64) -> String {
    format!("sku-{no:08}")
}

pub(in crate::load) fn product(no: u64) -> ProductId {
    ProductId::new(id(no)).expect("a valid id")
}

pub(crate) fn marketplace() -> MarketplaceId {
    MarketplaceId::new("default").expect("a valid id")
}

fn edges(anchor: u64, relation: Relation, products: u64) -> EdgeList {
    let mut dice = Dice::new(anchor);
    let edges = (0..COMPANIONS).map(|place| Edge {
        companion: product((anchor + 1 + dice.below(products - 1)) % products),
        score: 100.0 / (1.0 + place as f32) + relation.code() as f32,
        basket_score: 10.0 / (1.0 + place as f32),
        source: Source::Learned,
        generated: false,
        evidence: Evidence {
            signal: Signal::CoPurchase,
            support: 20,
            anchor_count: 200,
            companion_count: 300,
            total: 1_000_000,
            lift: 12.0,
            llr: 99.0,
            window_days: 400,
        },
    });
    EdgeList {
        relation,
        edges: edges.collect(),
        refused: GateCounts::default(),
    }
}

/// Fills the cache with `products`, each an anchor with two lists, in stock.
pub(crate) async fn fill(cache: &RedisCache, products: u64) -> Result<()> {
    let shop = marketplace();
    let bestsellers: Vec<_> = (0..50_u16)
        .map(|no| (product(u64::from(no)), f32::from(100 - no)))
        .collect();
    let record = (RecordKey::Bestsellers(None), encode_bestsellers(&bestsellers));
    cache.put_records(&shop, 1, &[record]).await?;
    let all: Vec<u64> = (0..products).collect();
    publish(cache, &all, |no| Some(anchor(no, products))).await
}

/// Puts the cards and the stock of products, and a generation with the records of those that `anchor` makes one of.
pub(in crate::load) async fn publish(
    cache: &RedisCache,
    products: &[u64],
    anchor: impl Fn(u64) -> Option<AnchorEdges>,
) -> Result<()> {
    let shop = marketplace();
    let mut anchors = 0;
    for lot in products.chunks(LOT) {
        let cards: Vec<ProductCard> = lot.iter().map(|no| card(*no)).collect();
        cache.put_cards(&shop, STORE_EPOCH, &cards).await?;
        let stock: Vec<_> = lot.iter().map(|no| units(*no, 10, 1)).collect();
        cache.put_stock(&shop, STORE_EPOCH, &stock).await?;
        let made: Vec<AnchorEdges> = lot.iter().filter_map(|no| anchor(*no)).collect();
        let records: Vec<_> = made.iter().flat_map(encode_anchor).collect();
        cache.put_records(&shop, 1, &records).await?;
        anchors += made.len() as u64;
    }
    on_serve(cache, anchors).await
}

/// Puts a generation of `records` on serve, and says that the cache is whole.
pub(in crate::load) async fn on_serve(cache: &RedisCache, records: u64) -> Result<()> {
    let shop = marketplace();
    let segment = SegmentRef {
        id: 1,
        path: "made-up".into(),
        checksum: String::new(),
        bytes: 0,
        records,
    };
    let manifest = Manifest {
        generation: GenerationNo(1),
        segments: vec![segment],
        codec: CODEC,
    };
    cache.publish_manifest(&shop, 1, &manifest).await?;
    Ok(cache.mark_rebuilt(&shop, "load").await?)
}

/// What the graph says of a product among so many.
pub(in crate::load) fn anchor(no: u64, products: u64) -> AnchorEdges {
    AnchorEdges {
        anchor: product(no),
        lists: vec![
            edges(no, Relation::Together, products),
            edges(no, Relation::Complement, products),
        ],
        feedback: std::collections::BTreeMap::new(),
        paces: std::collections::BTreeMap::new(),
        bundles: Vec::new(),
    }
}

/// What is shown of a product.
pub(in crate::load) fn card(no: u64) -> ProductCard {
    ProductCard {
        id: product(no),
        shop: ShopId::new("default").expect("a valid id"),
        title: format!("Product {no}"),
        ancestors: Vec::new(),
        category: CategoryId::new(format!("category-{}", no % 500)).ok(),
        brand: Some("Acme".into()),
        series: None,
        price: Some(Money::from_minor(1_999)),
        image_uri: None,
        listing: Listing::Listed,
        skus: Vec::new(),
        provenance: Provenance::Generated,
        version: 1,
    }
}

pub(in crate::load) fn units(no: u64, units: u32, version: u64) -> Traced<StockChange> {
    Traced {
        change: StockChange {
            product: product(no),
            sku: SkuId::new(id(no)).expect("a valid id"),
            pool: Pool::Normal,
            store_version: version,
            available: i64::from(units),
            sellable: units,
            policy: tandem_domain::catalog::StockPolicy::Tracked,
            shop: None,
        },
        traceparent: String::new(),
    }
}

/// One sign of life, without which no gateway trusts its view.
pub(crate) async fn first_beat(cache: &RedisCache) -> Result<()> {
    Ok(cache.beat(&marketplace(), STORE_EPOCH, 1).await?)
}

/// Beats for ever, as the relay and the inventory worker do.
pub(crate) async fn beat(cache: &RedisCache) -> Result<()> {
    let mut ticks = tokio::time::interval(BEAT);
    for counter in 2.. {
        ticks.tick().await;
        cache.beat(&marketplace(), STORE_EPOCH, counter).await?;
    }
    Ok(())
}

/// Flips the stock of products that stand in lists, `per_second` of them, for ever: gone, and back the next time.
pub(super) async fn flip(
    cache: &RedisCache,
    products: u64,
    per_second: u32,
    version: &mut u64,
) -> Result<()> {
    const TURNS: u32 = 50;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / TURNS);
    let mut dice = Dice::new(*version);
    loop {
        ticks.tick().await;
        let flips: Vec<_> = (0..per_second / TURNS)
            .map(|_| {
                *version += 1;
                units(
                    dice.below(products),
                    u32::from(version.is_multiple_of(2)) * 10,
                    *version,
                )
            })
            .collect();
        cache.put_stock(&marketplace(), STORE_EPOCH, &flips).await?;
    }
}
