//! Rows of one signal apart from any frame: what tuning tries settings on and what neighbours lend is frozen from.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::facts::{Baskets, dense};
use crate::params::Gates;
use crate::significance::XLogX;

/// The baskets of a signal with the marginals and the gate of `together` over them.
pub(crate) struct Ground<'a> {
    pub(crate) baskets: &'a Baskets,
    /// Baskets per product.
    pub(crate) counts: Vec<u32>,
    listed: &'a [bool],
    gates: &'a Gates,
    /// As in a frame: per count of an anchor, the most common companion at which so many common baskets are more than
    /// chance; of as many as the last, and of more, every companion.
    chance: FxHashMap<u32, Box<[u32]>>,
}

impl<'a> Ground<'a> {
    pub(crate) fn new(baskets: &'a Baskets, listed: &'a [bool], gates: &'a Gates) -> Self {
        let counts: Vec<u32> = (0..dense(listed.len())).map(|item| baskets.count(item)).collect();
        let total = dense(baskets.len());
        let table = XLogX::up_to(total);
        let mut chance = FxHashMap::default();
        for &anchor in &counts {
            chance.entry(anchor).or_insert_with(|| {
                let of = |both| table.largest_significant(both, anchor, total, gates.chance);
                (0..gates.strong_support).map(of).chain([u32::MAX]).collect()
            });
        }
        Self {
            baskets,
            counts,
            listed,
            gates,
            chance,
        }
    }

    pub(crate) fn products(&self) -> usize {
        self.counts.len()
    }

    /// Whether a product may stand in lists at all.
    pub(crate) fn is_listed(&self, item: u32) -> bool {
        self.listed[item as usize]
    }

    /// Whether a product may stand in the anchor's list at all.
    pub(crate) fn is_companion(&self, anchor: u32, item: u32) -> bool {
        (item != anchor) & self.is_listed(item)
    }

    /// The gate of `together` beside an anchor.
    pub(crate) fn gate(&self, anchor: u32) -> Gate<'_> {
        Gate {
            least: self.gates.least_support.max(1),
            most: &self.chance[&self.counts[anchor as usize]],
        }
    }
}

/// The gate of `together` beside one anchor: enough common baskets, and more than chance has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate<'g> {
    least: u32,
    /// By common baskets, the most common companion that chance does not explain; the last is of as many and of more.
    most: &'g [u32],
}

impl Gate<'_> {
    /// Enough common baskets, be it by chance.
    #[inline]
    pub(crate) const fn is_supported(&self, support: u32) -> bool {
        support >= self.least
    }

    /// Whether a companion of `count` baskets passes with so many common ones.
    #[inline]
    pub(crate) fn passes(&self, support: u32, count: u32) -> bool {
        let most = self.most[(support as usize).min(self.most.len() - 1)];
        self.is_supported(support) & (count <= most)
    }
}

/// Keeps the best `size` in order: larger values first, then smaller indexes.
pub(crate) fn keep_best<T>(row: &mut Vec<T>, size: usize, key: impl Fn(&T) -> (f64, u32)) {
    keep_some(row, size, &key);
    row.sort_unstable_by(|a, b| best_first(key(a), key(b)));
}

/// As [`keep_best`], in any order.
pub(crate) fn keep_some<T>(row: &mut Vec<T>, size: usize, key: impl Fn(&T) -> (f64, u32)) {
    if row.len() > size {
        row.select_nth_unstable_by(size, |a, b| best_first(key(a), key(b)));
        row.truncate(size);
    }
}

fn best_first((a, first): (f64, u32), (b, second): (f64, u32)) -> Ordering {
    b.total_cmp(&a).then(first.cmp(&second))
}
