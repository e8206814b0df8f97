//! The counting kernel: one dense accumulator per signal, a list of what was touched, nothing materialised.

use crate::facts::Baskets;

/// 1.0 as a basket's fixed-point weight.
pub(crate) const ONE: u64 = 1 << 16;
/// Low bits of a cell hold the weighted count, the rest the plain one.
const WEIGHT_BITS: u32 = 40;
/// The most baskets of one product that a cell can hold; of more, the most recent count.
const MAX_BASKETS: usize = (1 << (64 - WEIGHT_BITS)) - 1;

/// Weighted and plain co-counts of one anchor, indexed by product. Integers, so that the order of baskets does not
/// matter.
#[derive(Debug)]
pub(crate) struct Counter {
    cells: Vec<u64>,
    touched: Vec<u32>,
}

impl Counter {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            cells: vec![0; products],
            touched: Vec::new(),
        }
    }

    /// Counts once more that `item` goes with the anchor, at `weight` in parts of [`ONE`].
    #[inline]
    pub(crate) fn add(&mut self, item: u32, weight: u64) {
        let cell = &mut self.cells[item as usize];
        if *cell == 0 {
            self.touched.push(item);
        }
        *cell += (1 << WEIGHT_BITS) | weight;
    }

    /// Counts every product beside the anchor in its baskets. The anchor itself is counted too.
    pub(crate) fn count(&mut self, anchor: u32, baskets: &Baskets, weights: &[u64]) {
        let of = baskets.of(anchor);
        for &basket in &of[of.len().saturating_sub(MAX_BASKETS)..] {
            let items = baskets.items(basket);
            let weight = weights[items.len()];
            for &item in items {
                self.add(item, weight);
            }
        }
    }

    /// Products counted since the last [`Self::clear`], in no particular order.
    pub(crate) fn touched(&self) -> &[u32] {
        &self.touched
    }

    /// Common baskets.
    pub(crate) fn support(&self, item: u32) -> u32 {
        (self.cells[item as usize] >> WEIGHT_BITS) as u32
    }

    /// Sum of weights of the common baskets.
    pub(crate) fn weight(&self, item: u32) -> f64 {
        (self.cells[item as usize] & ((1 << WEIGHT_BITS) - 1)) as f64 / ONE as f64
    }

    pub(crate) fn clear(&mut self) {
        for &item in &self.touched {
            self.cells[item as usize] = 0;
        }
        self.touched.clear();
    }
}

/// Fixed-point weights by basket size, 0 to `cap`.
pub(crate) fn weights(cap: usize, of: impl Fn(usize) -> f64) -> Vec<u64> {
    (0..=cap)
        .map(|size| (of(size).clamp(0.0, 1.0) * ONE as f64).round() as u64)
        .collect()
}
