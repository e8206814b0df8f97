use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tandem_domain::edge::STORED_COMPANIONS;
use tandem_domain::relation::Relation;

use super::lent::{LENT_ONE, Lent};
use crate::facts::{Facts, dense};
use crate::ground::{Ground, keep_some};
use crate::params::{Params, RidgeMix};
use crate::ridge::{ClosedVote, Pair, Regression, Weights, unit, vote};

/// Regressed votes, frozen: they read the rows of neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RidgeRecord {
    pub(crate) mix: RidgeMix,
    /// What a weight of 1 is worth in votes, as the bits of an `f64`.
    pub(crate) unit: u64,
    /// Companions that were regressed: one row, its values mean nothing.
    pub(crate) targets: Lent,
    /// Weights of the pairs that stood in a list at the freeze, and of a few more.
    pub(crate) weights: Lent,
}

/// Regresses what the parameters ask for; `None` where they do not.
pub(super) fn freeze(facts: &Facts, params: &Params) -> Option<RidgeRecord> {
    let ridge = params.together.ridge.as_ref()?;
    if !facts.wanted.has(Relation::Together) {
        return None;
    }
    let ground = Ground::new(&facts.purchases, &facts.products.listed, &params.gates);
    let cap = facts.windows.purchase_cap;
    let together = &params.together;
    let regression = Regression::new(&ground, ridge, cap, together.weight);
    let weights = regression.weights(ridge.penalty);
    let closed = ClosedVote::new(together, &ground.counts);
    let rows: Vec<Vec<Pair>> = (0..dense(ground.products()))
        .into_par_iter()
        .map(|anchor| weighed(&ground, &weights, &closed, anchor))
        .collect();
    let unit = unit(rows.iter().flatten());
    let fixed = |weight: f32| (f64::from(weight).min(4.0) * LENT_ONE).round() as u32;
    let rows = rows.into_iter().map(|mut row| {
        let worth = |pair: &Pair| vote(ridge.mix, true, pair.closed, f64::from(pair.weight) * unit);
        // Nobody behind so many of them stands in the list, whoever else does.
        keep_some(&mut row, STORED_COMPANIONS, |pair| (worth(pair), pair.item));
        let pairs = row.iter().map(|pair| (pair.item, fixed(pair.weight)));
        let mut row: Vec<(u32, u32)> = pairs.filter(|&(_, weight)| weight > 0).collect();
        row.sort_unstable();
        row
    });
    Some(RidgeRecord {
        mix: ridge.mix,
        unit: unit.to_bits(),
        weights: Lent::of(rows),
        targets: Lent::of([weights.targets().map(|item| (item, 0)).collect()]),
    })
}

/// Whom an anchor votes for by regression, as far as they can stand in its list.
fn weighed(ground: &Ground<'_>, weights: &Weights, closed: &ClosedVote, anchor: u32) -> Vec<Pair> {
    let anchor_part = closed.anchor_part(ground.counts[anchor as usize]);
    let companions = weights.of(anchor).iter();
    let companions = companions.filter(|one| ground.is_companion(anchor, one.item));
    companions.map(|one| closed.pair(anchor_part, one)).collect()
}
