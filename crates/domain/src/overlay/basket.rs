//! Many anchors at once: each votes with its `basket_score`, recent ones more; relations are fused by rank.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{Marks, Offer};
use crate::edge::{Candidate, Source};
use crate::id::ProductId;
use crate::relation::Relation;

/// What a place further back in the basket weighs, relative to the one after it.
pub const RECENCY: f64 = 0.9;

/// Damps the lead of first places in reciprocal rank fusion (Cormack et al., SIGIR 2009).
const RANK_DAMPING: f64 = 60.0;

/// The weight of an anchor with `newer` anchors after it.
#[must_use]
pub fn recency_weight(newer: usize) -> f64 {
    RECENCY.powi(i32::try_from(newer).unwrap_or(i32::MAX))
}

/// One anchor's vote.
#[derive(Debug, Clone, Copy)]
pub struct Ballot<'a> {
    /// Its companions.
    pub candidates: &'a [Candidate],
    /// Its links; boosts and buries weigh its own votes only.
    pub marks: &'a Marks,
    /// What it counts.
    pub weight: f64,
}

/// Sums the votes per source and relation, ranks each sum, and fuses the ranks of `relations` inside each source:
/// `Σ 1 / (60 + rank)`. An offer names the relation in which the companion ranks best, and carries the fused value.
#[must_use]
pub fn fuse(ballots: &[Ballot<'_>], relations: &[Relation]) -> Vec<Offer> {
    let mut fused = Vec::new();
    for (source, mut sums) in tally(ballots) {
        fused.extend(by_rank(source, relations, &mut sums));
    }
    fused
}

/// Ids of the catalogue, which nobody chooses so that they collide: a cheap hash will do.
type Sums<'a> = FxHashMap<&'a ProductId, Sum>;

#[derive(Default, Clone, Copy)]
struct Sum {
    votes: f64,
    generated: bool,
}

fn tally<'a>(ballots: &[Ballot<'a>]) -> BTreeMap<Source, BTreeMap<Relation, Sums<'a>>> {
    let mut tally: BTreeMap<Source, BTreeMap<Relation, Sums<'a>>> = BTreeMap::new();
    for ballot in ballots {
        for candidate in ballot.candidates {
            let factor = ballot.marks.factor(&candidate.product, Some(candidate.relation));
            let sums = tally
                .entry(candidate.source)
                .or_default()
                .entry(candidate.relation)
                .or_default();
            let sum = sums.entry(&candidate.product).or_default();
            sum.votes += ballot.weight * f64::from(candidate.basket_score) * f64::from(factor);
            sum.generated |= candidate.generated;
        }
    }
    tally
}

#[derive(Clone, Copy)]
struct Fused {
    value: f64,
    best: (usize, Relation),
    generated: bool,
}

fn by_rank(source: Source, relations: &[Relation], sums: &mut BTreeMap<Relation, Sums<'_>>) -> Vec<Offer> {
    let mut fused: FxHashMap<&ProductId, Fused> = FxHashMap::default();
    for relation in in_order(relations, sums) {
        for (rank, (product, sum)) in ranked(sums.remove(&relation).unwrap_or_default())
            .into_iter()
            .enumerate()
        {
            let entry = fused.entry(product).or_insert(Fused {
                value: 0.0,
                best: (rank, relation),
                generated: false,
            });
            #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
            let place = (rank + 1) as f64;
            entry.value += 1.0 / (RANK_DAMPING + place);
            entry.generated |= sum.generated;
            if rank < entry.best.0 {
                entry.best = (rank, relation);
            }
        }
    }
    let mut fused: Vec<_> = fused.into_iter().collect();
    fused.sort_by(|(a, x), (b, y)| y.value.total_cmp(&x.value).then_with(|| a.cmp(b)));
    fused
        .into_iter()
        .map(|(product, entry)| offer(source, product, entry))
        .collect()
}

/// The relations asked for, then those that only the fallback brings.
fn in_order(relations: &[Relation], sums: &BTreeMap<Relation, Sums<'_>>) -> Vec<Relation> {
    let asked = relations
        .iter()
        .copied()
        .filter(|relation| sums.contains_key(relation));
    let others = sums
        .keys()
        .copied()
        .filter(|relation| !relations.contains(relation));
    asked.chain(others).collect()
}

fn ranked<'a>(sums: Sums<'a>) -> Vec<(&'a ProductId, Sum)> {
    let mut ranked: Vec<_> = sums.into_iter().collect();
    ranked.sort_by(|(a, x), (b, y)| y.votes.total_cmp(&x.votes).then_with(|| a.cmp(b)));
    ranked
}

fn offer(source: Source, product: &ProductId, entry: Fused) -> Offer {
    #[expect(clippy::cast_possible_truncation, reason = "a rank value between 0 and 1")]
    let score = entry.value as f32;
    Offer {
        product: product.clone(),
        relation: Some(entry.best.1),
        score,
        source,
        generated: entry.generated,
    }
}
