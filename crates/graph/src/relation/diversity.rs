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
    let counts_leaves = recipe.category != CategoryGate::Same;
    let column = |of: &[u32]| -> Vec<u32> { chosen.iter().map(|one| of[one.item as usize]).collect() };
    let kinds = Kinds {
        leaves: column(&products.leaf),
        brands: column(&products.brand),
        per_leaf: if counts_leaves {
            caps.per_leaf.max(1)
        } else {
            usize::MAX
        },
        per_brand: caps.per_brand.max(1),
    };
    let relevance = scores.iter().map(|&score| caps.lambda * f64::from(score) / most);
    let order = kinds.order(&relevance.collect::<Vec<f64>>(), 1.0 - caps.lambda);
    let mut order: Vec<Chosen> = order.into_iter().map(|at| chosen[at]).collect();
    deal(row, &mut order, &scores);
    order
}

/// Leaves and brands of the chosen, and how many of each may stand before the others.
#[derive(Debug)]
struct Kinds {
    leaves: Vec<u32>,
    brands: Vec<u32>,
    per_leaf: usize,
    per_brand: usize,
}

impl Kinds {
    /// The order of the chosen, whose relevance falls: `cost` is what repeating all takes from it.
    fn order(&self, relevance: &[f64], cost: f64) -> Vec<usize> {
        let mut waiting = Waiting {
            open: Places::MAX >> (Places::BITS as usize - relevance.len()),
            ..Waiting::default()
        };
        let mut order = Vec::with_capacity(relevance.len());
        while waiting.open != 0 {
            let mut best = (0, f64::NEG_INFINITY);
            for (class, repeats) in waiting.classes().into_iter().filter(|(class, _)| *class != 0) {
                let first = class.trailing_zeros() as usize;
                let rank = relevance[first] - cost * repeats;
                // Of equals the first one stands best.
                if rank > best.1 || (rank == best.1 && first < best.0) {
                    best = (first, rank);
                }
            }
            let at = best.0;
            order.push(at);
            let (leaf, brand) = (
                alike(&self.leaves, self.leaves[at]),
                alike(&self.brands, self.brands[at]),
            );
            waiting.place(at, leaf, brand);
            for (alike, most) in [(leaf, self.per_leaf), (brand, self.per_brand)] {
                if waiting.placed(alike) >= most {
                    waiting.full |= alike;
                }
            }
        }
        order
    }
}

/// Who has this value; nobody has one that is not known.
fn alike(values: &[u32], value: u32) -> Places {
    if value == NONE {
        return 0;
    }
    let bits = values.iter().enumerate();
    bits.fold(0, |bits, (at, &other)| {
        bits | (Places::from(other == value) << at)
    })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same in plain loops: everybody who waits is compared for every place.
    fn plainly(kinds: &Kinds, relevance: &[f64], cost: f64) -> Vec<usize> {
        let kind = |at: usize| (kinds.leaves[at], kinds.brands[at]);
        let mut order: Vec<usize> = Vec::new();
        while order.len() < relevance.len() {
            let rank = |at: usize| {
                let before = || order.iter().map(|&other| kind(other));
                let held =
                    |is_it: &dyn Fn((u32, u32)) -> bool| before().filter(|&other| is_it(other)).count();
                let leaves = held(&|other| other.0 != NONE && other.0 == kind(at).0);
                let brands = held(&|other| other.1 != NONE && other.1 == kind(at).1);
                let is_full = leaves >= kinds.per_leaf || brands >= kinds.per_brand;
                let repeats = before()
                    .map(|other| sameness(other, kind(at)))
                    .fold(0.0, f64::max);
                (!is_full, relevance[at] - cost * repeats)
            };
            let waiting = (0..relevance.len()).filter(|at| !order.contains(at));
            let next = waiting.reduce(|best, at| if rank(at) > rank(best) { at } else { best });
            order.push(next.unwrap());
        }
        order
    }

    fn number() -> impl Strategy<Value = u32> {
        prop_oneof![0..4_u32, Just(NONE)]
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_comparing_everybody(
            kinds in proptest::collection::vec((number(), number()), 0..STORED_COMPANIONS),
            steps in proptest::collection::vec(0..3_u8, STORED_COMPANIONS),
            (per_leaf, per_brand, cost) in (1..6_usize, 1..6_usize, 0..3_u8),
        ) {
            let kinds = Kinds {
                leaves: kinds.iter().map(|kind| kind.0).collect(),
                brands: kinds.iter().map(|kind| kind.1).collect(),
                per_leaf: if per_leaf == 5 { usize::MAX } else { per_leaf },
                per_brand,
            };
            let falling = steps.iter().scan(1.0, |relevance, &step| {
                *relevance -= f64::from(step) / 128.0;
                Some(*relevance)
            });
            let relevance: Vec<f64> = falling.take(kinds.leaves.len()).collect();
            let cost = f64::from(cost) / 4.0;
            prop_assume!(!relevance.is_empty());
            prop_assert_eq!(kinds.order(&relevance, cost), plainly(&kinds, &relevance, cost));
        }
    }
}
