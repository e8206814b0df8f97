//! Rows of one signal apart from any frame: what tuning tries settings on and what neighbours lend is frozen from.

use rustc_hash::FxHashMap;

use crate::count::Counter;
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
    /// chance.
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
                (0..gates.strong_support).map(of).collect()
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

    /// Whether a product may stand in the anchor's list at all.
    pub(crate) fn is_companion(&self, anchor: u32, item: u32) -> bool {
        item != anchor && self.listed[item as usize]
    }

    /// The gate of `together`: enough common baskets, and more than chance has it.
    pub(crate) fn passes(&self, counter: &Counter, anchor: u32, item: u32) -> bool {
        let support = counter.support(item);
        self.is_supported(counter, item)
            && (support >= self.gates.strong_support || {
                let most = &self.chance[&self.counts[anchor as usize]][support as usize];
                self.counts[item as usize] <= *most
            })
    }

    /// Enough common baskets, be it by chance.
    pub(crate) fn is_supported(&self, counter: &Counter, item: u32) -> bool {
        let support = counter.support(item);
        support > 0 && support >= self.gates.least_support
    }

    /// Whom the counter saw beside the anchor, behind the gate, with the common weight; in an order that the counter's
    /// history decides, which the same baskets make the same.
    pub(crate) fn row(&self, counter: &Counter, anchor: u32) -> Vec<(u32, f64)> {
        let touched = counter.touched().iter().copied();
        touched
            .filter(|&item| self.is_companion(anchor, item) && self.passes(counter, anchor, item))
            .map(|item| (item, counter.weight(item)))
            .collect()
    }
}

/// Moves the best `size` to the front and drops the rest: larger values first, then smaller indexes.
pub(crate) fn keep_best<T>(row: &mut Vec<T>, size: usize, key: impl Fn(&T) -> (f64, u32)) {
    let order = |a: &T, b: &T| {
        let ((a, first), (b, second)) = (key(a), key(b));
        b.total_cmp(&a).then(first.cmp(&second))
    };
    if row.len() > size {
        row.select_nth_unstable_by(size, &order);
        row.truncate(size);
    }
    row.sort_unstable_by(order);
}
