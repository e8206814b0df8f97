//! Rows that products touch which have changed since the epoch began, or come.
//!
//! Such a product is computed itself, with everything that it shares a basket or a visitor with: their rows read what it
//! is now. By attributes alone it is proposed to no row of the record's products before the next epoch; so what it was
//! in between leaves no trace, and of the rows that the record proposed it to only those need be computed.

use crate::epoch::Stood;
use crate::facts::{Baskets, Facts, dense};
use crate::frame::Frame;

/// The rows that the unsettled products touch, each once, in the order of products.
pub(super) fn touched(frame: &Frame<'_>, unsettled: &[u32]) -> Vec<u32> {
    let facts = frame.facts;
    let mut rows = vec![false; facts.products.len()];
    unsettled.iter().for_each(|&item| rows[item as usize] = true);
    for item in facts.journeys.viewed_by_buyers(&rows) {
        rows[item as usize] = true;
    }
    beside(facts, unsettled, &mut rows);
    Groups::left(frame, unsettled).mark(frame, &mut rows);
    (0..dense(rows.len()))
        .filter(|&item| rows[item as usize])
        .collect()
}

/// Everything that shares a basket with one of `items`.
fn beside(facts: &Facts, items: &[u32], rows: &mut [bool]) {
    let mark = |baskets: &Baskets, rows: &mut [bool]| {
        for &basket in items.iter().flat_map(|&item| baskets.of(item)) {
            for &item in baskets.items(basket) {
                rows[item as usize] = true;
            }
        }
    };
    for baskets in [&facts.purchases, &facts.carts, &facts.views, &facts.scenes] {
        mark(baskets, rows);
    }
}

/// Groups of the record whose rows may have proposed a product that has changed.
#[derive(Default)]
struct Groups {
    /// By leaf of the facts.
    leaves: Vec<bool>,
    brands: Vec<u32>,
    series: Vec<u32>,
}

impl Groups {
    fn left(frame: &Frame<'_>, unsettled: &[u32]) -> Self {
        let mut groups = Self {
            leaves: vec![false; frame.facts.products.leaves.len()],
            ..Self::default()
        };
        for &item in unsettled {
            if let Some(at) = frame.place(item).filter(|_| frame.listed.get(item)) {
                groups.leave(frame, item, frame.epoch.catalogue.stood(at));
            }
        }
        groups
    }

    fn leave(&mut self, frame: &Frame<'_>, item: u32, stood: Stood) {
        let cold = &frame.epoch.params.cold_start;
        if let Some(leaf) = stood.leaf.and_then(|leaf| leaf_now(frame, leaf)) {
            if stood_among(frame, item, frame.by_leaf.of(leaf), cold.per_family) {
                self.leaves[leaf as usize] = true;
            }
            if stood_among(frame, item, frame.by_leaf.of(leaf), cold.per_category) {
                for other in frame.leaves.closest_to(leaf) {
                    self.leaves[other as usize] = true;
                }
            }
        }
        self.brands.extend(stood.brand);
        self.series.extend(stood.series);
    }

    /// Marks the settled products of the groups.
    fn mark(mut self, frame: &Frame<'_>, rows: &mut [bool]) {
        self.brands.sort_unstable();
        self.series.sort_unstable();
        let is_in = |sorted: &[u32], value: Option<u32>| {
            value.is_some_and(|value| sorted.binary_search(&value).is_ok())
        };
        for (item, row) in (0..).zip(rows) {
            let Some(at) = frame.place(item).filter(|_| frame.settled.get(item)) else {
                continue;
            };
            let stood = frame.epoch.catalogue.stood(at);
            let leaf = stood.leaf.and_then(|leaf| leaf_now(frame, leaf));
            *row |= leaf.is_some_and(|leaf| self.leaves[leaf as usize])
                || is_in(&self.brands, stood.brand)
                || is_in(&self.series, stood.series);
        }
    }
}

/// The number that a leaf of the record has in the facts.
fn leaf_now(frame: &Frame<'_>, leaf: u32) -> Option<u32> {
    let id = &frame.epoch.categories.get(leaf as usize)?.id;
    frame.facts.products.leaves.binary_search(id).ok().map(dense)
}

/// Whether a product stood among the first `most` of a group at the freeze, were all before it settled still; so it did,
/// or nearly.
fn stood_among(frame: &Frame<'_>, item: u32, members: &[u32], most: usize) -> bool {
    let settled = members.iter().filter(|&&member| frame.settled.get(member));
    settled
        .take_while(|&&member| frame.standing.is_before(member, item))
        .count()
        < most
}
