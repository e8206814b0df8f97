use rayon::prelude::*;

use crate::count::{self, Counter};
use crate::facts::dense;
use crate::ground::{Ground, keep_best};

/// The most co-counts kept of all products together.
const BUDGET: usize = 1 << 25;
/// Co-counts kept per product, whatever the budget.
const FEWEST: usize = 128;
const MOST: usize = 1024;
/// γ of the co-counts.
const GAMMA: f64 = 0.5;
/// Set beside a co-count that passes the gate of `together`.
const PASSES: u32 = 1 << 31;

/// The closest co-counts of every product by `c / √((d_i + 5)(d_j + 5))`, closest first.
pub(super) struct Gram {
    offsets: Vec<usize>,
    /// Product, and [`PASSES`].
    items: Vec<u32>,
    weights: Vec<f32>,
    /// Weighted baskets per product.
    pub(super) diagonal: Vec<f32>,
}

impl Gram {
    pub(super) fn count(ground: &Ground<'_>, cap: usize) -> Self {
        let weights = count::weights(cap, |size| (size.max(1) as f64).powf(-GAMMA));
        let products = ground.products();
        let of = |item: u32| -> u64 {
            let baskets = ground.baskets.of(item).iter();
            baskets
                .map(|&basket| weights[ground.baskets.items(basket).len().min(cap)])
                .sum()
        };
        let diagonal: Vec<f32> = (0..dense(products))
            .map(|item| (of(item) as f64 / count::ONE as f64) as f32)
            .collect();
        let width = (BUDGET / products.max(1)).clamp(FEWEST, MOST);
        let rows: Vec<Vec<(u32, f32)>> = (0..dense(products))
            .into_par_iter()
            .map_init(
                || Counter::new(products),
                |counter, item| row(ground, counter, item, &weights, &diagonal, width),
            )
            .collect();
        Self::lay(&rows, diagonal)
    }

    fn lay(rows: &[Vec<(u32, f32)>], diagonal: Vec<f32>) -> Self {
        let mut gram = Self {
            offsets: vec![0],
            items: Vec::new(),
            weights: Vec::new(),
            diagonal,
        };
        for row in rows {
            gram.items.extend(row.iter().map(|one| one.0));
            gram.weights.extend(row.iter().map(|one| one.1));
            gram.offsets.push(gram.items.len());
        }
        gram
    }

    /// (product, co-count), closest first.
    pub(super) fn of(&self, item: u32) -> impl Iterator<Item = (u32, f32)> {
        let range = self.offsets[item as usize]..self.offsets[item as usize + 1];
        let weights = &self.weights[range.clone()];
        self.items[range]
            .iter()
            .map(|item| item & !PASSES)
            .zip(weights.iter().copied())
    }

    /// The closest `most` products that pass the gate, with their co-counts.
    pub(super) fn closest(&self, item: u32, most: usize) -> Vec<(u32, f32)> {
        let range = self.offsets[item as usize]..self.offsets[item as usize + 1];
        let passing = self.items[range.clone()]
            .iter()
            .zip(&self.weights[range])
            .filter(|(item, _)| **item & PASSES != 0);
        passing
            .take(most)
            .map(|(item, &weight)| (item & !PASSES, weight))
            .collect()
    }
}

fn row(
    ground: &Ground<'_>,
    counter: &mut Counter,
    item: u32,
    weights: &[u64],
    diagonal: &[f32],
    width: usize,
) -> Vec<(u32, f32)> {
    counter.clear();
    counter.count(item, ground.baskets, weights);
    let closeness = |other: u32, weight: f64| weight / (f64::from(diagonal[other as usize]) + 5.0).sqrt();
    let others = counter.touched().iter().copied().filter(|&other| other != item);
    let mut row: Vec<(u32, f64, f64)> = others
        .map(|other| {
            let weight = counter.weight(other);
            (other, weight, closeness(other, weight))
        })
        .collect();
    keep_best(&mut row, width, |one| (one.2, one.0));
    let flag = |other: u32| {
        if ground.passes(counter, item, other) {
            PASSES
        } else {
            0
        }
    };
    row.into_iter()
        .map(|(other, weight, _)| (other | flag(other), weight as f32))
        .collect()
}
