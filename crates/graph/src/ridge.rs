//! Votes by regression: a companion on its closest anchors, so that anchors which say the same do not vote twice.

mod gram;
mod mixed;
mod solve;

pub(crate) use mixed::{Mixed, mixed, vote};

use rayon::prelude::*;

use crate::facts::dense;
use crate::ground::Ground;
use crate::params::Ridge;

use gram::Gram;

/// What does not depend on the penalty.
pub(crate) struct Regression {
    gram: Gram,
    /// Who is regressed, ascending.
    targets: Vec<u32>,
    anchors: usize,
}

/// Positive weights by anchor.
pub(crate) struct Weights {
    /// Per anchor (companion, weight), companions ascending.
    rows: Vec<Vec<(u32, f32)>>,
    /// Companions that have weights.
    is_target: Vec<bool>,
}

impl Weights {
    pub(crate) fn of(&self, anchor: u32) -> &[(u32, f32)] {
        &self.rows[anchor as usize]
    }

    pub(crate) fn is_target(&self, item: u32) -> bool {
        self.is_target[item as usize]
    }

    /// Companions that have weights, ascending.
    pub(crate) fn targets(&self) -> impl Iterator<Item = u32> {
        (0..dense(self.is_target.len())).filter(|&item| self.is_target(item))
    }
}

impl Regression {
    /// Counts what the regressions need; `cap` is the largest basket.
    pub(crate) fn new(ground: &Ground<'_>, ridge: &Ridge, cap: usize) -> Self {
        let least = ridge.least_baskets.max(1);
        let mut targets: Vec<u32> = (0..dense(ground.products()))
            .filter(|&item| ground.counts[item as usize] >= least)
            .collect();
        targets.sort_by_key(|&item| std::cmp::Reverse(ground.counts[item as usize]));
        targets.truncate(ridge.most_targets);
        targets.sort_unstable();
        Self {
            gram: Gram::count(ground, cap),
            targets,
            anchors: ridge.anchors,
        }
    }

    /// Weights under one penalty.
    pub(crate) fn weights(&self, penalty: f64) -> Weights {
        let products = self.gram.diagonal.len();
        let columns: Vec<Option<Vec<(u32, f32)>>> = self
            .targets
            .par_iter()
            .map_init(
                || Bench::new(products),
                |bench, &target| self.column(target, penalty, bench),
            )
            .collect();
        let mut weights = Weights {
            rows: vec![Vec::new(); products],
            is_target: vec![false; products],
        };
        // Targets ascend, so the rows do.
        for (&target, column) in self.targets.iter().zip(&columns) {
            let Some(column) = column else { continue };
            weights.is_target[target as usize] = true;
            for &(anchor, weight) in column {
                weights.rows[anchor as usize].push((target, weight));
            }
        }
        weights
    }

    /// The positive weights of one companion; `None` where its system has no solution.
    fn column(&self, target: u32, penalty: f64, bench: &mut Bench) -> Option<Vec<(u32, f32)>> {
        let closest = self.gram.closest(target, self.anchors);
        let n = closest.len();
        bench.system.clear();
        bench.system.resize(n * n, 0.0);
        for (row, &(anchor, _)) in closest.iter().enumerate() {
            bench.place[anchor as usize] = dense(row) + 1;
        }
        for (row, &(anchor, _)) in closest.iter().enumerate() {
            for (other, weight) in self.gram.of(anchor) {
                let place = bench.place[other as usize] as usize;
                if place > 0 {
                    // A co-count may be among the closest of one side only.
                    bench.system[row * n + place - 1] = f64::from(weight);
                    bench.system[(place - 1) * n + row] = f64::from(weight);
                }
            }
            bench.system[row * n + row] = f64::from(self.gram.diagonal[anchor as usize]) + penalty;
        }
        for &(anchor, _) in &closest {
            bench.place[anchor as usize] = 0;
        }
        let mut solution: Vec<f64> = closest.iter().map(|&(_, weight)| f64::from(weight)).collect();
        if n == 0 || !solve::solve(&mut bench.system, &mut solution) {
            return None;
        }
        let weights = closest.iter().zip(solution);
        let positive = weights.filter(|(_, weight)| *weight > 0.0);
        Some(
            positive
                .map(|(&(anchor, _), weight)| (anchor, weight as f32))
                .collect(),
        )
    }
}

/// Scratch of one worker.
struct Bench {
    /// 1 + place among the closest.
    place: Vec<u32>,
    system: Vec<f64>,
}

impl Bench {
    fn new(products: usize) -> Self {
        Self {
            place: vec![0; products],
            system: Vec::new(),
        }
    }
}
