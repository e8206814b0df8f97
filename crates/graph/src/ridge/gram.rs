use rayon::prelude::*;

use crate::count::{self, Counter};
use crate::facts::dense;
use crate::ground::{Ground, keep_some, lead_best};

/// The most co-counts kept of all products together.
const BUDGET: usize = 1 << 25;
/// Co-counts kept per product, whatever the budget.
const FEWEST: usize = 128;
const MOST: usize = 1024;
/// γ of the co-counts.
const GAMMA: f64 = 0.5;

/// The closest co-counts of every product by `c / √((d_i + 5)(d_j + 5))`.
pub(super) struct Gram {
    rows: Vec<GramRow>,
    /// Weighted baskets per product.
    pub(super) diagonal: Vec<f32>,
}

/// The co-counts of one product.
pub(super) struct GramRow {
    items: Vec<u32>,
    weights: Vec<f32>,
    /// How many stand in front because they are the closest that pass the gate of `together`, closest first.
    leading: usize,
}

impl GramRow {
    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }

    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }
}

impl Gram {
    /// Counts, `leading` of every row in front; `cap` is the largest basket.
    pub(super) fn count(ground: &Ground<'_>, cap: usize, leading: usize) -> Self {
        let weights = count::weights(cap, |size| (size.max(1) as f64).powf(-GAMMA));
        let products = ground.products();
        let of = |item: u32| -> u64 {
            let baskets = ground.baskets.of(item).iter();
            baskets
                .map(|&basket| weights[ground.baskets.items(basket).len().min(cap)])
                .sum()
        };
        let diagonal: Vec<f32> = (0..dense(products))
            .into_par_iter()
            .map(|item| (of(item) as f64 / count::ONE as f64) as f32)
            .collect();
        let roots: Vec<f64> = diagonal.iter().map(|&d| (f64::from(d) + 5.0).sqrt()).collect();
        let width = (BUDGET / products.max(1)).clamp(FEWEST, MOST);
        let rows = (0..dense(products))
            .into_par_iter()
            .map_init(
                || (Counter::new(products), Vec::new()),
                |(counter, close), item| {
                    counter.clear();
                    counter.count(item, ground.baskets, &weights);
                    fill(close, counter, item, &roots);
                    keep_some(close, width, |one| (one.closeness, one.item));
                    lay(close, ground, counter, item, leading)
                },
            )
            .collect();
        Self { rows, diagonal }
    }

    pub(super) fn of(&self, item: u32) -> &GramRow {
        &self.rows[item as usize]
    }

    /// The closest products that pass the gate, with their co-counts.
    pub(super) fn closest(&self, item: u32) -> Vec<(u32, f32)> {
        let row = self.of(item);
        let pairs = row.items.iter().copied().zip(row.weights.iter().copied());
        pairs.take(row.leading).collect()
    }
}

/// A product beside another.
struct Close {
    item: u32,
    weight: f64,
    closeness: f64,
}

/// Everybody beside a product; `roots` are √(d + 5).
fn fill(close: &mut Vec<Close>, counter: &Counter, own: u32, roots: &[f64]) {
    close.clear();
    close.extend(counter.touched().iter().map(|&item| {
        let weight = counter.weight(item);
        Close {
            item,
            weight,
            closeness: weight / roots[item as usize],
        }
    }));
    if let Some(at) = close.iter().position(|one| one.item == own) {
        close.swap_remove(at);
    }
}

/// Brings the closest `leading` that pass the gate to the front, in their order.
fn lay(close: &mut [Close], ground: &Ground<'_>, counter: &Counter, own: u32, leading: usize) -> GramRow {
    let gate = ground.gate(own);
    let mut passing = 0;
    for at in 0..close.len() {
        let item = close[at].item;
        if gate.passes(counter.support(item), ground.counts[item as usize]) {
            close.swap(passing, at);
            passing += 1;
        }
    }
    lead_best(&mut close[..passing], leading, |one| (one.closeness, one.item));
    GramRow {
        items: close.iter().map(|one| one.item).collect(),
        weights: close.iter().map(|one| one.weight as f32).collect(),
        leading: passing.min(leading),
    }
}
