use rayon::prelude::*;
use tandem_domain::edge::STORED_COMPANIONS;

use crate::count::{self, Counter};
use crate::damping::damping;
use crate::ground::{Ground, keep_best};
use crate::params::BasketWeight;

/// What decides the order inside a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    /// Index of the basket weight.
    pub(super) weight: usize,
    pub(super) lambda: f64,
    pub(super) beta: f64,
}

impl Shape {
    /// (n_j + λ)^-β per companion.
    pub(super) fn damping(&self, counts: &[u32]) -> Vec<f64> {
        let of = |&count: &u32| damping(count, self.lambda, self.beta);
        counts.iter().map(of).collect()
    }
}

/// Per anchor whoever stands among the best under some shape, with the common weight: rows are counted once per basket
/// weight, and every shape is read off them.
pub(super) struct Shortlists {
    pub(super) anchors: Vec<u32>,
    /// By place among the anchors, then by basket weight.
    rows: Vec<Vec<Vec<(u32, f64)>>>,
}

impl Shortlists {
    pub(super) fn count(
        ground: &Ground<'_>,
        cap: usize,
        anchors: Vec<u32>,
        weights: &[BasketWeight],
        shapes: &[Shape],
    ) -> Self {
        let damping: Vec<Vec<f64>> = shapes.iter().map(|shape| shape.damping(&ground.counts)).collect();
        let sizes: Vec<Vec<u64>> = weights
            .iter()
            .map(|weight| count::weights(cap, |size| weight.of(size)))
            .collect();
        let of = |counter: &mut Counter, anchor: u32, weight: usize| {
            counter.clear();
            counter.count(anchor, ground.baskets, &sizes[weight]);
            let own = shapes
                .iter()
                .zip(&damping)
                .filter(|(shape, _)| shape.weight == weight);
            shorten(
                ground.row(counter, anchor),
                own.map(|(_, damping)| damping.as_slice()),
            )
        };
        let rows = anchors
            .par_iter()
            .map_init(
                || Counter::new(ground.products()),
                |counter, &anchor| {
                    (0..weights.len())
                        .map(|weight| of(counter, anchor, weight))
                        .collect()
                },
            )
            .collect();
        Self { anchors, rows }
    }

    /// The stored companions of an anchor under a shape, with their damped weights, best first.
    pub(super) fn list(&self, place: usize, shape: &Shape, damping: &[f64]) -> Vec<(u32, f64)> {
        let row = &self.rows[place][shape.weight];
        let mut list: Vec<(u32, f64)> = row
            .iter()
            .map(|&(item, weight)| (item, weight * damping[item as usize]))
            .collect();
        keep_best(&mut list, STORED_COMPANIONS, |one| (one.1, one.0));
        list
    }
}

/// Keeps those who are among the best under one of the dampings.
fn shorten<'d>(row: Vec<(u32, f64)>, dampings: impl Iterator<Item = &'d [f64]>) -> Vec<(u32, f64)> {
    if row.len() <= STORED_COMPANIONS {
        return row;
    }
    let mut stays = vec![false; row.len()];
    let mut values = Vec::with_capacity(row.len());
    let mut sorted = Vec::with_capacity(row.len());
    for damping in dampings {
        values.clear();
        values.extend(row.iter().map(|&(item, weight)| weight * damping[item as usize]));
        sorted.clone_from(&values);
        let (_, least, _) = sorted.select_nth_unstable_by(STORED_COMPANIONS - 1, |a, b| b.total_cmp(a));
        for (stays, value) in stays.iter_mut().zip(&values) {
            *stays |= value >= least;
        }
    }
    let kept = row.into_iter().zip(stays).filter(|one| one.1);
    kept.map(|one| one.0).collect()
}
