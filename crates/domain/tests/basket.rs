//! How the votes of many anchors become one list, against plain loops and one rule at a time.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;

use proptest::prelude::*;
use rustc_hash::FxBuildHasher;
use tandem_domain::clock::Timestamp;
use tandem_domain::edge::{Candidate, Source};
use tandem_domain::id::{LinkId, ProductId, ShopId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::overlay::{Ballot, Marks, Ranked, Slate, fuse, recency_weight};
use tandem_domain::relation::Relation;

const RELATIONS: [Relation; 2] = [Relation::Together, Relation::Complement];

fn product(name: &str) -> ProductId {
    ProductId::new(name).expect("a valid id")
}

fn candidate(name: &str, relation: Relation, basket_score: f32) -> Candidate {
    Candidate {
        product: product(name),
        relation,
        score: 0.0,
        basket_score,
        feedback: 1.0,
        source: Source::Learned,
        generated: false,
    }
}

fn slate(candidates: &[Candidate], marks: &Marks) -> Slate {
    let named = candidates.iter().map(|candidate| Candidate {
        product: candidate.product.as_str(),
        relation: candidate.relation,
        score: candidate.score,
        basket_score: candidate.basket_score,
        feedback: candidate.feedback,
        source: candidate.source,
        generated: candidate.generated,
    });
    Slate::of(named, marks, |product| FxBuildHasher.hash_one(product))
}

fn names<'a>(fused: &[Ranked<'a>]) -> Vec<&'a str> {
    fused.iter().map(Ranked::product).collect()
}

fn boosted(companions: &[(&str, f32)]) -> Marks {
    let link = |(companion, factor): &(&str, f32)| Link {
        id: LinkId::new(companion).expect("a valid id"),
        shop: ShopId::new("s").expect("a valid id"),
        input: LinkInput {
            anchor: product("a"),
            companion: product(companion),
            effect: LinkEffect::Boost { factor: *factor },
            relation: None,
            surface: None,
            valid_from: None,
            valid_until: None,
            reason: String::new(),
        },
        version: 1,
        author: "test".to_owned(),
        created: Timestamp::from_ms(0),
        deleted: None,
    };
    let links = AnchorLinks {
        anchor: product("a"),
        version: 1,
        links: companions.iter().map(link).collect(),
    };
    let surface = SurfaceId::new("cart").expect("a valid id");
    Marks::of(&links, &surface, Timestamp::from_ms(1_000))
}

#[test]
fn votes_are_summed_and_the_recent_anchor_weighs_more() {
    let marks = Marks::default();
    let [older, newer] = ["x", "y"].map(|own| {
        let own = candidate(own, Relation::Together, 1.0);
        slate(&[own, candidate("both", Relation::Together, 0.6)], &marks)
    });
    let ballots = [(&older, 1), (&newer, 0)].map(|(slate, newer)| Ballot {
        slate,
        weight: recency_weight(newer),
    });
    let fused = fuse(&ballots, &[Relation::Together]);
    assert_eq!(names(&fused), ["both", "y", "x"]);
}

#[test]
fn ranks_not_scores_fuse_the_relations() {
    let votes = [
        candidate("p", Relation::Together, 1_000.0),
        candidate("q", Relation::Together, 999.0),
        candidate("q", Relation::Complement, 0.02),
        candidate("r", Relation::Complement, 0.01),
    ];
    let slate = slate(&votes, &Marks::default());
    let ballot = Ballot {
        slate: &slate,
        weight: 1.0,
    };
    let fused = fuse(&[ballot], &RELATIONS);
    assert_eq!(names(&fused)[0], "q");
    assert_eq!(fused[0].relation, Relation::Complement);
    assert_eq!(fused.len(), 3);
}

#[test]
fn a_boost_weighs_the_votes_of_its_own_anchor_alone() {
    let (boost, plain) = (boosted(&[("x", 3.0), ("y", 9.0)]), Marks::default());
    let mine = slate(&[candidate("x", Relation::Together, 1.0)], &boost);
    let other = slate(&[candidate("y", Relation::Together, 2.0)], &plain);
    let ballots = [&mine, &other].map(|slate| Ballot { slate, weight: 1.0 });
    assert_eq!(names(&fuse(&ballots, &[Relation::Together])), ["x", "y"]);
    let joined = Marks::joined([&boost, &plain]);
    assert!(
        (joined.factor("x", None) - 1.0).abs() < f32::EPSILON,
        "weighed once"
    );
}

/// The same in plain loops, as the documentation of [`fuse`] has it.
fn plainly(ballots: &[(Vec<Candidate>, f64)], asked: &[Relation]) -> Vec<(ProductId, Source, Relation, f32)> {
    let mut fused = Vec::new();
    for source in [
        Source::Manual,
        Source::Learned,
        Source::Attribute,
        Source::Bestseller,
    ] {
        let mut values: BTreeMap<ProductId, (f64, usize, Relation)> = BTreeMap::new();
        let others = Relation::ALL.iter().filter(|relation| !asked.contains(relation));
        for relation in asked.iter().chain(others) {
            let mut votes: BTreeMap<ProductId, f64> = BTreeMap::new();
            for (candidates, weight) in ballots {
                for candidate in candidates {
                    if candidate.source == source && candidate.relation == *relation {
                        let vote = weight * f64::from(candidate.basket_score);
                        *votes.entry(candidate.product.clone()).or_default() += vote;
                    }
                }
            }
            let mut votes: Vec<_> = votes.into_iter().collect();
            votes.sort_by(|(_, one), (_, other)| other.total_cmp(one));
            for (rank, (product, _)) in votes.into_iter().enumerate() {
                let (value, best, named) = values.entry(product).or_insert((0.0, rank, *relation));
                *value += 1.0 / (61.0 + rank as f64);
                if rank < *best {
                    (*best, *named) = (rank, *relation);
                }
            }
        }
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(|(_, (one, ..)), (_, (other, ..))| other.total_cmp(one));
        let shown = |(product, (value, _, relation))| (product, source, relation, value as f32);
        fused.extend(values.into_iter().map(shown));
    }
    fused
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let relation = prop::sample::select(Relation::ALL.to_vec());
    let source = prop::sample::select(vec![Source::Learned, Source::Attribute]);
    (0..12_u8, relation, 0..4_u8, source).prop_map(|(no, relation, score, source)| Candidate {
        source,
        ..candidate(&format!("p{no:02}"), relation, f32::from(score))
    })
}

proptest! {
    #[test]
    fn it_is_what_plain_loops_find(
        ballots in prop::collection::vec(
            (prop::collection::vec(any_candidate(), 0..20), 0..3_u8).prop_map(|(votes, weight)| (votes, f64::from(weight))),
            0..5,
        ),
        asked in prop::sample::subsequence(Relation::ALL.to_vec(), 0..=3).prop_shuffle(),
    ) {
        let slates: Vec<Slate> = ballots.iter().map(|(votes, _)| slate(votes, &Marks::default())).collect();
        let cast = slates.iter().zip(&ballots).map(|(slate, (_, weight))| Ballot { slate, weight: *weight });
        let cast: Vec<Ballot<'_>> = cast.collect();
        let fused = fuse(&cast, &asked);
        let fused: Vec<_> = fused
            .iter()
            .map(|ranked| (product(ranked.product()), ranked.source, ranked.relation, ranked.score))
            .collect();
        prop_assert_eq!(fused, plainly(&ballots, &asked));
    }
}
