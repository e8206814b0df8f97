use rayon::prelude::*;

use super::{Weighed, Weights};
use crate::damping::{damping, raised};
use crate::ground::{Ground, keep_some};
use crate::params::{RidgeMix, Together};
use tandem_domain::edge::STORED_COMPANIONS;

/// One pair of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) item: u32,
    /// Its vote by the closed form.
    pub(crate) closed: f64,
    /// Its weight by regression; 0 where there is none.
    pub(crate) weight: f32,
}

/// Rows with both kinds of votes.
pub(crate) struct Mixed {
    /// Beside the anchors asked for.
    rows: Vec<Vec<Pair>>,
    /// What a weight of 1 is worth in votes of the closed form.
    pub(crate) unit: f64,
}

/// The vote of a pair: `unit` votes are a weight of 1; without regression the closed form stands alone.
pub(crate) fn vote(mix: RidgeMix, is_target: bool, closed: f64, weighed: f64) -> f64 {
    match mix {
        _ if !is_target => closed,
        RidgeMix::Alone => weighed,
        RidgeMix::Half => f64::midpoint(closed, weighed),
    }
}

/// The closed form of `basket_score`.
pub(crate) struct ClosedVote {
    companion: Vec<f64>,
    lambda: f64,
    alpha: f64,
    power: f64,
}

impl ClosedVote {
    pub(crate) fn new(together: &Together, counts: &[u32]) -> Self {
        let most = counts.iter().max().copied().unwrap_or(0);
        let by_count: Vec<f64> = (0..=most)
            .map(|count| damping(count, together.lambda, together.beta))
            .collect();
        Self {
            companion: counts.iter().map(|&count| by_count[count as usize]).collect(),
            lambda: together.lambda,
            alpha: together.alpha,
            power: together.power,
        }
    }

    /// What an anchor of `count` baskets gives to its votes.
    pub(crate) fn anchor_part(&self, count: u32) -> f64 {
        damping(count, self.lambda, self.alpha)
    }

    /// The vote of `weight` common baskets with an anchor.
    pub(crate) fn of(&self, anchor_part: f64, item: u32, weight: f64) -> f64 {
        self.of_damped(anchor_part, weight * self.companion[item as usize])
    }

    /// The vote of a companion whose common weight is damped by how popular it is.
    fn of_damped(&self, anchor_part: f64, damped: f64) -> f64 {
        raised(damped * anchor_part, self.power)
    }

    /// A companion with a weight, and its vote.
    pub(crate) fn pair(&self, anchor_part: f64, weighed: &Weighed) -> Pair {
        Pair {
            item: weighed.item,
            closed: self.of(anchor_part, weighed.item, weighed.common),
            weight: weighed.weight,
        }
    }
}

/// Per anchor asked for its best companions by the closed form, with their votes: what every regression is mixed with.
pub(crate) struct ClosedRows<'g> {
    ground: &'g Ground<'g>,
    closed: ClosedVote,
    rows: Vec<(u32, Vec<(u32, f64)>)>,
}

impl<'g> ClosedRows<'g> {
    /// Of anchors with their best companions, by weights that are damped by how popular those are.
    pub(crate) fn new(
        ground: &'g Ground<'g>,
        together: &Together,
        mut rows: Vec<(u32, Vec<(u32, f64)>)>,
    ) -> Self {
        let closed = ClosedVote::new(together, &ground.counts);
        rows.par_iter_mut().for_each(|(anchor, row)| {
            let anchor_part = closed.anchor_part(ground.counts[*anchor as usize]);
            row.iter_mut()
                .for_each(|one| one.1 = closed.of_damped(anchor_part, one.1));
        });
        Self { ground, closed, rows }
    }

    /// Both votes of every pair that can stand in a list.
    pub(crate) fn mixed(&self, weights: &Weights) -> Mixed {
        let rows: Vec<Vec<Pair>> = self
            .rows
            .par_iter()
            .map(|(anchor, best)| self.row(*anchor, best, weights.of(*anchor)))
            .collect();
        let weighed = rows.iter().flatten().filter(|pair| pair.weight > 0.0);
        Mixed {
            unit: unit(weighed),
            rows,
        }
    }

    /// The best by the closed form, and everybody with a weight.
    fn row(&self, anchor: u32, best: &[(u32, f64)], regressed: &[Weighed]) -> Vec<Pair> {
        let anchor_part = self.closed.anchor_part(self.ground.counts[anchor as usize]);
        let of = |item: u32| {
            let at = regressed.binary_search_by_key(&item, |one| one.item).ok();
            at.map_or(0.0, |at| regressed[at].weight)
        };
        let pair = |&(item, closed): &(u32, f64)| Pair {
            item,
            closed,
            weight: of(item),
        };
        let others = regressed
            .iter()
            .filter(|weighed| best.iter().all(|one| one.0 != weighed.item))
            .filter(|weighed| self.ground.is_companion(anchor, weighed.item));
        let others = others.map(|weighed| self.closed.pair(anchor_part, weighed));
        best.iter().map(pair).chain(others).collect()
    }
}

/// What a weight of 1 is worth in votes of the closed form, beside those who have one.
pub(crate) fn unit<'p>(weighed: impl Iterator<Item = &'p Pair>) -> f64 {
    let (mass, weight) = weighed.fold((0.0, 0.0), |(mass, weight), pair| {
        (mass + pair.closed, weight + f64::from(pair.weight))
    });
    if weight > 0.0 { mass / weight } else { 0.0 }
}

impl Mixed {
    /// Per anchor the best pairs with their votes, in any order.
    pub(crate) fn lists(&self, mix: RidgeMix, weights: &Weights) -> Vec<Vec<(Pair, f64)>> {
        let list = |row: &Vec<Pair>| {
            let mut list: Vec<(Pair, f64)> = row
                .iter()
                .map(|&pair| {
                    let weighed = f64::from(pair.weight) * self.unit;
                    let is_target = weights.is_target(pair.item);
                    (pair, vote(mix, is_target, pair.closed, weighed))
                })
                .filter(|(_, vote)| *vote > 0.0)
                .collect();
            keep_some(&mut list, STORED_COMPANIONS, |(pair, vote)| (*vote, pair.item));
            list
        };
        self.rows.par_iter().map(list).collect()
    }
}
