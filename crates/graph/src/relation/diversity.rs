use rustc_hash::FxHashMap;

use super::likeness::sameness;
use crate::facts::NONE;
use crate::row::{Chosen, Row};
use crate::signals::{CategoryGate, Factor, Recipe};

/// Reorders what was chosen, best first, for variety: the next one is relevant and repeats little of what stands before it; brands
/// and leaves over their cap go last. The scores stay the same numbers, dealt out along the new order.
pub(super) fn spread(row: &Row<'_>, recipe: &Recipe, mut chosen: Vec<Chosen>) -> Vec<Chosen> {
    let scores: Vec<f32> = chosen.iter().map(|one| one.score).collect();
    let most = f64::from(scores.first().copied().unwrap_or(0.0));
    if recipe.factor == Factor::Family || most <= 0.0 {
        return chosen;
    }
    let lambda = row.frame.epoch.params.diversity.lambda;
    let mut caps = Caps::new(row, recipe);
    let mut repeats = vec![0.0_f64; chosen.len()];
    let mut order: Vec<Chosen> = Vec::with_capacity(chosen.len());
    while !chosen.is_empty() {
        let value = |at: usize| lambda * f64::from(chosen[at].score) / most - (1.0 - lambda) * repeats[at];
        let rank = |at: usize| (!caps.is_full(chosen[at].item), value(at));
        // Of equals the first one stands best.
        let best = (0..chosen.len()).reduce(|best, at| if rank(at) > rank(best) { at } else { best });
        let next = chosen.remove(best.unwrap_or(0));
        repeats.remove(best.unwrap_or(0));
        caps.take(next.item);
        for (repeat, one) in repeats.iter_mut().zip(&chosen) {
            *repeat = repeat.max(sameness(row.frame, next.item, one.item));
        }
        order.push(next);
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

/// How many of each brand and leaf stand in the list.
struct Caps<'r> {
    row: &'r Row<'r>,
    brands: FxHashMap<u32, usize>,
    leaves: FxHashMap<u32, usize>,
    counts_leaves: bool,
}

impl<'r> Caps<'r> {
    fn new(row: &'r Row<'r>, recipe: &Recipe) -> Self {
        Self {
            row,
            brands: FxHashMap::default(),
            leaves: FxHashMap::default(),
            counts_leaves: recipe.category != CategoryGate::Same,
        }
    }

    fn take(&mut self, item: u32) {
        let products = &self.row.frame.facts.products;
        let (brand, leaf) = (products.brand[item as usize], products.leaf[item as usize]);
        *self.brands.entry(brand).or_default() += usize::from(brand != NONE);
        *self.leaves.entry(leaf).or_default() += usize::from(leaf != NONE && self.counts_leaves);
    }

    fn is_full(&self, item: u32) -> bool {
        let products = &self.row.frame.facts.products;
        let caps = &self.row.frame.epoch.params.diversity;
        let held = |list: &FxHashMap<u32, usize>, value: u32| list.get(&value).copied().unwrap_or(0);
        held(&self.brands, products.brand[item as usize]) >= caps.per_brand.max(1)
            || held(&self.leaves, products.leaf[item as usize]) >= caps.per_leaf.max(1)
    }
}
