use tandem_domain::edge::STORED_COMPANIONS;

use super::likeness::sameness;
use crate::facts::NONE;
use crate::row::{Chosen, Row};
use crate::signals::{CategoryGate, Factor, Recipe};

/// Places of a list, one bit each.
type Places = u64;
const _: () = assert!(STORED_COMPANIONS <= Places::BITS as usize);

/// Those who wait for a place and those who have one, by their places among the chosen. How much somebody repeats takes
/// one of four values, and of those who repeat as much the most relevant is the first: so no more than four are compared
/// for the next place.
#[derive(Default)]
struct Waiting {
    open: Places,
    /// Who shares the leaf of somebody with a place.
    leaf: Places,
    /// Who shares the brand of somebody with a place.
    brand: Places,
    /// Who shares both with one.
    both: Places,
    /// Whose leaf or brand is over its cap.
    full: Places,
}

impl Waiting {
    /// Who waits with each of the four amounts of what stands before them; of those whose leaf and brand are not over
    /// their cap, where there are any.
    fn classes(&self) -> [(Places, f64); 4] {
        let room = self.open & !self.full;
        let open = if room == 0 { self.open } else { room };
        let (leaf, brand) = (self.leaf & !self.both, self.brand & !self.both & !self.leaf);
        let amount = |leaf: u32, brand: u32| sameness((0, 0), (leaf, brand));
        [
            (open & !self.leaf & !self.brand, amount(1, 1)),
            (open & brand, amount(1, 0)),
            (open & leaf, amount(0, 1)),
            (open & self.both, amount(0, 0)),
        ]
    }

    /// Gives the place `at` to whom it is, who shares leaf and brand with these.
    fn place(&mut self, at: usize, leaf: Places, brand: Places) {
        self.open &= !(1 << at);
        self.leaf |= leaf;
        self.brand |= brand;
        self.both |= leaf & brand;
    }

    /// How many of these have a place.
    const fn placed(&self, alike: Places) -> usize {
        (alike & !self.open).count_ones() as usize
    }
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
    let column = |of: &[u32]| -> Vec<u32> { chosen.iter().map(|one| of[one.item as usize]).collect() };
    let (leaves, brands) = (column(&products.leaf), column(&products.brand));
    let relevance = |at: usize| caps.lambda * f64::from(scores[at]) / most;
    let mut waiting = Waiting {
        open: Places::MAX >> (Places::BITS as usize - chosen.len()),
        ..Waiting::default()
    };
    let mut order: Vec<Chosen> = Vec::with_capacity(chosen.len());
    while waiting.open != 0 {
        let mut best = (0, f64::NEG_INFINITY);
        for (class, repeats) in waiting.classes() {
            let first = class.trailing_zeros() as usize;
            if class == 0 {
                continue;
            }
            let rank = relevance(first) - (1.0 - caps.lambda) * repeats;
            // Of equals the first one stands best.
            if rank > best.1 || (rank == best.1 && first < best.0) {
                best = (first, rank);
            }
        }
        let at = best.0;
        order.push(chosen[at]);
        let (leaf, brand) = (alike(&leaves, leaves[at]), alike(&brands, brands[at]));
        waiting.place(at, leaf, brand);
        if counts_leaves && waiting.placed(leaf) >= per_leaf {
            waiting.full |= leaf;
        }
        if waiting.placed(brand) >= per_brand {
            waiting.full |= brand;
        }
    }
    deal(row, &mut order, &scores);
    order
}

/// Who has this value; nobody has one that is not known.
fn alike(values: &[u32], value: u32) -> Places {
    if value == NONE {
        return 0;
    }
    let bits = values.iter().enumerate();
    bits.fold(0, |bits, (at, &other)| bits | (Places::from(other == value) << at))
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
