//! The last resort of every list: what sells lately.

use std::cmp::Reverse;

use rustc_hash::FxHashSet;
use tandem_domain::id::{CategoryId, ProductId};

use crate::epoch::{EpochRecord, RECENT_ONE, recent};
use crate::facts::{Facts, NONE, dense};

/// The most products per category.
const LONGEST: usize = 50;
/// A sale counts half after so many days.
const HALF_LIFE_DAYS: u32 = 14;

/// What sells best lately in a leaf category, or anywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Bestsellers {
    /// The leaf category; `None` over all.
    pub category: Option<CategoryId>,
    /// At most 50, best first, each with its recent purchases (or views where nothing was bought), older ones
    /// counting less.
    pub products: Vec<(ProductId, f32)>,
}

/// Bestsellers over all, then per leaf category by id; categories in which nothing happened are left out.
#[must_use]
pub fn bestsellers(facts: &Facts, epoch: &EpochRecord) -> Vec<Bestsellers> {
    let mut all = of(facts, epoch, |_| true);
    all.retain(|best| !best.products.is_empty());
    all
}

/// Those over all and of every leaf category, empty ones too.
pub(crate) fn every(facts: &Facts, epoch: &EpochRecord) -> Vec<Bestsellers> {
    of(facts, epoch, |_| true)
}

/// Those over all and of the leaf categories of `items`, empty ones too; none where there are no items.
pub(crate) fn touched(facts: &Facts, epoch: &EpochRecord, items: &[u32]) -> Vec<Bestsellers> {
    if items.is_empty() {
        return Vec::new();
    }
    let leaf_of = |&item: &u32| facts.products.leaf[item as usize];
    let leaves: FxHashSet<u32> = items.iter().map(leaf_of).collect();
    of(facts, epoch, |leaf| leaves.contains(&leaf))
}

/// Bestsellers over all, then of the leaf categories that are wanted. A category that the record does not know has none:
/// it may be gone before anybody could tell.
fn of(facts: &Facts, epoch: &EpochRecord, wanted: impl Fn(u32) -> bool) -> Vec<Bestsellers> {
    let zero = epoch.day_zero();
    let bought = recent(facts, &facts.purchases, zero.day(), HALF_LIFE_DAYS);
    let viewed = recent(facts, &facts.views, zero.day(), HALF_LIFE_DAYS);
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); facts.products.leaves.len() + 1];
    let listed = epoch.listed(facts, &epoch.places(facts));
    for item in (0..dense(facts.products.len())).filter(|&item| listed[item as usize]) {
        members[0].push(item);
        let leaf = facts.products.leaf[item as usize];
        if leaf != NONE {
            members[leaf as usize + 1].push(item);
        }
    }
    let is_known = |leaf: usize| epoch.knows_leaf(&facts.products.leaves[leaf]);
    let asked = members.iter().enumerate().filter(|(at, _)| {
        at.checked_sub(1)
            .is_none_or(|leaf| wanted(dense(leaf)) && is_known(leaf))
    });
    let best = asked.map(|(at, items)| Bestsellers {
        category: at.checked_sub(1).map(|leaf| facts.products.leaves[leaf].clone()),
        products: top(facts, items, &bought)
            .or_else(|| top(facts, items, &viewed))
            .unwrap_or_default(),
    });
    best.collect()
}

fn top(facts: &Facts, items: &[u32], counts: &[u64]) -> Option<Vec<(ProductId, f32)>> {
    let mut best: Vec<u32> = items
        .iter()
        .copied()
        .filter(|&item| counts[item as usize] > 0)
        .collect();
    best.sort_unstable_by_key(|&item| (Reverse(counts[item as usize]), item));
    best.truncate(LONGEST);
    let shown = |item: u32| {
        let score = counts[item as usize] as f64 / RECENT_ONE as f64;
        (facts.products.ids[item as usize].clone(), score as f32)
    };
    (!best.is_empty()).then(|| best.into_iter().map(shown).collect())
}
