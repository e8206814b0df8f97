//! Votes by regression: a companion on its closest anchors, so that anchors which say the same do not vote twice.

mod gram;
mod mixed;
mod solve;

pub(crate) use mixed::{ClosedRows, ClosedVote, Mixed, Pair, unit, vote};

use rayon::prelude::*;

use crate::count;
use crate::facts::dense;
use crate::flags::Flags;
use crate::ground::Ground;
use crate::params::{BasketWeight, Ridge};

use gram::{Gram, Neighbour};
use solve::System;

/// What does not depend on the penalty.
pub(crate) struct Regression<'g> {
    gram: Gram<'g>,
    /// Who is regressed, ascending.
    targets: Vec<Target>,
}

/// A companion that is regressed on the anchors closest to it, closest first.
struct Target {
    item: u32,
    closest: Vec<Neighbour>,
}

/// A companion that an anchor votes for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weighed {
    pub(crate) item: u32,
    /// Above 0.
    pub(crate) weight: f32,
    /// Their common weight as the closed form has it.
    pub(crate) common: f64,
}

/// Positive weights by anchor.
pub(crate) struct Weights {
    /// Per anchor, companions ascending.
    rows: Vec<Vec<Weighed>>,
    /// Companions that have weights.
    is_target: Vec<bool>,
}

impl Weights {
    pub(crate) fn of(&self, anchor: u32) -> &[Weighed] {
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

impl<'g> Regression<'g> {
    /// Counts what the regressions need; `cap` is the largest basket, `weight` what the closed form gives one.
    pub(crate) fn new(ground: &'g Ground<'g>, ridge: &Ridge, cap: usize, weight: BasketWeight) -> Self {
        let least = ridge.least_baskets.max(1);
        let mut targets: Vec<u32> = (0..dense(ground.products()))
            .filter(|&item| ground.counts[item as usize] >= least)
            .collect();
        targets.sort_by_key(|&item| std::cmp::Reverse(ground.counts[item as usize]));
        targets.truncate(ridge.most_targets);
        targets.sort_unstable();
        let anchors = ridge.anchors.min(usize::from(u16::MAX) - 1);
        let sizes = count::weights(cap, |size| weight.of(size));
        let mut gram = Gram::new(ground, cap);
        let targets = gram.count(targets, anchors, &sizes);
        Self { gram, targets }
    }

    /// The weights under a penalty.
    pub(crate) fn weights(&self, penalty: f64) -> Weights {
        let products = self.gram.diagonal.len();
        let columns: Vec<Column> = self
            .targets
            .par_iter()
            .map_init(
                || Bench::new(products),
                |bench, target| self.column(&target.closest, penalty, bench),
            )
            .collect();
        let columns = || self.targets.iter().zip(&columns);
        let mut sizes = vec![0; products];
        for (neighbour, _) in columns().flat_map(|(target, column)| positive(&target.closest, column)) {
            sizes[neighbour.anchor as usize] += 1;
        }
        let mut weights = Weights {
            rows: sizes.into_iter().map(Vec::with_capacity).collect(),
            is_target: vec![false; products],
        };
        // Targets ascend, so the rows do.
        for (&Target { item, ref closest }, column) in columns() {
            weights.is_target[item as usize] = column.is_some();
            for (&Neighbour { anchor, common, .. }, weight) in positive(closest, column) {
                weights.rows[anchor as usize].push(Weighed { item, weight, common });
            }
        }
        weights
    }

    /// The weights of one companion on its closest anchors.
    fn column(&self, closest: &[Neighbour], penalty: f64, bench: &mut Bench) -> Column {
        if closest.is_empty() {
            return None;
        }
        bench.gather(&self.gram, closest);
        bench.system.penalise(penalty);
        let solution = bench.system.solve()?;
        Some(solution.into_iter().map(|weight| weight as f32).collect())
    }
}

/// The weights of one companion beside its closest anchors; `None` where its system has no solution.
type Column = Option<Box<[f32]>>;

/// The anchors whose weight is positive.
fn positive<'c>(
    closest: &'c [Neighbour],
    column: &'c Column,
) -> impl Iterator<Item = (&'c Neighbour, f32)> + use<'c> {
    let weights = column.iter().flatten().copied();
    closest.iter().zip(weights).filter(|(_, weight)| *weight > 0.0)
}

/// Rows that are brought near together.
const TOGETHER: usize = 8;

/// Scratch of one worker.
struct Bench {
    /// Place among the closest, of those who stand there.
    place: Vec<u16>,
    /// Who stands there: most are asked for in vain, and this stays near.
    stands: Flags,
    /// Places in a row of whom stands among the closest.
    met: Vec<u32>,
    /// G_NN and G_Nj.
    system: System,
}

impl Bench {
    fn new(products: usize) -> Self {
        Self {
            place: vec![0; products],
            stands: Flags::none(products),
            met: Vec::new(),
            system: System::default(),
        }
    }

    /// Writes down where in `items` those stand who are among the closest; how many they are. Who is is a coin that no
    /// branch foretells, so each is written and only those are counted.
    fn meet(&mut self, items: &[u32]) -> usize {
        self.met.resize(items.len().max(self.met.len()), 0);
        let mut many = 0;
        for (at, &item) in (0..).zip(items) {
            self.met[many] = at;
            many += usize::from(self.stands.get(item));
        }
        many
    }

    /// Gathers the co-counts among the closest, and theirs with the companion.
    fn gather(&mut self, gram: &Gram<'_>, closest: &[Neighbour]) {
        self.system.clear(closest.len());
        for (place, &Neighbour { anchor, .. }) in (0..).zip(closest) {
            self.place[anchor as usize] = place;
            self.stands.set(anchor, true);
        }
        for (row, &Neighbour { anchor, weight, .. }) in closest.iter().enumerate() {
            if row % TOGETHER == 0 {
                let some = &closest[row..closest.len().min(row + TOGETHER)];
                std::hint::black_box(gram.fetch(some));
            }
            let co_counts = gram.of(anchor);
            let many = self.meet(co_counts.items());
            for &at in &self.met[..many] {
                let other = self.place[co_counts.items()[at as usize] as usize];
                let weight = f64::from(co_counts.weights()[at as usize]);
                self.system.set(row, usize::from(other), weight);
            }
            self.system
                .set(row, row, f64::from(gram.diagonal[anchor as usize]));
            self.system.set_right(row, f64::from(weight));
        }
        for &Neighbour { anchor, .. } in closest {
            self.stands.set(anchor, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::Baskets;
    use crate::params::Gates;

    const PRODUCTS: usize = 12;

    /// Σ over the baskets that hold both of the weight of their size, and how many they are.
    fn both(baskets: &[Vec<u32>], (a, b): (u32, u32), weight: impl Fn(f64) -> f64) -> (f64, u32) {
        let holding = baskets
            .iter()
            .filter(|basket| basket.contains(&a) && basket.contains(&b));
        holding.fold((0.0, 0), |(sum, many), basket| {
            (sum + weight(basket.len() as f64), many + 1)
        })
    }

    proptest! {
        #[test]
        fn a_system_holds_the_co_counts_of_plain_loops(
            baskets in proptest::collection::vec(
                proptest::collection::btree_set(0..PRODUCTS as u32, 1..6), 1..40)
        ) {
            let baskets: Vec<Vec<u32>> = baskets.into_iter().map(|basket| basket.into_iter().collect()).collect();
            let (listed, gates) = ([true; PRODUCTS], Gates::default());
            let laid = Baskets::plain(baskets.iter().cloned(), PRODUCTS);
            let ground = Ground::new(&laid, &listed, &gates);
            let ridge = Ridge {
                least_baskets: 5,
                ..Ridge::default()
            };
            let regression = Regression::new(&ground, &ridge, 50, BasketWeight::Log);
            let close = |a: f64, b: f64| (a - b).abs() < 1e-3;
            let gram = |size: f64| size.powf(-0.5);
            let mut bench = Bench::new(PRODUCTS);
            for Target { item, closest } in &regression.targets {
                bench.gather(&regression.gram, closest);
                for (row, neighbour) in closest.iter().enumerate() {
                    let pair = (neighbour.anchor, *item);
                    let (weight, support) = both(&baskets, pair, gram);
                    prop_assert!(support >= gates.least_support && close(f64::from(neighbour.weight), weight));
                    let common = both(&baskets, pair, |size| 1.0 / (1.0 + size).log2()).0;
                    prop_assert!(close(neighbour.common, common));
                    for (column, other) in closest.iter().enumerate().skip(row) {
                        let expected = both(&baskets, (neighbour.anchor, other.anchor), gram).0;
                        prop_assert!(close(bench.system.at(row, column), expected));
                    }
                }
                // Nobody who passes the gate is left out: there are fewer than the closest may be.
                let gate = ground.gate(*item);
                let passing = (0..PRODUCTS as u32).filter(|&other| {
                    let support = both(&baskets, (other, *item), gram).1;
                    other != *item && gate.passes(support, ground.counts[other as usize])
                });
                prop_assert_eq!(passing.count(), closest.len());
            }
        }
    }
}
