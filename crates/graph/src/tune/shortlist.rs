use rayon::prelude::*;
use tandem_domain::edge::STORED_COMPANIONS;

use crate::count::{self, Counter};
use crate::damping::damping;
use crate::facts::dense;
use crate::ground::{Ground, Passing, keep_some};
use crate::params::BasketWeight;

use super::border::Border;

/// What decides the order inside a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) weight: BasketWeight,
    pub(super) lambda: f64,
    pub(super) beta: f64,
}

impl Shape {
    /// (n + λ)^-β by baskets, as far as the counts go.
    pub(super) fn damping(&self, counts: &[u32]) -> Vec<f64> {
        let most = counts.iter().max().copied().unwrap_or(0);
        (0..=most)
            .map(|count| damping(count, self.lambda, self.beta))
            .collect()
    }
}

/// Somebody on a shortlist.
#[derive(Debug, Clone, Copy)]
struct Companion {
    item: u32,
    /// Baskets.
    count: u32,
    /// The common weight.
    weight: f64,
}

/// Per anchor whoever stands among the best under some shape: rows are counted once for two basket weights, and every
/// shape is read off them.
pub(super) struct Shortlists {
    pub(super) anchors: Vec<u32>,
    /// Those of the shapes.
    weights: Vec<BasketWeight>,
    /// By place among the anchors, then by basket weight.
    rows: Vec<Vec<Vec<Companion>>>,
}

impl Shortlists {
    pub(super) fn count(ground: &Ground<'_>, cap: usize, anchors: Vec<u32>, shapes: &[Shape]) -> Self {
        let mut weights: Vec<BasketWeight> = Vec::new();
        for shape in shapes {
            if !weights.contains(&shape.weight) {
                weights.push(shape.weight);
            }
        }
        // By basket weight.
        let dampings: Vec<Vec<Vec<f64>>> = weights
            .iter()
            .map(|weight| {
                let own = shapes.iter().filter(|shape| shape.weight == *weight);
                own.map(|shape| shape.damping(&ground.counts)).collect()
            })
            .collect();
        let sizes: Vec<Vec<u64>> = weights
            .iter()
            .map(|weight| count::weights(cap, |size| weight.of(size)))
            .collect();
        let rows = anchors
            .par_iter()
            .map_init(
                || Bench::new(ground.products()),
                |bench, &anchor| {
                    let mut rows = Vec::with_capacity(weights.len());
                    for (sizes, dampings) in sizes.chunks(2).zip(dampings.chunks(2)) {
                        bench.counter.clear();
                        match sizes {
                            [first, second] => {
                                bench.counter.count_both(anchor, ground.baskets, first, second);
                            }
                            _ => bench.counter.count(anchor, ground.baskets, &sizes[0]),
                        }
                        rows.push(bench.shortlist(ground, anchor, &dampings[0], |_, one| one.cell.weight()));
                        if let Some(dampings) = dampings.get(1) {
                            rows.push(bench.shortlist(ground, anchor, dampings, |counter, one| {
                                counter.single_weight(one.item)
                            }));
                        }
                    }
                    rows
                },
            )
            .collect();
        Self {
            anchors,
            weights,
            rows,
        }
    }

    /// The stored companions of an anchor under a shape, with their damped weights, in any order; `damping` by baskets.
    pub(super) fn list(&self, place: usize, shape: &Shape, damping: &[f64]) -> Vec<(u32, f64)> {
        let weight = self.weights.iter().position(|weight| *weight == shape.weight);
        let row = weight.map_or(&[][..], |weight| &self.rows[place][weight]);
        let mut list: Vec<(u32, f64)> = row
            .iter()
            .map(|one| (one.item, one.weight * damping[one.count as usize]))
            .collect();
        keep_some(&mut list, STORED_COMPANIONS, |one| (one.1, one.0));
        list
    }
}

/// Scratch of one worker.
struct Bench {
    counter: Counter,
    room: Vec<Passing>,
    row: Vec<Companion>,
    values: Vec<f64>,
    stays: Vec<bool>,
    border: Border,
}

impl Bench {
    fn new(products: usize) -> Self {
        Self {
            counter: Counter::new(products),
            room: Vec::new(),
            row: Vec::new(),
            values: Vec::new(),
            stays: Vec::new(),
            border: Border::default(),
        }
    }

    /// Whom the counter saw, behind the gate, and who is among the best under one of the dampings.
    fn shortlist(
        &mut self,
        ground: &Ground<'_>,
        anchor: u32,
        dampings: &[Vec<f64>],
        weight: impl Fn(&Counter, &Passing) -> f64,
    ) -> Vec<Companion> {
        let passing = ground.passing(&self.counter, anchor, &mut self.room);
        self.row.clear();
        self.row.extend(passing.iter().map(|one| Companion {
            item: one.item,
            count: one.count,
            weight: weight(&self.counter, one),
        }));
        if self.row.len() <= STORED_COMPANIONS {
            return self.row.clone();
        }
        self.stays.clear();
        self.stays.resize(self.row.len(), false);
        self.border.forget();
        for damping in dampings {
            self.values.clear();
            let value = |one: &Companion| one.weight * damping[one.count as usize];
            self.values.extend(self.row.iter().map(value));
            let values = &self.values;
            let places = 0..dense(values.len());
            let least = self
                .border
                .find(STORED_COMPANIONS, places, |at| values[at as usize]);
            for (stays, value) in self.stays.iter_mut().zip(&self.values) {
                *stays |= *value >= least;
            }
        }
        let kept = self.row.iter().zip(&self.stays).filter(|one| *one.1);
        kept.map(|one| *one.0).collect()
    }
}
