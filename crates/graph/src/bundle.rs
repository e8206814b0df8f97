//! Sets: the anchor and 2–4 complements with distinct roles, drawn from one row.
//!
//! How well two companions go with each other is read off the anchor's own orders, so a set stays a matter of its row.

mod alternate;
mod orders;
mod pool;
mod search;

use tandem_domain::bundle::{BundleMember, LearnedBundle};

use crate::row::{Chosen, Row};
use crate::signals::Input;
use alternate::alternates;
use pool::Pool;
use search::Ranked;

pub(crate) use orders::PoolMarks;

/// The ranked sets of an anchor, from its complements, best first.
pub(crate) fn bundles(row: &Row<'_>, complements: &[Chosen], marks: &mut PoolMarks) -> Vec<LearnedBundle> {
    let params = &row.frame.epoch.params.bundles;
    let pool = Pool::draw(row, complements, marks);
    let ranked = if pool.len() <= params.exact {
        search::exact(&pool, params)
    } else {
        search::beam(&pool, params)
    };
    let chosen = distinct(&ranked, params.stored);
    chosen
        .into_iter()
        .map(|set| bundle(row, &pool, complements, set))
        .collect()
}

/// The best sets of which no two share more than half.
fn distinct(ranked: &[Ranked], most: usize) -> Vec<&Ranked> {
    let mut chosen: Vec<&Ranked> = Vec::new();
    for set in ranked {
        let repeats = |other: &&Ranked| {
            let smaller = set.members.count_ones().min(other.members.count_ones());
            (set.members & other.members).count_ones() * 2 > smaller
        };
        if chosen.len() < most && !chosen.iter().any(repeats) {
            chosen.push(set);
        }
    }
    chosen
}

fn bundle(row: &Row<'_>, pool: &Pool, complements: &[Chosen], set: &Ranked) -> LearnedBundle {
    let places: Vec<usize> = search::places(set.members).collect();
    let items: Vec<u32> = places.iter().map(|&place| pool.item(place)).collect();
    let members = items.iter().map(|&item| BundleMember {
        product: row.frame.facts.products.ids[item as usize].clone(),
        role: role(row, item),
        quantity: 1,
        support: row.support(Input::CoPurchase, item),
        alternates: alternates(row, complements, &items, item),
    });
    LearnedBundle {
        members: members.collect(),
        score: set.value as f32,
        support: set.support,
        anchor_count: row.frame.facts.purchases.count(row.anchor),
        generated: places.iter().any(|&place| pool.is_generated(place)),
    }
}

/// What a product does in a set: its leaf category, or itself where none is known.
fn role(row: &Row<'_>, item: u32) -> String {
    let products = &row.frame.facts.products;
    let leaf = products.leaves.get(products.leaf[item as usize] as usize);
    leaf.map_or_else(|| products.ids[item as usize].to_string(), ToString::to_string)
}
