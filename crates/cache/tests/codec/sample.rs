//! One fixed value of each record.

use tandem_domain::bundle::{BundleMember, LearnedBundle};
use tandem_domain::catalog::{CardSku, Listing, ProductCard, Provenance};
use tandem_domain::clock::Timestamp;
use tandem_domain::edge::{AnchorEdges, Edge, EdgeList, Evidence, GateCounts, Signal, Source};
use tandem_domain::generation::{GenerationNo, Manifest, SegmentRef};
use tandem_domain::id::{CategoryId, LinkId, ProductId, SeriesId, ShopId, SkuId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::money::Money;
use tandem_domain::relation::Relation;
use tandem_domain::surface::Surface;

pub(crate) fn product(id: &str) -> ProductId {
    ProductId::new(id).unwrap()
}

fn evidence(signal: Signal, support: u32) -> Evidence {
    let counted = u32::from(signal != Signal::Attributes);
    Evidence {
        signal,
        support,
        anchor_count: 214 * counted,
        companion_count: 300 * counted,
        total: 18_000 * counted,
        lift: 12.5,
        llr: 88.25,
        window_days: 365 * counted,
    }
}

fn edge(companion: &str, score: f32, signal: Signal) -> Edge {
    let attribute = signal == Signal::Attributes;
    Edge {
        companion: product(companion),
        score,
        basket_score: if attribute { score } else { score / 2.0 },
        source: if attribute {
            Source::Attribute
        } else {
            Source::Learned
        },
        generated: companion == "20727",
        evidence: evidence(signal, if attribute { 0 } else { 122 }),
    }
}

pub(crate) fn anchor() -> AnchorEdges {
    let refused = GateCounts {
        support: 9,
        significance: 4,
        category: 3,
        relation: 2,
        price: 1,
        rank: 7,
        cut_off: 0.125,
    };
    let lists = vec![
        EdgeList {
            relation: Relation::Together,
            edges: vec![
                edge("20725", 0.75, Signal::CoPurchase),
                edge("20727", 0.5, Signal::CoPurchase),
            ],
            refused,
        },
        EdgeList {
            relation: Relation::Complement,
            edges: Vec::new(),
            refused,
        },
        EdgeList {
            relation: Relation::Series,
            edges: vec![
                edge("20725", 1.0, Signal::Attributes),
                edge("外套", 0.25, Signal::Attributes),
            ],
            refused: GateCounts::default(),
        },
    ];
    AnchorEdges {
        anchor: product("85123A"),
        lists,
        feedback: std::collections::BTreeMap::new(),
        paces: std::collections::BTreeMap::new(),
        bundles: vec![bundle()],
    }
}

fn bundle() -> LearnedBundle {
    let member = |id: &str, role: &str, alternates: &[&str]| BundleMember {
        product: product(id),
        role: role.to_owned(),
        quantity: 1,
        support: 31,
        alternates: alternates.iter().map(|id| product(id)).collect(),
    };
    LearnedBundle {
        members: vec![
            member("20725", "bags", &["20726", "20728"]),
            member("22423", "stands", &[]),
        ],
        score: 3.5,
        support: 17,
        anchor_count: 214,
        generated: true,
    }
}

pub(crate) fn bestsellers() -> Vec<(ProductId, f32)> {
    vec![(product("85123A"), 10.0), (product("22423"), 9.5)]
}

pub(crate) fn manifest() -> Manifest {
    let segment = |id: u64| SegmentRef {
        id,
        path: format!("demo/{id}.seg"),
        checksum: "00ff".repeat(16),
        bytes: 1_000 * id,
        records: id,
    };
    Manifest {
        generation: GenerationNo(42),
        segments: vec![segment(44), segment(7)],
        codec: 1,
    }
}

pub(crate) fn card() -> ProductCard {
    ProductCard {
        id: product("85123A"),
        shop: ShopId::new("gifts").unwrap(),
        title: "White hanging heart".to_owned(),
        ancestors: Vec::new(),
        category: Some(CategoryId::new("holder").unwrap()),
        brand: Some("Kasa".to_owned()),
        series: Some(SeriesId::new("hearts").unwrap()),
        price: Some(Money::from_minor(295)),
        image_uri: None,
        listing: Listing::Delisted,
        skus: vec![
            CardSku {
                id: SkuId::new("85123A-M").unwrap(),
                price: None,
            },
            CardSku {
                id: SkuId::new("85123A-L").unwrap(),
                price: Some(Money::ZERO),
            },
        ],
        provenance: Provenance::Generated,
        version: 3,
    }
}

pub(crate) fn links() -> AnchorLinks {
    let effects = [
        LinkEffect::Pin { position: 2 },
        LinkEffect::Boost { factor: 2.5 },
        LinkEffect::Bury { factor: 0.25 },
        LinkEffect::Exclude,
    ];
    AnchorLinks {
        anchor: product("85123A"),
        version: 8,
        links: effects
            .into_iter()
            .enumerate()
            .map(|(at, effect)| link(at, effect))
            .collect(),
    }
}

fn link(at: usize, effect: LinkEffect) -> Link {
    let odd = at % 2 == 1;
    Link {
        id: LinkId::new(format!("l{at}")).unwrap(),
        input: LinkInput {
            anchor: product("85123A"),
            companion: product("22423"),
            effect,
            relation: odd.then_some(Relation::Upsell),
            surface: odd.then(|| SurfaceId::new("cart").unwrap()),
            valid_from: odd.then_some(Timestamp::from_ms(-1)),
            valid_until: odd.then_some(Timestamp::from_ms(1_700_000_000_000)),
            reason: "spring".to_owned(),
        },
        shop: ShopId::new("gifts").unwrap(),
        author: "ada".to_owned(),
        created: Timestamp::from_ms(1_600_000_000_000),
        deleted: None,
        version: 5,
    }
}

pub(crate) fn surface() -> Surface {
    Surface::with_defaults(SurfaceId::new("live_room").unwrap())
}
