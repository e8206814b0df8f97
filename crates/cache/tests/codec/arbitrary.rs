//! Any valid value of each record.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tandem_domain::bundle::{BundleMember, LearnedBundle};
use tandem_domain::catalog::{CardSku, Listing, ProductCard, Provenance};
use tandem_domain::clock::Timestamp;
use tandem_domain::edge::{AnchorEdges, Edge, EdgeList, Evidence, GateCounts, Signal, Source};
use tandem_domain::generation::{GenerationNo, Manifest, SegmentRef};
use tandem_domain::id::{CategoryId, LinkId, ProductId, SeriesId, ShopId, SkuId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::money::Money;
use tandem_domain::pace::Pace;
use tandem_domain::relation::Relation;

fn id() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,20}"
}

pub(crate) fn product() -> impl Strategy<Value = ProductId> {
    id().prop_map(|id| ProductId::new(id).unwrap())
}

fn score() -> impl Strategy<Value = f32> {
    any::<f32>().prop_filter("scores are numbers", |score| !score.is_nan())
}

fn provenance() -> impl Strategy<Value = Provenance> {
    prop_oneof![Just(Provenance::Real), Just(Provenance::Generated)]
}

fn edge() -> impl Strategy<Value = Edge> {
    let scores = (score(), option::of(score()));
    let counts = (any::<u32>(), any::<u32>(), score(), score());
    (
        product(),
        scores,
        any::<bool>(),
        any::<bool>(),
        0_usize..6,
        counts,
    )
        .prop_map(
            |(companion, (score, basket_score), attribute, generated, signal, counts)| Edge {
                companion,
                score,
                basket_score: basket_score.unwrap_or(score),
                source: if attribute {
                    Source::Attribute
                } else {
                    Source::Learned
                },
                generated,
                evidence: evidence(Signal::ALL[signal], counts),
            },
        )
}

/// Evidence of one signal has the anchor's counts in common.
fn evidence(signal: Signal, (support, companion_count, lift, llr): (u32, u32, f32, f32)) -> Evidence {
    let shared = u32::from(signal.code()) * 1_000;
    Evidence {
        signal,
        support,
        anchor_count: shared,
        companion_count,
        total: shared + 1,
        lift,
        llr,
        window_days: shared + 2,
    }
}

fn refused() -> impl Strategy<Value = GateCounts> {
    (any::<[u32; 6]>(), score()).prop_map(
        |([support, significance, category, relation, price, rank], cut_off)| GateCounts {
            support,
            significance,
            category,
            relation,
            price,
            rank,
            cut_off,
        },
    )
}

fn bundle() -> impl Strategy<Value = LearnedBundle> {
    let member = (product(), ".{0,10}", any::<u32>(), vec(product(), 0..5)).prop_map(
        |(product, role, support, alternates)| BundleMember {
            product,
            role,
            quantity: 1,
            support,
            alternates,
        },
    );
    (vec(member, 2..5), score(), any::<u32>(), any::<bool>()).prop_map(
        |(members, score, support, generated)| LearnedBundle {
            members,
            score,
            support,
            anchor_count: 77,
            generated,
        },
    )
}

pub(crate) fn anchor() -> impl Strategy<Value = AnchorEdges> {
    let list = (any::<bool>(), vec(edge(), 0..20), refused());
    let factors = vec(0.5..2.0_f32, 0..9);
    let pace = (any::<i32>(), option::of(any::<u32>()), any::<bool>());
    let pace = pace.prop_map(|(since, sold, clearance)| Pace {
        since,
        sold,
        clearance,
    });
    let parts = (
        product(),
        vec(list, 6),
        factors,
        vec(pace, 0..9),
        vec(bundle(), 0..4),
    );
    parts.prop_map(|(anchor, lists, factors, paces, bundles)| AnchorEdges {
        anchor,
        paces: lists
            .iter()
            .filter(|(present, ..)| *present)
            .flat_map(|(_, edges, _)| edges)
            .map(|edge| edge.companion.clone())
            .zip(paces)
            .collect(),
        feedback: lists
            .iter()
            .filter(|(present, ..)| *present)
            .flat_map(|(_, edges, _)| edges)
            .map(|edge| edge.companion.clone())
            .zip(factors)
            .collect(),
        lists: Relation::ALL
            .into_iter()
            .zip(lists)
            .filter(|(_, (present, ..))| *present)
            .map(|(relation, (_, edges, refused))| EdgeList {
                relation,
                edges,
                refused,
            })
            .collect(),
        bundles,
    })
}

pub(crate) fn bestsellers() -> impl Strategy<Value = Vec<(ProductId, f32)>> {
    vec((product(), score()), 0..50)
}

pub(crate) fn manifest() -> impl Strategy<Value = Manifest> {
    let segment = (
        any::<u64>(),
        ".{0,30}",
        "[0-9a-f]{64}",
        any::<u64>(),
        any::<u64>(),
    )
        .prop_map(|(id, path, checksum, bytes, records)| SegmentRef {
            id,
            path,
            checksum,
            bytes,
            records,
        });
    (any::<u64>(), vec(segment, 0..9), any::<u8>()).prop_map(|(generation, segments, codec)| Manifest {
        generation: GenerationNo(generation),
        segments,
        codec,
    })
}

pub(crate) fn card() -> impl Strategy<Value = ProductCard> {
    let price = || option::of(any::<i64>().prop_map(Money::from_minor));
    let sku = (id(), price()).prop_map(|(id, price)| CardSku {
        id: SkuId::new(id).unwrap(),
        price,
    });
    let place = (
        id(),
        option::of(id()),
        vec(id(), 0..3),
        option::of(".{1,20}"),
        option::of(id()),
    );
    let look = (".{0,50}", price(), option::of(".{1,20}"), any::<bool>());
    (product(), place, look, vec(sku, 0..5), provenance(), any::<u64>()).prop_map(
        |(
            id,
            (shop, category, ancestors, brand, series),
            (title, price, image_uri, delisted),
            skus,
            provenance,
            version,
        )| {
            ProductCard {
                id,
                shop: ShopId::new(shop).unwrap(),
                title,
                category: category.map(|id| CategoryId::new(id).unwrap()),
                ancestors: ancestors
                    .into_iter()
                    .map(|id| CategoryId::new(id).unwrap())
                    .collect(),
                brand,
                series: series.map(|id| SeriesId::new(id).unwrap()),
                price,
                image_uri,
                listing: if delisted {
                    Listing::Delisted
                } else {
                    Listing::Listed
                },
                skus,
                provenance,
                version,
            }
        },
    )
}

fn effect() -> impl Strategy<Value = LinkEffect> {
    prop_oneof![
        any::<u32>().prop_map(|position| LinkEffect::Pin { position }),
        score().prop_map(|factor| LinkEffect::Boost { factor }),
        score().prop_map(|factor| LinkEffect::Bury { factor }),
        Just(LinkEffect::Exclude),
    ]
}

pub(crate) fn links() -> impl Strategy<Value = AnchorLinks> {
    let place = (option::of(0_usize..6), option::of(id()));
    let window = (option::of(any::<i64>()), option::of(any::<i64>()), any::<i64>());
    let words = (id(), id(), ".{0,9}", ".{0,9}");
    let link = (product(), effect(), place, window, words, any::<u64>());
    (product(), any::<u64>(), vec(link, 0..6)).prop_map(|(anchor, version, links)| AnchorLinks {
        version,
        links: links
            .into_iter()
            .map(
                |(companion, effect, (relation, surface), (from, until, created), words, version)| {
                    let (id, shop, author, reason) = words;
                    Link {
                        id: LinkId::new(id).unwrap(),
                        input: LinkInput {
                            anchor: anchor.clone(),
                            companion,
                            effect,
                            relation: relation.map(|at| Relation::ALL[at]),
                            surface: surface.map(|id| SurfaceId::new(id).unwrap()),
                            valid_from: from.map(Timestamp::from_ms),
                            valid_until: until.map(Timestamp::from_ms),
                            reason,
                        },
                        shop: ShopId::new(shop).unwrap(),
                        author,
                        created: Timestamp::from_ms(created),
                        deleted: None,
                        version,
                    }
                },
            )
            .collect(),
        anchor,
    })
}
