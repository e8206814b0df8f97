//! The counting kernel: one dense accumulator per signal and a list of what was touched; pairs are never
//! materialised.

mod journey;
mod session;
mod swing;

pub(crate) use journey::count_journeys;
pub(crate) use session::{Kernel, count_sessions};
pub(crate) use swing::{SwingBench, count_swing};

use crate::facts::Baskets;

/// 1.0 as a fixed-point weight.
pub(crate) const ONE: u64 = 1 << 16;

/// A cell: the weighted count in the low bits, the plain count above, on top whether anything was generated. One
/// addition counts both.
const WEIGHT_BITS: u32 = 40;
const COUNT_BITS: u32 = 23;
const GENERATED: u64 = 1 << 63;
/// The most baskets of one product that a cell can hold; of more, the most recent count.
pub(crate) const MAX_BASKETS: usize = (1 << COUNT_BITS) - 1;

/// Weighted and plain co-counts of one anchor, indexed by product. Integers, so that the order of baskets does not
/// matter.
#[derive(Debug)]
pub(crate) struct Counter {
    cells: Vec<u64>,
    /// Weighted counts for `score`, where its weights are others; empty until they are.
    singles: Vec<u64>,
    /// The first so many are touched; one place more than there are products.
    list: Vec<u32>,
    touched: usize,
}

impl Counter {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            cells: vec![0; products],
            singles: Vec::new(),
            list: vec![0; products + 1],
            touched: 0,
        }
    }

    /// Counts once more that `item` goes with the anchor, at `weight` in parts of [`ONE`]; `flag` is
    /// [`generated_flag`].
    #[inline]
    fn add(&mut self, item: u32, weight: u64, flag: u64) {
        let cell = &mut self.cells[item as usize];
        // Written always and counted once: whether a product is new is a coin that no branch foretells.
        self.list[self.touched] = item;
        self.touched += usize::from(*cell == 0);
        *cell = (*cell + ((1 << WEIGHT_BITS) | weight)) | flag;
    }

    /// Counts every product beside the anchor in its baskets, at the weight of the basket's size. The anchor itself
    /// is counted too.
    pub(crate) fn count(&mut self, anchor: u32, baskets: &Baskets, weights: &[u64]) {
        each_basket(anchor, baskets, |items, flag| {
            let weight = weights[items.len().min(weights.len() - 1)];
            for &item in items {
                self.add(item, weight, flag);
            }
        });
    }

    /// As [`Self::count`], and once more at the weights of `score`.
    pub(crate) fn count_both(&mut self, anchor: u32, baskets: &Baskets, weights: &[u64], singles: &[u64]) {
        self.singles.resize(self.cells.len(), 0);
        each_basket(anchor, baskets, |items, flag| {
            let weight = weights[items.len().min(weights.len() - 1)];
            let single = singles[items.len().min(singles.len() - 1)];
            for &item in items {
                self.add(item, weight, flag);
                self.singles[item as usize] += single;
            }
        });
    }

    /// Products counted since the last [`Self::clear`], in no particular order.
    pub(crate) fn touched(&self) -> &[u32] {
        &self.list[..self.touched]
    }

    /// Common baskets.
    #[inline]
    pub(crate) fn support(&self, item: u32) -> u32 {
        ((self.cells[item as usize] & !GENERATED) >> WEIGHT_BITS) as u32
    }

    /// Sum of weights of the common baskets.
    #[inline]
    pub(crate) fn weight(&self, item: u32) -> f64 {
        (self.cells[item as usize] & ((1 << WEIGHT_BITS) - 1)) as f64 / ONE as f64
    }

    /// Sum of weights of the common baskets, as `score` has them.
    #[inline]
    pub(crate) fn single_weight(&self, item: u32) -> f64 {
        match self.singles.get(item as usize) {
            Some(&weight) => weight as f64 / ONE as f64,
            None => self.weight(item),
        }
    }

    /// Whether a generated basket holds both.
    pub(crate) fn is_generated(&self, item: u32) -> bool {
        self.cells[item as usize] & GENERATED != 0
    }

    pub(crate) fn clear(&mut self) {
        for &item in &self.list[..self.touched] {
            self.cells[item as usize] = 0;
        }
        if !self.singles.is_empty() {
            for &item in &self.list[..self.touched] {
                self.singles[item as usize] = 0;
            }
        }
        self.touched = 0;
    }
}

/// Shows the products of every basket of `anchor`, and [`generated_flag`].
///
/// Baskets lie anywhere in memory, and waiting for each in turn would take longer than all counting. So they are
/// fetched some at a time: reads that do not depend on each other are under way together.
#[inline]
fn each_basket(anchor: u32, baskets: &Baskets, mut show: impl FnMut(&[u32], u64)) {
    const TOGETHER: usize = 16;
    for some in most_recent(baskets.of(anchor)).chunks(TOGETHER) {
        std::hint::black_box(baskets.fetch(some));
        for &basket in some {
            show(
                baskets.items(basket),
                generated_flag(baskets.is_generated(basket)),
            );
        }
    }
}

fn generated_flag(is_generated: bool) -> u64 {
    if is_generated { GENERATED } else { 0 }
}

/// Baskets stand oldest first.
fn most_recent(baskets: &[u32]) -> &[u32] {
    &baskets[baskets.len().saturating_sub(MAX_BASKETS)..]
}

/// Fixed-point weights by basket size, 0 to `cap`.
pub(crate) fn weights(cap: usize, of: impl Fn(usize) -> f64) -> Vec<u64> {
    (0..=cap).map(|size| fixed(of(size))).collect()
}

/// A weight between 0 and 1 in parts of [`ONE`].
fn fixed(weight: f64) -> u64 {
    (weight.clamp(0.0, 1.0) * ONE as f64).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_holds_the_most_baskets_it_promises() {
        let mut counter = Counter::new(1);
        counter.cells[0] = ((MAX_BASKETS as u64 - 1) << WEIGHT_BITS) | ((MAX_BASKETS as u64 - 1) * ONE);
        counter.add(0, ONE, GENERATED);
        assert_eq!(counter.support(0) as usize, MAX_BASKETS);
        assert_eq!(counter.weight(0), MAX_BASKETS as f64);
        assert!(counter.is_generated(0));
    }
}
