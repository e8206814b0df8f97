//! The two ungated relations once more, in plain loops over the events.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tandem_domain::clock::DAY_MS;
use tandem_domain::event::EventKind;
use tandem_domain::relation::Relation;

use tandem_graph::Params;
use tandem_graph::params::{BasketWeight, Season};

use crate::market::{Happening, TODAY, built_with, companions, edge, histories, product};

const ONE: f64 = 65_536.0;

/// product → last time, per basket.
pub(crate) type Baskets = BTreeMap<String, BTreeMap<String, i64>>;

fn key(one: &Happening) -> Option<String> {
    match (&one.group, &one.user) {
        (Some(group), _) => Some(format!("group {group}")),
        (None, Some(user)) => Some(format!("user {user} {}", one.time_ms.div_euclid(DAY_MS))),
        (None, None) => None,
    }
}

fn zero(all: &[Happening]) -> i64 {
    all.iter().map(|one| one.time_ms).max().unwrap_or(TODAY)
}

pub(crate) fn orders(all: &[Happening]) -> Baskets {
    let oldest = zero(all) - 400 * DAY_MS;
    let mut units: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut baskets = Baskets::new();
    for one in all {
        let Some(key) = key(one) else { continue };
        let at = (key.clone(), one.product.clone());
        if one.kind == EventKind::Return {
            *units.entry(at).or_default() -= i64::from(one.quantity);
        } else if one.kind == EventKind::Purchase && one.time_ms >= oldest {
            *units.entry(at).or_default() += i64::from(one.quantity);
            let last = baskets
                .entry(key)
                .or_default()
                .entry(one.product.clone())
                .or_insert(one.time_ms);
            *last = one.time_ms.max(*last);
        }
    }
    for (key, basket) in &mut baskets {
        basket.retain(|product, _| units[&(key.clone(), product.clone())] > 0);
    }
    baskets.retain(|_, basket| !basket.is_empty());
    baskets
}

/// How often events of these kinds count half, by (basket, product): as the one of its rows in the window that counts
/// most. What came from lists of ours counts half once more; short looks do by their length; an eighth is the least.
pub(crate) fn halvings(
    all: &[Happening],
    kinds: &[(EventKind, i32)],
    days: i64,
) -> BTreeMap<(String, String), i32> {
    let oldest = zero(all) - days * DAY_MS;
    let mut found: BTreeMap<(String, String), i32> = BTreeMap::new();
    for one in all.iter().filter(|one| one.time_ms >= oldest) {
        let kind = kinds.iter().find(|(kind, _)| *kind == one.kind);
        if let (Some((_, own)), Some(key)) = (kind, key(one)) {
            let halvings = (own + i32::from(one.attributed) + short(one)).min(3);
            let least = found.entry((key, one.product.clone())).or_insert(halvings);
            *least = halvings.min(*least);
        }
    }
    found
}

/// Looks of less than ten seconds count half, of less than three a quarter.
fn short(one: &Happening) -> i32 {
    use EventKind::{Click, Search, View};
    let looked = one.dwell_ms.filter(|_| matches!(one.kind, View | Search | Click));
    looked.map_or(0, |ms| i32::from(ms < 10_000) + i32::from(ms < 3_000))
}

/// Halvings of what was bought.
pub(crate) fn bought(all: &[Happening]) -> BTreeMap<(String, String), i32> {
    halvings(all, &[(EventKind::Purchase, 0)], 400)
}

/// (common orders, their weight where an order of n products weighs n^-γ and a pair counts as its fainter line).
pub(crate) fn common(
    orders: &Baskets,
    halvings: &BTreeMap<(String, String), i32>,
    (a, b): (&str, &str),
    gamma: f64,
) -> (u32, f64) {
    let (mut support, mut weight) = (0, 0.0);
    for (key, basket) in orders {
        if basket.contains_key(a) && basket.contains_key(b) {
            let whole = (ONE * (basket.len() as f64).powf(-gamma)).round();
            let of = |id: &str| halvings[&(key.clone(), id.to_owned())];
            let faint = if a == b { 0 } else { of(a).max(of(b)) };
            support += 1;
            weight += (whole * 0.5_f64.powi(faint)).floor() / ONE;
        }
    }
    (support, weight)
}

/// Products in the order they were looked at, each with how often it counts half; what was left at once as often as it
/// was opened is not among them.
fn sessions(all: &[Happening]) -> Vec<Vec<(String, i32)>> {
    use EventKind::{Bounce, Click, Like, Search, View};
    let halvings = halvings(all, &[(View, 0), (Search, 0), (Like, 0), (Click, 1)], 90);
    let oldest = zero(all) - 90 * DAY_MS;
    let mut units: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut baskets = Baskets::new();
    for one in all {
        let Some(key) = key(one) else { continue };
        let at = (key.clone(), one.product.clone());
        if one.kind == Bounce {
            *units.entry(at).or_default() -= i64::from(one.quantity);
        } else if matches!(one.kind, View | Search | Like | Click) && one.time_ms >= oldest {
            *units.entry(at).or_default() += i64::from(one.quantity);
            let last = baskets
                .entry(key)
                .or_default()
                .entry(one.product.clone())
                .or_insert(one.time_ms);
            *last = one.time_ms.max(*last);
        }
    }
    let in_order = |(key, basket): (&String, &BTreeMap<String, i64>)| {
        let mut items: Vec<(i64, (String, String))> = basket
            .iter()
            .map(|(product, time)| (*time, (key.clone(), product.clone())))
            .filter(|(_, line)| units[line] > 0)
            .collect();
        items.sort();
        let line = |(_, line): (i64, (String, String))| {
            let halvings = halvings[&line];
            (line.1, halvings)
        };
        items.into_iter().map(line).collect()
    };
    baskets.iter().map(in_order).collect()
}

fn x_log_x(x: f64) -> f64 {
    if x > 0.0 { x * x.ln() } else { 0.0 }
}

pub(crate) fn llr(both: f64, a: f64, b: f64, n: f64) -> f64 {
    let cells = x_log_x(both) + x_log_x(a - both) + x_log_x(b - both) + x_log_x(n + both - a - b);
    2.0 * (cells - x_log_x(a) - x_log_x(n - a) - x_log_x(b) - x_log_x(n - b) + x_log_x(n))
}

/// r_j^θ: orders of late against what is usual.
fn trend(all: &[Happening], orders: &Baskets, id: &str) -> f64 {
    let late = |id: Option<&str>| {
        let of = orders
            .values()
            .filter(|basket| id.is_none_or(|id| basket.contains_key(id)));
        let weight = |basket: &BTreeMap<String, i64>| {
            let newest = basket.values().max().unwrap();
            let age = zero(all).div_euclid(DAY_MS) - newest.div_euclid(DAY_MS);
            let held = if id.is_some() { 1.0 } else { basket.len() as f64 };
            held * ((-(age as f64) / 7.0).exp2() * 1_048_576.0).round() / 1_048_576.0
        };
        of.map(weight).sum::<f64>()
    };
    let sold: usize = orders.values().map(BTreeMap::len).sum();
    let count = orders.values().filter(|basket| basket.contains_key(id)).count() as f64;
    let usual = late(None) / sold as f64;
    ((late(Some(id)) + 5.0) / (count * usual + 5.0)).powf(0.3)
}

/// The one window that is tested here.
fn spring() -> Season {
    let mut season = Season::default();
    season.windows.retain(|window| window.name == "spring");
    season
}

/// Whether a day of 2023 or 2024 lies between 1 March and 31 May.
fn is_spring(day: i64) -> bool {
    (19_783..=19_874).contains(&day) || (19_417..=19_508).contains(&day)
}

/// 1 + γ (s − 1) while it is spring, s as it was in earlier springs.
fn season(all: &[Happening], orders: &Baskets, id: &str) -> f64 {
    let today = zero(all).div_euclid(DAY_MS);
    if !is_spring(today) {
        return 1.0;
    }
    let mut first = today;
    while is_spring(first - 1) {
        first -= 1;
    }
    let of = |id: Option<&str>, in_spring: bool| {
        let held = |basket: &&BTreeMap<String, i64>| {
            let day = basket.values().max().unwrap().div_euclid(DAY_MS);
            day < first && (!in_spring || is_spring(day))
        };
        let many = |basket: &BTreeMap<String, i64>| {
            id.map_or(basket.len(), |id| usize::from(basket.contains_key(id))) as f64
        };
        orders.values().filter(held).map(many).sum::<f64>()
    };
    if of(None, true) == 0.0 {
        return 1.0;
    }
    let usual = of(None, true) / of(None, false);
    let share = (of(Some(id), true) + 20.0 * usual) / (of(Some(id), false) + 20.0);
    1.0 + 0.25 * ((share / usual).clamp(0.5, 2.0) - 1.0)
}

/// (score, support) of every companion that passes, where a basket weighs its size to the power −γ.
fn together(all: &[Happening], anchor: &str, gamma: f64) -> Vec<(f32, u32, String)> {
    let (orders, halvings) = (orders(all), bought(all));
    let count = |id: &str| orders.values().filter(|basket| basket.contains_key(id)).count() as f64;
    let products: BTreeSet<&String> = orders.values().flat_map(BTreeMap::keys).collect();
    let mut found = Vec::new();
    for other in products.into_iter().filter(|id| *id != anchor) {
        let (support, weight) = common(&orders, &halvings, (anchor, other), gamma);
        let (a, b, n) = (count(anchor), count(other), orders.len() as f64);
        let more_than_chance = f64::from(support) * n > a * b && llr(f64::from(support), a, b, n) > 3.84;
        if support >= 3 || (support > 0 && more_than_chance) {
            let factor = season(all, &orders, other) * trend(all, &orders, other);
            let score = weight * ((b + 20.0).powf(-0.1) * factor) + 2.0 * b / n;
            found.push((score as f32, support, other.clone()));
        }
    }
    best_first(found, |id| (count(id) as u64, views(all, id)))
}

fn views(all: &[Happening], id: &str) -> u64 {
    sessions(all)
        .iter()
        .filter(|session| session.iter().any(|(other, _)| other == id))
        .count() as u64
}

/// (score, support) of every companion, in season if `in_season`.
pub(crate) fn also_viewed(all: &[Happening], anchor: &str, in_season: bool) -> Vec<(f32, u32, String)> {
    let (sessions, orders) = (sessions(all), orders(all));
    let mut weights: BTreeMap<String, (f64, u32)> = BTreeMap::new();
    for session in &sessions {
        let Some(place) = session.iter().position(|(id, _)| id == anchor) else {
            continue;
        };
        for (other, (id, halvings)) in session.iter().enumerate().filter(|(other, _)| *other != place) {
            let distance = other.abs_diff(place);
            if distance <= 10 {
                let cell = weights.entry(id.clone()).or_default();
                let direction = if other > place { 1.0 } else { 0.6 };
                let whole = (ONE * direction / (distance as f64).sqrt()).round();
                let faint = session[place].1.max(*halvings);
                cell.0 += (whole * 0.5_f64.powi(faint)).floor() / ONE;
                cell.1 += 1;
            }
        }
    }
    let scored = weights.into_iter().map(|(id, (weight, support))| {
        let count = views(all, &id) as f64;
        let factor = if in_season { season(all, &orders, &id) } else { 1.0 };
        (
            (weight * ((count + 20.0).powf(-0.2) * factor)) as f32,
            support,
            id,
        )
    });
    let bought = |id: &str| orders.values().filter(|basket| basket.contains_key(id)).count() as u64;
    best_first(scored.collect(), |id| (bought(id), views(all, id)))
}

fn best_first(
    mut found: Vec<(f32, u32, String)>,
    popularity: impl Fn(&str) -> (u64, u64),
) -> Vec<(f32, u32, String)> {
    found.sort_by(|a, b| {
        b.0.total_cmp(&a.0)
            .then(popularity(&b.2).cmp(&popularity(&a.2)))
            .then(a.2.cmp(&b.2))
    });
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn lists_are_what_plain_loops_find(all in histories(160), own in proptest::option::of(0.0..2.0_f64)) {
        let products = (0..10).map(|n| product(&format!("p{n:02}"))).collect();
        let mut params = Params { season: spring(), ..Params::default() };
        params.together.single_weight = own.map(BasketWeight::Power);
        let build = built_with(&params, products, &all);
        for anchor in (0..12).map(|n| format!("p{n:02}")) {
            for (relation, expected) in [
                (Relation::Together, together(&all, &anchor, own.unwrap_or(0.5))),
                (Relation::AlsoViewed, also_viewed(&all, &anchor, true)),
            ] {
                let ids: Vec<&str> = expected.iter().map(|one| one.2.as_str()).collect();
                prop_assert_eq!(companions(&build, &anchor, relation), ids, "{:?} of {}", relation, &anchor);
                for (score, support, id) in &expected {
                    let edge = edge(&build, &anchor, relation, id).unwrap();
                    prop_assert_eq!(edge.evidence.support, *support);
                    prop_assert_eq!(edge.score, *score);
                }
            }
        }
    }
}
