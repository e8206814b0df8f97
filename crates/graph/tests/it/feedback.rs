//! Lists that learn from what shoppers make of them, in a shop whose taste is known.

use std::collections::BTreeMap;

use tandem_domain::event::EventKind::{self, Bounce, Cart, Click, Impression, Purchase, Return};
use tandem_domain::id::ProductId;
use tandem_domain::overlay::Deal;
use tandem_domain::relation::Relation;
use tandem_graph::{Answer, EpochRecord, Facts, FeedbackBuilder, Params, build, params};

use crate::market::{anchor, facts, list, product, repeated};

const COMPANIONS: usize = 20;
/// Places of a page; the last one tries things.
const PAGE: usize = 10;
const SHOPPERS: u64 = 300;

/// `anchor` is bought most often with `c00`, least often with `c19`.
fn shop() -> Facts {
    let names: Vec<String> = (0..COMPANIONS).map(|at| format!("c{at:02}")).collect();
    let mut all = Vec::new();
    for (at, name) in names.iter().enumerate() {
        all.extend(repeated(Purchase, name, 50 - at, &["anchor", name]));
    }
    let ids = names.iter().map(String::as_str).chain(["anchor"]);
    facts(ids.map(product).collect(), &all)
}

/// An event of somebody's day on a surface.
struct Seen {
    companion: String,
    position: u64,
    shopper: String,
    day: i32,
    kind: EventKind,
    surface: &'static str,
}

fn seen(companion: &str, position: u64, shopper: &str, kind: EventKind) -> Seen {
    Seen {
        companion: companion.to_owned(),
        position,
        shopper: shopper.to_owned(),
        day: 0,
        kind,
        surface: "detail_page",
    }
}

/// What scores are multiplied by after these events.
fn factors(facts: &Facts, events: &[Seen]) -> BTreeMap<ProductId, f32> {
    learned(facts, events).1
}

/// The list of the anchor, best first with its scores, and what they are to be multiplied by.
fn learned(facts: &Facts, events: &[Seen]) -> (Vec<(ProductId, f32)>, BTreeMap<ProductId, f32>) {
    let anchor_id = ProductId::new("anchor").unwrap();
    let mut builder = FeedbackBuilder::new(facts);
    for event in events {
        builder.push(&Answer {
            anchor: &anchor_id,
            companion: &ProductId::new(event.companion.as_str()).unwrap(),
            surface: event.surface,
            position: event.position,
            shopper: &event.shopper,
            day: event.day,
            kind: event.kind,
        });
    }
    let params = Params::default();
    let feedback = builder.finish(&params.feedback);
    let record = EpochRecord::freeze(facts, &params).with_feedback(&feedback);
    // As it is kept.
    let record: EpochRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    let build = build(facts, &record, &|_| ());
    let edges = &list(&build, "anchor", Relation::Together).unwrap().edges;
    let scores = edges.iter().map(|edge| (edge.companion.clone(), edge.score));
    (
        scores.collect(),
        anchor(&build, "anchor").unwrap().feedback.clone(),
    )
}

/// A number between 0 and 1 for these.
fn chance(of: (u64, u64, u64, u64)) -> f64 {
    let mut state = of.0 ^ of.1.rotate_left(16) ^ of.2.rotate_left(32) ^ of.3.rotate_left(48);
    for _ in 0..3 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    (state >> 11) as f64 / (1_u64 << 53) as f64
}

/// How shoppers are.
#[derive(Clone, Copy)]
struct Taste {
    /// How much more the companion of rank 15 is liked than all others.
    hidden: f64,
    /// The true η.
    examination: f64,
    seed: u64,
}

/// What became of the list.
struct Story {
    /// Rank of `c14` at the end of each day, from 1.
    ranks: Vec<usize>,
    /// At the end of each day.
    factors: Vec<BTreeMap<ProductId, f32>>,
}

/// Days of shoppers who see the list as the night's build left it.
fn simulate(taste: Taste, days: i32) -> Story {
    let (facts, anchor) = (shop(), ProductId::new("anchor").unwrap());
    let (mut events, mut story) = (
        Vec::new(),
        Story {
            ranks: Vec::new(),
            factors: Vec::new(),
        },
    );
    let (base, mut factors) = learned(&facts, &events);
    assert_eq!(base[14].0.as_str(), "c14", "it begins at rank 15");
    let ranked = |factors: &BTreeMap<ProductId, f32>| {
        let score = |(id, score): &(ProductId, f32)| (id.clone(), score * factors.get(id).unwrap_or(&1.0));
        let mut line: Vec<_> = base.iter().map(score).collect();
        line.sort_by(|a, b| b.1.total_cmp(&a.1));
        line.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    for day in 0..days {
        let line = ranked(&factors);
        for shopper in 0..SHOPPERS {
            let name = shopper.to_string();
            let deal = Deal {
                shopper: &name,
                day,
                anchor: &anchor,
            };
            let tried = PAGE - 1 + deal.pick(&line[PAGE - 1..]).unwrap();
            let page = line[..PAGE - 1].iter().chain([&line[tried]]);
            for (at, id) in page.enumerate() {
                let position = at as u64 + 1;
                let companion: u64 = id.as_str()[1..].parse().unwrap();
                let mut happens = |kind: EventKind, probability: f64| {
                    let of = (
                        taste.seed << 8 | u64::from(kind.code()),
                        shopper,
                        day.unsigned_abs().into(),
                        companion,
                    );
                    let happens = chance(of) < probability;
                    if happens {
                        events.push(Seen {
                            day,
                            ..seen(id.as_str(), position, &name, kind)
                        });
                    }
                    happens
                };
                let liked = if companion == 14 { taste.hidden } else { 1.0 };
                let looked = (position as f64).powf(-taste.examination);
                happens(Impression, 1.0);
                if happens(Click, 0.08 * liked * looked) {
                    happens(Purchase, 0.1);
                }
            }
        }
        factors = self::factors(&facts, &events);
        story.ranks.push(
            1 + ranked(&factors)
                .iter()
                .position(|id| id.as_str() == "c14")
                .unwrap(),
        );
        story.factors.push(factors.clone());
    }
    story
}

#[test]
fn a_better_companion_hidden_at_rank_15_is_found_and_stays() {
    for (seed, examination) in [(1, 0.7), (2, 0.7), (3, 1.0), (4, 0.5)] {
        let taste = Taste {
            hidden: 3.0,
            examination,
            seed,
        };
        let ranks = simulate(taste, 40).ranks;
        assert!(
            ranks[20..].iter().all(|rank| *rank <= 3),
            "η {examination}: {ranks:?}"
        );
    }
}

#[test]
fn noise_moves_little_and_less_and_less() {
    let spread = |factors: &BTreeMap<ProductId, f32>| {
        let squares = factors.values().map(|factor| f64::from(*factor).ln().powi(2));
        squares.sum::<f64>() / factors.len() as f64
    };
    // Root mean squares of ln over four shops, by day.
    let mut days = vec![0.0; 60];
    for seed in 1..=4 {
        let taste = Taste {
            hidden: 1.0,
            examination: 0.7,
            seed,
        };
        let factors = simulate(taste, 60).factors;
        assert!(
            factors
                .iter()
                .flat_map(BTreeMap::values)
                .all(|factor| (0.5..2.0).contains(factor)),
            "a bound is reached"
        );
        days.iter_mut()
            .zip(&factors)
            .for_each(|(sum, factors)| *sum += spread(factors) / 4.0);
    }
    let days: Vec<f64> = days.into_iter().map(f64::sqrt).collect();
    assert!(
        days[59] < 0.25 && days[59] < days[29] && days[29] < days[14],
        "{days:.2?}"
    );
}

#[test]
fn each_answer_moves_its_companion_in_its_own_direction() {
    let facts = shop();
    let shoppers: Vec<String> = (0..400).map(|shopper| format!("s{shopper}")).collect();
    let mut events = Vec::new();
    for (at, shopper) in shoppers.iter().enumerate() {
        for companion in ["c00", "c01", "c02", "c03", "c04", "c05"] {
            events.push(seen(companion, 1, shopper, Impression));
        }
        if at % 10 == 0 {
            events.extend(["c00", "c01", "c02", "c03", "c04"].map(|id| seen(id, 1, shopper, Click)));
            events.extend(["c01", "c04"].map(|id| seen(id, 1, shopper, Cart)));
            events.extend(["c02", "c04"].map(|id| seen(id, 1, shopper, Purchase)));
            events.push(seen("c03", 1, shopper, Bounce));
            events.push(seen("c04", 1, shopper, Return));
        }
    }
    let of = |factors: &BTreeMap<ProductId, f32>, id: &str| factors[&ProductId::new(id).unwrap()];
    let found = factors(&facts, &events);
    // 40 clicks; 40 + 2·40; 40 + 4·40; none; 40 + 2·40 + 4·40 − 40; none: 600 in 2,400 looks, a quarter each.
    let expected = |answers: f32| ((50.0 * 0.25 + answers) / (450.0 * 0.25)).clamp(0.5, 2.0);
    for (id, answers) in [
        ("c00", 40.0),
        ("c01", 120.0),
        ("c02", 200.0),
        ("c03", 0.0),
        ("c04", 240.0),
        ("c05", 0.0),
    ] {
        assert!(
            (of(&found, id) - expected(answers)).abs() < 1e-5,
            "{id}: {}",
            of(&found, id)
        );
    }
    events.reverse();
    assert_eq!(factors(&facts, &events), found, "in any order");
}

#[test]
fn a_trial_counts_once_at_its_best_place_and_surfaces_have_priors_of_their_own() {
    let facts = shop();
    let once = vec![
        seen("c00", 2, "a", Impression),
        seen("c00", 2, "a", Click),
        seen("c01", 1, "a", Impression),
        seen("c01", 1, "b", Impression),
    ];
    let found = factors(&facts, &once);
    assert!(found[&ProductId::new("c00").unwrap()] > 1.0);
    let mut again = once;
    // Shown again further down, clicked again and again: the same trial.
    again.extend((0..50).map(|_| seen("c00", 9, "a", Click)));
    assert_eq!(factors(&facts, &again), found);
    // A surface where nobody clicks says nothing for or against what it shows.
    again.extend((0..90).map(|at| Seen {
        surface: "cart",
        ..seen("c01", 1, &at.to_string(), Impression)
    }));
    assert_eq!(
        factors(&facts, &again)[&ProductId::new("c01").unwrap()],
        found[&ProductId::new("c01").unwrap()]
    );
}

#[test]
fn what_nobody_saw_or_the_catalogue_lacks_stays_as_it_is() {
    let facts = shop();
    assert!(factors(&facts, &[]).is_empty());
    assert!(factors(&facts, &[seen("nobody", 1, "a", Click)]).is_empty());
    let mut params = params::Params::default();
    params.feedback.prior = 0.0;
    assert_eq!(params.check().unwrap_err().name, "feedback.prior");
}
