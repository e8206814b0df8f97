use serde::{Deserialize, Serialize};
use tandem_domain::relation::Relation;

use super::lent::{LENT_ONE, Lent};
use crate::facts::{Facts, dense};
use crate::ground::Ground;
use crate::params::{Params, RidgeMix};
use crate::ridge::{Regression, mixed};

/// Regressed votes, frozen: they read the rows of neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RidgeRecord {
    pub(crate) mix: RidgeMix,
    /// What a weight of 1 is worth in votes, as the bits of an `f64`.
    pub(crate) unit: u64,
    /// Companions that were regressed: one row, its values mean nothing.
    pub(crate) targets: Lent,
    /// Weights of the pairs that stood in a list at the freeze.
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
    let weights = Regression::new(&ground, ridge, cap).weights([ridge.penalty]);
    let anchors: Vec<u32> = (0..dense(ground.products())).collect();
    let [mixed] = mixed(&ground, &anchors, &params.together, cap, &weights);
    let [weights] = weights;
    let lists = mixed.lists(ridge.mix, &weights);
    let fixed = |weight: f32| (f64::from(weight).min(4.0) * LENT_ONE).round() as u32;
    let rows = lists.into_iter().map(|list| {
        let pairs = list.into_iter().map(|(pair, _)| (pair.item, fixed(pair.weight)));
        let mut row: Vec<(u32, u32)> = pairs.filter(|&(_, weight)| weight > 0).collect();
        row.sort_unstable();
        row
    });
    Some(RidgeRecord {
        mix: ridge.mix,
        unit: mixed.unit.to_bits(),
        weights: Lent::of(rows),
        targets: Lent::of([weights.targets().map(|item| (item, 0)).collect()]),
    })
}
