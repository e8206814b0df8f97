use rayon::prelude::*;
use tandem_domain::relation::Relation;

use super::lent::{LENT_ONE, Lent};
use crate::count::Kernel;
use crate::damping::damping;
use crate::facts::{Facts, dense};
use crate::ground::Ground;
use crate::params::Params;
use crate::two_hop::{HopBench, hop, reach, shares};

/// The most anchors that neighbours lend to, the most viewed first: bounds what a record holds.
const MOST_ANCHORS: usize = 100_000;

/// P² of the pairs that stood in a list at the freeze, by anchor; empty where the parameters leave it out.
pub(super) fn freeze(facts: &Facts, params: &Params) -> Lent {
    let viewed = &params.viewed;
    let wanted = facts.wanted.has(Relation::AlsoViewed);
    if viewed.two_hop <= 0.0 || facts.views.len() == 0 || !wanted {
        return Lent::default();
    }
    let ground = Ground::new(&facts.views, &facts.products.listed, &params.gates);
    let kernel = Kernel::new(viewed, facts.windows.view_cap);
    let damping: Vec<f64> = ground
        .counts
        .iter()
        .map(|&count| damping(count, viewed.lambda, viewed.beta))
        .collect();
    let shares = shares(
        &ground,
        &facts.views,
        &kernel,
        &damping,
        params.gates.least_support,
    );
    let takes = takers(&ground.counts);
    let rows: Vec<Vec<(u32, u32)>> = (0..dense(ground.products()))
        .into_par_iter()
        .map_init(
            || HopBench::new(ground.products()),
            |bench, anchor| {
                if !takes[anchor as usize] {
                    return Vec::new();
                }
                let far = hop(&shares, anchor, bench);
                let list = reach(&shares[anchor as usize], &far, viewed.two_hop);
                let fixed = |far: f64| (far * LENT_ONE).round() as u32;
                let pairs = list.into_iter().map(|(item, _, far)| (item, fixed(far)));
                let mut row: Vec<(u32, u32)> = pairs.filter(|&(_, far)| far > 0).collect();
                row.sort_unstable();
                row
            },
        )
        .collect();
    Lent::of(rows)
}

fn takers(counts: &[u32]) -> Vec<bool> {
    let mut order: Vec<u32> = (0..dense(counts.len())).collect();
    order.sort_by_key(|&item| std::cmp::Reverse(counts[item as usize]));
    let mut takes = vec![false; counts.len()];
    for &item in order.iter().take(MOST_ANCHORS) {
        takes[item as usize] = counts[item as usize] > 0;
    }
    takes
}
