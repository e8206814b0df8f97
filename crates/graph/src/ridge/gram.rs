use rayon::prelude::*;

use super::Target;
use crate::count::{self, Counter};
use crate::facts::dense;
use crate::ground::{Ground, keep_best, keep_some};

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
    /// √(d + 5).
    roots: Vec<f64>,
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
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Neighbour {
    pub(super) anchor: u32,
    /// Their co-count.
    pub(super) weight: f32,
    /// Their common weight as the closed form has it.
    pub(super) common: f64,
}

/// Scratch of one worker.
struct Bench {
    counter: Counter,
    row: Vec<(u32, f32)>,
    neighbours: Vec<Neighbour>,
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
        Self {
            ground,
            rows: (0..products).map(|_| GramRow::default()).collect(),
            roots: diagonal.iter().map(|&d| (f64::from(d) + 5.0).sqrt()).collect(),
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
                || self.bench(),
                |bench, item| {
                    bench.counter.clear();
                    bench
                        .counter
                        .count_both(item, self.ground.baskets, &self.weights, sizes);
                    let closest = self.closest(item, many, bench);
                    (self.row(item, bench), Target { item, closest })
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
                || self.bench(),
                |bench, item| {
                    bench.counter.clear();
                    bench.counter.count(item, self.ground.baskets, &self.weights);
                    (item, self.row(item, bench))
                },
            )
            .collect();
        for (item, row) in counted {
            self.rows[item as usize] = row;
        }
        targets
    }

    fn bench(&self) -> Bench {
        Bench {
            counter: Counter::new(self.ground.products()),
            row: Vec::new(),
            neighbours: Vec::new(),
        }
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

    fn closeness(&self, item: u32, weight: f32) -> f64 {
        f64::from(weight) / self.roots[item as usize]
    }

    /// Of whom the counter saw beside `own`, the closest that pass the gate, closest first. Who passes is a coin that no
    /// branch foretells: each is written, and only those who pass are counted.
    fn closest(&self, own: u32, many: usize, bench: &mut Bench) -> Vec<Neighbour> {
        let Bench {
            counter, neighbours, ..
        } = bench;
        let (gate, touched) = (self.ground.gate(own), counter.touched());
        neighbours.clear();
        neighbours.resize(touched.len(), Neighbour::default());
        let mut passing = 0;
        for &anchor in touched {
            let cell = counter.cell(anchor);
            neighbours[passing] = Neighbour {
                anchor,
                weight: cell.weight() as f32,
                common: 0.0,
            };
            let passes = gate.passes(cell.support(), self.ground.counts[anchor as usize]);
            passing += usize::from((anchor != own) & passes);
        }
        neighbours.truncate(passing);
        keep_best(neighbours, many, |one| {
            (self.closeness(one.anchor, one.weight), one.anchor)
        });
        let known = neighbours.iter().map(|one| Neighbour {
            common: counter.single_weight(one.anchor),
            ..*one
        });
        known.collect()
    }

    /// Of whom the counter saw beside `own`, those that have more baskets; of as many, those with the larger index.
    fn row(&self, own: u32, bench: &mut Bench) -> GramRow {
        let Bench { counter, row, .. } = bench;
        let counts = &self.ground.counts;
        let place = |item: u32| (u64::from(counts[item as usize]) << 32) | u64::from(item);
        let (touched, floor) = (counter.touched(), place(own));
        row.clear();
        row.resize(touched.len(), (0, 0.0));
        let mut many = 0;
        for &item in touched {
            row[many] = (item, counter.weight(item) as f32);
            many += usize::from(place(item) > floor);
        }
        row.truncate(many);
        keep_some(row, WIDTH, |&(item, weight)| (self.closeness(item, weight), item));
        GramRow {
            items: row.iter().map(|one| one.0).collect(),
            weights: row.iter().map(|one| one.1).collect(),
        }
    }
}
