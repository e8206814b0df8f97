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
use solve::System;

/// What does not depend on the penalty.
pub(crate) struct Regression {
    gram: Gram,
    /// Who is regressed, ascending.
    targets: Vec<u32>,
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
        let anchors = ridge.anchors.min(usize::from(u16::MAX) - 1);
        Self {
            gram: Gram::count(ground, cap, anchors),
            targets,
        }
    }

    /// Weights under each of some penalties: what goes into a system is gathered once for all of them.
    pub(crate) fn weights<const N: usize>(&self, penalties: [f64; N]) -> [Weights; N] {
        let products = self.gram.diagonal.len();
        let columns: Vec<[Column; N]> = self
            .targets
            .par_iter()
            .map_init(
                || Bench::new(products),
                |bench, &target| self.columns(target, penalties, bench),
            )
            .collect();
        std::array::from_fn(|at| {
            let mut sizes = vec![0; products];
            for (anchor, _) in columns
                .iter()
                .filter_map(|columns| columns[at].as_ref())
                .flatten()
            {
                sizes[*anchor as usize] += 1;
            }
            let mut weights = Weights {
                rows: sizes.into_iter().map(Vec::with_capacity).collect(),
                is_target: vec![false; products],
            };
            // Targets ascend, so the rows do.
            for (&target, columns) in self.targets.iter().zip(&columns) {
                let Some(column) = &columns[at] else { continue };
                weights.is_target[target as usize] = true;
                for &(anchor, weight) in column {
                    weights.rows[anchor as usize].push((target, weight));
                }
            }
            weights
        })
    }

    /// The positive weights of one companion under each penalty.
    fn columns<const N: usize>(&self, target: u32, penalties: [f64; N], bench: &mut Bench) -> [Column; N] {
        let closest = self.gram.closest(target);
        bench.gather(&self.gram, &closest);
        penalties.map(|penalty| {
            if closest.is_empty() {
                return None;
            }
            bench.solving.penalised(&bench.system, penalty);
            let solution = bench.solving.solve()?;
            let weights = closest.iter().zip(solution);
            let positive = weights.filter(|(_, weight)| *weight > 0.0);
            Some(
                positive
                    .map(|(&(anchor, _), weight)| (anchor, weight as f32))
                    .collect(),
            )
        })
    }
}

/// The positive weights of one companion by anchor; `None` where its system has no solution.
type Column = Option<Vec<(u32, f32)>>;

/// Scratch of one worker.
struct Bench {
    /// Place among the closest, of those who stand there.
    place: Vec<u16>,
    /// Who stands there, one bit each: most are asked for in vain, and this stays near.
    stands: Vec<u64>,
    /// Places in a row of whom stands among the closest.
    met: Vec<u32>,
    /// G_NN and G_Nj.
    system: System,
    /// The same with a penalty, while it is solved.
    solving: System,
}

impl Bench {
    fn new(products: usize) -> Self {
        Self {
            place: vec![0; products],
            stands: vec![0; products.div_ceil(64)],
            met: Vec::new(),
            system: System::default(),
            solving: System::default(),
        }
    }

    /// Writes down where in `items` those stand who are among the closest; how many they are. Who is is a coin that no
    /// branch foretells, so each is written and only those are counted.
    fn meet(&mut self, items: &[u32]) -> usize {
        self.met.resize(items.len().max(self.met.len()), 0);
        let mut many = 0;
        for (at, &item) in (0..).zip(items) {
            self.met[many] = at;
            many += (self.stands[item as usize / 64] >> (item % 64) & 1) as usize;
        }
        many
    }

    /// Gathers the co-counts among the closest, and theirs with the companion.
    fn gather(&mut self, gram: &Gram, closest: &[(u32, f32)]) {
        self.system.clear(closest.len());
        for (place, &(anchor, _)) in (0..).zip(closest) {
            self.place[anchor as usize] = place;
            self.stands[anchor as usize / 64] |= 1 << (anchor % 64);
        }
        for (row, &(anchor, right)) in closest.iter().enumerate() {
            let co_counts = gram.of(anchor);
            // A co-count may be among the closest of one side only.
            let many = self.meet(co_counts.items());
            for &at in &self.met[..many] {
                let other = self.place[co_counts.items()[at as usize] as usize];
                let weight = f64::from(co_counts.weights()[at as usize]);
                self.system.set(row, usize::from(other), weight);
            }
            self.system
                .set(row, row, f64::from(gram.diagonal[anchor as usize]));
            self.system.set_right(row, f64::from(right));
        }
        for &(anchor, _) in closest {
            self.stands[anchor as usize / 64] = 0;
        }
    }
}
