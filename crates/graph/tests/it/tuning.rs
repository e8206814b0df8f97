//! What tuning chooses, what neighbours lend, and that neither depends on anything but the history.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tandem_domain::event::EventKind;
use tandem_domain::relation::Relation;
use tandem_graph::params::{Ridge, RidgeMix};
use tandem_graph::{Attempt, EpochRecord, Facts, Params, build, shard};

use crate::market::{Happening, TODAY, built_with, die, edge, facts, happening, histories, product};
use crate::oracle::{also_viewed, bought, common, orders};

/// Parameters under which neighbours lend to every row.
pub(crate) fn lending() -> Params {
    let mut params = Params::default();
    params.together.ridge = Some(Ridge {
        penalty: 3.0,
        mix: RidgeMix::Half,
        least_baskets: 1,
        ..Ridge::default()
    });
    params.viewed.two_hop = 0.5;
    params
}

/// 3,000 orders and sessions over 100 days: products come in fives that go together, the first of each most often.
fn busy() -> Vec<Happening> {
    let mut dice = die(7);
    let mut all = Vec::new();
    for number in 0..3000_i64 {
        let five = dice(8) * 5;
        let mut items = BTreeSet::from([five + dice(2), five + dice(5), dice(40)]);
        items.insert(five + dice(5));
        for (step, item) in items.into_iter().enumerate() {
            for (kind, prefix) in [(EventKind::Purchase, "o"), (EventKind::View, "s")] {
                let mut one = happening(kind, &format!("{prefix}{number}"), &format!("p{item:02}"));
                one.time_ms = (TODAY - 100 + number / 30) * 86_400_000 + number * 1000 + step as i64;
                all.push(one);
            }
        }
    }
    all
}

fn tuned_on(threads: usize, facts: &Facts) -> EpochRecord {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| EpochRecord::tuned(facts, &Params::default()))
}

#[test]
fn the_choice_and_its_edges_do_not_depend_on_threads_shards_or_the_order_of_rows() {
    let all = busy();
    let first = facts(Vec::new(), &all);
    let epoch = tuned_on(1, &first);
    let mut turned = all;
    turned.reverse();
    turned.rotate_left(1234);
    let second = facts(Vec::new(), &turned);
    assert_eq!(epoch, tuned_on(2, &second));
    assert_eq!(epoch, tuned_on(4, &first));

    let text = serde_json::to_string(&epoch).unwrap();
    let back: EpochRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(back, epoch);
    let whole = build(&first, &epoch, &|_| ()).anchors;
    let parts = (0..7).flat_map(|number| shard(&second, &back, number, 7));
    assert_eq!(parts.collect::<Vec<_>>(), whole);
}

#[test]
fn a_busy_history_is_judged_in_every_attempt() {
    let epoch = tuned_on(2, &facts(Vec::new(), &busy()));
    let findings = &epoch.tuning().unwrap().findings;
    let attempts: Vec<Attempt> = findings.iter().map(|one| one.attempt).collect();
    use Attempt::{AlsoViewed, BasketScore, Ridge, Score, TwoHop};
    assert_eq!(attempts, [BasketScore, Ridge, Score, AlsoViewed, TwoHop]);
    for one in findings {
        assert!(one.queries >= 300 && one.before > 0, "{one}");
    }
    let gained = |one: &&tandem_graph::Finding| matches!(one.attempt, BasketScore | Score | AlsoViewed);
    for one in findings.iter().filter(gained) {
        assert!(one.after >= one.before, "{one}");
    }
}

#[test]
fn thin_history_keeps_what_was_given_and_says_so() {
    let params = lending();
    let all: Vec<Happening> = busy().into_iter().take(400).collect();
    let epoch = EpochRecord::tuned(&facts(Vec::new(), &all), &params);
    assert_eq!(epoch.params(), &params);
    for finding in &epoch.tuning().unwrap().findings {
        assert!(finding.verdict.contains("300 are needed"), "{finding}");
    }
}

/// Gaussian elimination with pivoting.
fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for column in 0..n {
        let best = (column..n).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()));
        a.swap(column, best.unwrap());
        b.swap(column, best.unwrap());
        let pivot = a[column].clone();
        for row in column + 1..n {
            let factor = a[row][column] / pivot[column];
            for (cell, above) in a[row].iter_mut().zip(&pivot).skip(column) {
                *cell -= factor * above;
            }
            b[row] -= factor * b[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|at| a[row][at] * b[at]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b
}

/// (anchor, companion) → vote: half the closed form, half a regression of the companion on all its anchors.
fn votes(all: &[Happening], penalty: f64) -> BTreeMap<(String, String), f64> {
    let (orders, halvings) = (orders(all), bought(all));
    let products: BTreeSet<&String> = orders.values().flat_map(BTreeMap::keys).collect();
    let mut weights_of = BTreeMap::new();
    for a in &products {
        let weight = |b: &String| common(&orders, &halvings, (a, b), 0.5).1;
        weights_of.extend(products.iter().map(|b| ((*a, *b), weight(b))));
    }
    let together = |a: &String, b: &String| -> f64 { weights_of[&(a, b)] };
    let size = |id: &str| orders.values().filter(|basket| basket.contains_key(id)).count() as f64 + 20.0;
    let (mut closed, mut weights) = (BTreeMap::new(), BTreeMap::new());
    for &target in &products {
        let near = products
            .iter()
            .copied()
            .filter(|id| *id != target && together(id, target) > 0.0);
        let near: Vec<&String> = near.collect();
        let cell = |a: &String, b: &String| together(a, b) + if a == b { penalty } else { 0.0 };
        let system = near
            .iter()
            .map(|a| near.iter().map(|b| cell(a, b)).collect())
            .collect();
        let solution = eliminate(system, near.iter().map(|a| together(a, target)).collect());
        for (anchor, weight) in near.into_iter().zip(solution) {
            let pair = (anchor.clone(), target.clone());
            let vote = together(anchor, target) * size(anchor).powf(-0.85) * size(target).powf(-0.3);
            closed.insert(pair.clone(), vote.powf(1.4));
            weights.insert(pair, weight.max(0.0));
        }
    }
    let kept = || closed.iter().filter(|(pair, _)| weights[*pair] > 0.0);
    let unit = kept().map(|(_, vote)| vote).sum::<f64>() / weights.values().sum::<f64>();
    closed
        .iter()
        .map(|(pair, vote)| (pair.clone(), f64::midpoint(*vote, unit * weights[pair])))
        .collect()
}

/// What a record lends is kept in steps of 2^-20; `size` is what 1 of it is worth.
fn is_close(found: f32, expected: f64, size: f64) -> bool {
    (f64::from(found) - expected).abs() <= 1e-4 * expected + size / f64::from(1 << 20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn regressed_votes_are_what_plain_elimination_finds(all in histories(120)) {
        let mut params = lending();
        params.gates.strong_support = 1;
        params.recipes.clear();
        let products = (0..10).map(|n| product(&format!("p{n:02}"))).collect();
        let build = built_with(&params, products, &all);
        for ((anchor, companion), vote) in votes(&all, 3.0) {
            let edge = edge(&build, &anchor, Relation::Together, &companion);
            prop_assert!(edge.is_some(), "{anchor} {companion}");
            let found = edge.unwrap().basket_score;
            prop_assert!(is_close(found, vote, 1.0), "{} {}: {} not {}", anchor, companion, found, vote);
        }
    }

    #[test]
    fn two_hops_are_what_plain_loops_find(all in histories(120)) {
        let mut params = lending();
        params.season.gamma = 0.0;
        let products = (0..10).map(|n| product(&format!("p{n:02}"))).collect();
        let build = built_with(&params, products, &all);
        let ids: Vec<String> = (0..12).map(|n| format!("p{n:02}")).collect();
        let rows: BTreeMap<&String, BTreeMap<String, f64>> = ids.iter().map(|id| {
            let row = also_viewed(&all, id, false);
            (id, row.into_iter().map(|(score, _, other)| (other, f64::from(score))).collect())
        }).collect();
        let mass = |id: &String| rows[id].values().sum::<f64>();
        for (anchor, row) in &rows {
            for target in ids.iter().filter(|id| id != anchor) {
                let far: f64 = row.iter().map(|(between, first)| {
                    first / mass(anchor) * rows[between].get(target).copied().unwrap_or(0.0) / mass(between)
                }).sum();
                let expected = row.get(target).copied().unwrap_or(0.0) + 0.5 * mass(anchor) * far;
                let found = edge(&build, anchor, Relation::AlsoViewed, target).map_or(0.0, |edge| edge.score);
                prop_assert!(is_close(found, expected, mass(anchor)), "{} {}: {} not {}", anchor, target, found, expected);
            }
        }
    }
}
