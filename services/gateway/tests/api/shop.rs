//! A small shop around a phone, as the graph worker and the inventory worker would have left it in the cache.

use std::collections::BTreeMap;

use tandem_cache::codec::{encode_anchor, encode_bestsellers};
use tandem_cache::port::{Cache, RecordKey, Traced};
use tandem_domain::bundle::{BundleMember, LearnedBundle};
use tandem_domain::catalog::{CardSku, Listing, ProductCard, Provenance, StockPolicy};
use tandem_domain::clock::Timestamp;
use tandem_domain::edge::{AnchorEdges, Edge, EdgeList, Evidence, GateCounts, Signal, Source};
use tandem_domain::generation::{GenerationNo, Manifest, SegmentRef};
use tandem_domain::id::{CategoryId, MarketplaceId, ProductId, ShopId, SkuId};
use tandem_domain::money::Money;
use tandem_domain::pace::Pace;
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Pool, StockChange};

/// 2025-01-01T00:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_735_689_600_000);

/// The epoch of SQL in these tests.
pub(crate) const STORE_EPOCH: u64 = 1;

/// Product, category, price in pence. `cold` is in no list; `odd` has neither category nor price.
pub(crate) const PRODUCTS: [(&str, &str, i64); 12] = [
    ("phone", "phones", 50_000),
    ("phone-b", "phones", 48_000),
    ("phone-pro", "phones", 70_000),
    ("case", "cases", 1_500),
    ("case-b", "cases", 1_900),
    ("charger", "chargers", 2_500),
    ("charger-b", "chargers", 2_900),
    ("film", "films", 500),
    ("film-b", "films", 700),
    ("stand", "stands", 1_200),
    ("cold", "phones", 40_000),
    ("odd", "", 0),
];

pub(crate) fn marketplace() -> MarketplaceId {
    MarketplaceId::new("default").expect("an id")
}

pub(crate) fn product(id: &str) -> ProductId {
    ProductId::new(id).expect("an id")
}

fn edge(companion: &str, score: f32, signal: Signal, support: u32) -> Edge {
    let learned = signal != Signal::Attributes;
    Edge {
        companion: product(companion),
        score,
        basket_score: score * 2.0,
        source: if learned {
            Source::Learned
        } else {
            Source::Attribute
        },
        generated: companion == "stand",
        evidence: Evidence {
            signal,
            support,
            anchor_count: if learned { 214 } else { 0 },
            companion_count: if learned { 300 } else { 0 },
            total: if learned { 20_000 } else { 0 },
            lift: 12.5,
            llr: 99.0,
            window_days: 400,
        },
    }
}

fn list(relation: Relation, edges: Vec<Edge>) -> EdgeList {
    let refused = GateCounts {
        support: 7,
        significance: 3,
        ..GateCounts::default()
    };
    EdgeList {
        relation,
        edges,
        refused,
    }
}

fn member(id: &str, role: &str, stand_in: &str) -> BundleMember {
    BundleMember {
        product: product(id),
        role: role.into(),
        quantity: 1,
        support: 80,
        alternates: vec![product(stand_in)],
    }
}

/// Of the phone, which is a bestseller: two slow movers, a new companion, and one that is sold off.
fn paces() -> BTreeMap<ProductId, Pace> {
    let pace = |age, sold, clearance| Pace {
        since: NOW.day() - age,
        sold,
        clearance,
    };
    [
        (product("stand"), pace(300, Some(2), false)),
        (product("phone-b"), pace(300, Some(4), false)),
        (product("film"), pace(3, None, false)),
        (product("case-b"), pace(300, Some(60), true)),
    ]
    .into()
}

fn phone() -> AnchorEdges {
    use Signal::{Attributes, CoPurchase, CoView};
    let bundle = |members, score, support| LearnedBundle {
        members,
        score,
        support,
        anchor_count: 214,
        generated: false,
    };
    AnchorEdges {
        anchor: product("phone"),
        lists: vec![
            list(
                Relation::Together,
                vec![
                    edge("charger", 9.0, CoPurchase, 122),
                    edge("stand", 4.0, CoPurchase, 30),
                ],
            ),
            list(
                Relation::Complement,
                vec![
                    edge("case", 0.9, CoPurchase, 122),
                    edge("charger", 0.8, CoPurchase, 122),
                    edge("film", 0.7, CoPurchase, 60),
                    edge("case-b", 0.6, CoPurchase, 20),
                ],
            ),
            list(Relation::Substitute, vec![edge("phone-b", 0.5, CoView, 40)]),
            list(Relation::Upsell, vec![edge("phone-pro", 0.4, CoView, 10)]),
            list(Relation::Series, vec![edge("phone-b", 0.3, Attributes, 0)]),
        ],
        feedback: [(product("case-b"), 2.0)].into(),
        paces: paces(),
        bundles: vec![
            bundle(
                vec![
                    member("case", "cases", "case-b"),
                    member("charger", "chargers", "charger-b"),
                    member("film", "films", "film-b"),
                ],
                3.0,
                41,
            ),
            bundle(
                vec![
                    member("case-b", "cases", "case"),
                    member("stand", "stands", "odd"),
                ],
                1.0,
                0,
            ),
        ],
    }
}

pub(crate) fn anchor(id: &str, together: &[(&str, f32)]) -> AnchorEdges {
    let edges = together
        .iter()
        .map(|(companion, score)| edge(companion, *score, Signal::CoPurchase, 5));
    AnchorEdges {
        anchor: product(id),
        lists: vec![list(Relation::Together, edges.collect())],
        feedback: BTreeMap::new(),
        paces: BTreeMap::new(),
        bundles: Vec::new(),
    }
}

/// Publishes the shop's graph as generation `no`.
pub(crate) async fn publish(cache: &dyn Cache, no: u64) {
    let anchors = [
        phone(),
        anchor("case", &[("film", 3.0), ("phone", 2.0), ("stand", 1.0)]),
        anchor("charger", &[("film", 2.0), ("case-b", 1.5)]),
    ];
    let mut records: Vec<_> = anchors.iter().flat_map(encode_anchor).collect();
    let best = |entries: &[(&str, f32)]| {
        encode_bestsellers(
            &entries
                .iter()
                .map(|(id, score)| (product(id), *score))
                .collect::<Vec<_>>(),
        )
    };
    let phones = CategoryId::new("phones").expect("an id");
    let of_phones = best(&[("phone-b", 90.0), ("phone", 60.0), ("phone-pro", 50.0)]);
    records.push((RecordKey::Bestsellers(Some(phones)), of_phones));
    records.push((
        RecordKey::Bestsellers(None),
        best(&[("film", 900.0), ("phone-b", 90.0), ("charger", 80.0)]),
    ));
    let manifest = Manifest {
        generation: GenerationNo(no),
        segments: vec![SegmentRef {
            id: no,
            path: format!("segment-{no}"),
            checksum: String::new(),
            bytes: 0,
            records: records.len() as u64,
        }],
        codec: tandem_cache::codec::CODEC,
    };
    let shop = marketplace();
    cache
        .put_records(&shop, no, &records)
        .await
        .expect("the cache answers");
    cache
        .publish_manifest(&shop, no, &manifest)
        .await
        .expect("the cache answers");
}

/// Cards of every product. The phone comes in two colours, white being dearer.
pub(crate) async fn catalogue(cache: &dyn Cache) {
    let cards: Vec<_> = PRODUCTS
        .iter()
        .map(|(id, category, price)| card(id, category, *price))
        .collect();
    cache
        .put_cards(&marketplace(), STORE_EPOCH, &cards)
        .await
        .expect("the cache answers");
}

pub(crate) fn card(id: &str, category: &str, price: i64) -> ProductCard {
    let sku = |suffix: &str, price: Option<i64>| CardSku {
        id: SkuId::new(format!("{id}{suffix}")).expect("an id"),
        price: price.map(Money::from_minor),
    };
    ProductCard {
        id: product(id),
        shop: ShopId::new("default").expect("an id"),
        title: format!("The {id}"),
        ancestors: Vec::new(),
        category: CategoryId::new(category).ok(),
        brand: Some("Acme".into()),
        series: None,
        price: (price > 0).then(|| Money::from_minor(price)),
        image_uri: None,
        listing: Listing::Listed,
        skus: match id {
            "phone" => vec![sku("-black", None), sku("-white", Some(51_000))],
            _ => vec![sku("-sku", None)],
        },
        provenance: Provenance::Real,
        version: 1,
    }
}

/// A stock change of one SKU.
pub(crate) fn stock(id: &str, sku: &str, pool: Pool, units: u32, version: u64) -> Traced<StockChange> {
    Traced {
        change: StockChange {
            product: product(id),
            sku: SkuId::new(sku).expect("an id"),
            pool,
            store_version: version,
            available: i64::from(units),
            sellable: units,
            policy: StockPolicy::Tracked,
            shop: ShopId::new("default").ok(),
        },
        traceparent: String::new(),
    }
}

/// Ten of everything; 12 black phones and 8 white ones.
pub(crate) async fn stock_up(cache: &dyn Cache, version: u64) {
    let mut changes = vec![
        stock("phone", "phone-black", Pool::Normal, 12, version),
        stock("phone", "phone-white", Pool::Normal, 8, version),
    ];
    for (id, ..) in PRODUCTS.iter().filter(|(id, ..)| *id != "phone") {
        changes.push(stock(id, &format!("{id}-sku"), Pool::Normal, 10, version));
    }
    cache
        .put_stock(&marketplace(), STORE_EPOCH, &changes)
        .await
        .expect("the cache answers");
}

/// Everything, and the marker that it is whole.
pub(crate) async fn fill(cache: &dyn Cache, generation: u64, epoch: &str) {
    catalogue(cache).await;
    stock_up(cache, 1).await;
    publish(cache, generation).await;
    cache
        .mark_rebuilt(&marketplace(), epoch)
        .await
        .expect("the cache answers");
}
