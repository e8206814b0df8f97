use super::likeness::sameness;
use crate::facts::NONE;
use crate::row::{Chosen, Row};
use crate::signals::{CategoryGate, Factor, Recipe};

/// Somebody who has no place yet.
struct Waiting {
    one: Chosen,
    leaf: u32,
    brand: u32,
    relevance: f64,
    /// How much of it stands before it.
    repeats: f64,
    /// How many of its leaf and brand do.
    leaves: usize,
    brands: usize,
}

/// Reorders what was chosen, best first, for variety: the next one is relevant and repeats little of what stands before it; brands
/// and leaves over their cap go last. The scores stay the same numbers, dealt out along the new order.
pub(super) fn spread(row: &Row<'_>, recipe: &Recipe, chosen: Vec<Chosen>) -> Vec<Chosen> {
    let scores: Vec<f32> = chosen.iter().map(|one| one.score).collect();
    let most = f64::from(scores.first().copied().unwrap_or(0.0));
    if recipe.factor == Factor::Family || most <= 0.0 {
        return chosen;
    }
    let (products, caps) = (&row.frame.facts.products, &row.frame.epoch.params.diversity);
    let (per_brand, per_leaf) = (caps.per_brand.max(1), caps.per_leaf.max(1));
    let counts_leaves = recipe.category != CategoryGate::Same;
    let mut waiting: Vec<Waiting> = chosen
        .into_iter()
        .map(|one| Waiting {
            leaf: products.leaf[one.item as usize],
            brand: products.brand[one.item as usize],
            relevance: caps.lambda * f64::from(one.score) / most,
            repeats: 0.0,
            leaves: 0,
            brands: 0,
            one,
        })
        .collect();
    let rank = |one: &Waiting| {
        let is_full = one.brands >= per_brand || one.leaves >= per_leaf;
        (!is_full, one.relevance - (1.0 - caps.lambda) * one.repeats)
    };
    let mut order: Vec<Chosen> = Vec::with_capacity(waiting.len());
    // Nobody stands anywhere yet, and those who were chosen stand best first.
    let mut best = 0;
    while !waiting.is_empty() {
        let next = waiting.remove(best);
        best = 0;
        let mut most = None;
        for (at, one) in waiting.iter_mut().enumerate() {
            one.repeats = one
                .repeats
                .max(sameness((next.leaf, next.brand), (one.leaf, one.brand)));
            one.leaves += usize::from(counts_leaves && next.leaf != NONE && next.leaf == one.leaf);
            one.brands += usize::from(next.brand != NONE && next.brand == one.brand);
            // Of equals the first one stands best.
            let rank = rank(one);
            if most.is_none_or(|most| rank > most) {
                (best, most) = (at, Some(rank));
            }
        }
        order.push(next.one);
    }
    deal(row, &mut order, &scores);
    order
}

/// Gives the scores, best first, to the new order. Where two are equal and popularity would undo the order, the later
/// one gets the next smaller number.
fn deal(row: &Row<'_>, order: &mut [Chosen], scores: &[f32]) {
    let mut last = (u64::from(f32::MAX.to_bits()) << 32) | u64::from(u32::MAX);
    for (one, &score) in order.iter_mut().zip(scores) {
        one.score = score.min(f32::from_bits((last >> 32) as u32));
        if row.frame.standing.key(one.score, one.item) > last {
            one.score = one.score.next_down();
        }
        last = row.frame.standing.key(one.score, one.item);
    }
}
