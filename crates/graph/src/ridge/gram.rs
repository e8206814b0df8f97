use rayon::prelude::*;

use super::Target;
use crate::count::{self, Counter};
use crate::facts::dense;
use crate::ground::Ground;
use crate::rank::Best;

/// Co-counts kept per product. More change nothing that validation notices, half as many do.
const WIDTH: usize = 128;
/// γ of the co-counts.
const GAMMA: f64 = 0.5;

/// Co-counts `c` of products, each pair once: beside the one that has fewer baskets, so that what goes with everything has
/// a short row. Of long rows the closest by `c / √((d_i + 5)(d_j + 5))`.
pub(super) struct Gram<'g> {
    ground: &'g Ground<'g>,
    /// By product; empty until they are asked for.
    rows: Vec<GramRow>,
    /// Weighted baskets per product.
    pub(super) diagonal: Vec<f32>,
    masses: Vec<Mass>,
    /// Fixed-point weights by basket size.
    weights: Vec<u64>,
}

/// The co-counts of one product with those that have more baskets.
#[derive(Debug, Default)]
pub(super) struct GramRow {
    items: Vec<u32>,
    weights: Vec<f32>,
}

impl GramRow {
    /// Reads a little of every line of the cache that holds it. The value means nothing.
    fn fetch(&self) -> u32 {
        const LINE: usize = 16;
        let items = self.items.iter().step_by(LINE);
        let weights = self.weights.iter().step_by(LINE).map(|weight| weight.to_bits());
        items.copied().chain(weights).fold(0, |sum, value| sum ^ value)
    }

    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }

    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }
}

/// An anchor close to a companion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour {
    pub(super) anchor: u32,
    /// Their co-count.
    pub(super) weight: f32,
    /// Their common weight as the closed form has it.
    pub(super) common: f64,
}

/// How common a product is: what is asked of everybody beside another stands together.
#[derive(Debug, Clone, Copy)]
struct Mass {
    /// Its baskets.
    count: u32,
    /// 1 / √(d + 5).
    scale: f32,
}

impl Mass {
    /// Larger for whoever has more baskets, of as many for a larger index.
    fn place(self, item: u32) -> u64 {
        (u64::from(self.count) << 32) | u64::from(item)
    }
}

impl<'g> Gram<'g> {
    /// Without rows yet; `cap` is the largest basket.
    pub(super) fn new(ground: &'g Ground<'g>, cap: usize) -> Self {
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
        let mass = |(&count, &d): (&u32, &f32)| Mass {
            count,
            scale: 1.0 / (d + 5.0).sqrt(),
        };
        Self {
            ground,
            rows: (0..products).map(|_| GramRow::default()).collect(),
            masses: ground.counts.iter().zip(&diagonal).map(mass).collect(),
            diagonal,
            weights,
        }
    }

    pub(super) fn of(&self, item: u32) -> &GramRow {
        &self.rows[item as usize]
    }

    /// Brings rows near: they lie anywhere in memory, and reads that do not depend on each other are under way together.
    /// The value means nothing.
    pub(super) fn fetch(&self, some: &[Neighbour]) -> u32 {
        let rows = some.iter().map(|one| self.of(one.anchor));
        rows.fold(0, |sum, row| sum ^ row.fetch())
    }

    /// Counts `targets`, ascending, with the `many` anchors closest to each that pass the gate of `together`, and then the
    /// rows of all these anchors: no other is asked for. `sizes` are the weights of the closed form.
    pub(super) fn count(&mut self, targets: Vec<u32>, many: usize, sizes: &[u64]) -> Vec<Target> {
        let (rows, targets): (Vec<GramRow>, Vec<Target>) = targets
            .into_par_iter()
            .map_init(
                || Counter::new(self.ground.products()),
                |counter, item| {
                    counter.clear();
                    if self.weights == sizes {
                        counter.count(item, self.ground.baskets, sizes);
                    } else {
                        counter.count_both(item, self.ground.baskets, &self.weights, sizes);
                    }
                    let (row, closest) = self.read(item, many, counter);
                    (row, Target { item, closest })
                },
            )
            .unzip();
        for (row, target) in rows.into_iter().zip(&targets) {
            self.rows[target.item as usize] = row;
        }
        let counted: Vec<(u32, GramRow)> = self
            .missing(&targets)
            .into_par_iter()
            .map_init(
                || Counter::new(self.ground.products()),
                |counter, item| {
                    counter.clear();
                    counter.count(item, self.ground.baskets, &self.weights);
                    (item, self.read(item, 0, counter).0)
                },
            )
            .collect();
        for (item, row) in counted {
            self.rows[item as usize] = row;
        }
        targets
    }

    /// Who is close to a target and none of them.
    fn missing(&self, targets: &[Target]) -> Vec<u32> {
        let mut is_missing = vec![false; self.ground.products()];
        for neighbour in targets.iter().flat_map(|target| &target.closest) {
            is_missing[neighbour.anchor as usize] = true;
        }
        for target in targets {
            is_missing[target.item as usize] = false;
        }
        let all = 0..dense(is_missing.len());
        all.filter(|&item| is_missing[item as usize]).collect()
    }

    /// Of whom the counter saw beside `own`, closest first, then by index: the closest that have more baskets, of as many
    /// a larger index; and the `many` closest that pass the gate. The row's own root changes no order.
    fn read(&self, own: u32, many: usize, counter: &Counter) -> (GramRow, Vec<Neighbour>) {
        let (gate, floor) = (self.ground.gate(own), self.masses[own as usize].place(own));
        let (mut larger, mut closest) = (Best::of(WIDTH), Best::of(many));
        for &item in counter.touched() {
            let (cell, mass) = (counter.cell(item), self.masses[item as usize]);
            let closeness = cell.weight() as f32 * mass.scale;
            let key = || (u64::from(closeness.to_bits()) << 32) | u64::from(u32::MAX - item);
            if larger.admits(closeness) && mass.place(item) > floor {
                larger.offer(key());
            }
            if many > 0
                && closest.admits(closeness)
                && (item != own) & gate.passes(cell.support(), mass.count)
            {
                closest.offer(key());
            }
        }
        let items = |mut best: Best| best.take().into_iter().map(|key| u32::MAX - key as u32);
        let items_of_row: Vec<u32> = items(larger).collect();
        let row = GramRow {
            weights: items_of_row
                .iter()
                .map(|&item| counter.weight(item) as f32)
                .collect(),
            items: items_of_row,
        };
        let neighbour = |anchor: u32| Neighbour {
            anchor,
            weight: counter.weight(anchor) as f32,
            common: counter.single_weight(anchor),
        };
        (row, items(closest).map(neighbour).collect())
    }
}
