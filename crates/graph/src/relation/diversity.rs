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

/// Scratch of one worker.
#[derive(Debug, Default)]
pub(super) struct Spread {
    leaves: Alike,
    brands: Alike,
    relevance: Vec<f64>,
    order: Vec<usize>,
    before: Vec<Chosen>,
}

impl Spread {
    /// Reorders what was chosen, best first, for variety: the next one is relevant and repeats little of what stands before it;
    /// brands and leaves over their cap go last. The scores stay the same numbers, dealt out along the new order.
    pub(super) fn spread(&mut self, row: &Row<'_>, recipe: &Recipe, chosen: &mut [Chosen]) {
        let most = f64::from(chosen.first().map_or(0.0, |one| one.score));
        if recipe.factor == Factor::Family || most <= 0.0 {
            return;
        }
        let (products, caps) = (&row.frame.facts.products, &row.frame.epoch.params.diversity);
        let items = || chosen.iter().map(|one| one.item as usize);
        self.leaves.set(items().map(|item| products.leaf[item]));
        self.brands.set(items().map(|item| products.brand[item]));
        let relevance = chosen.iter().map(|one| caps.lambda * f64::from(one.score) / most);
        self.relevance.clear();
        self.relevance.extend(relevance);
        let counts_leaves = recipe.category != CategoryGate::Same;
        let per_leaf = if counts_leaves {
            caps.per_leaf.max(1)
        } else {
            usize::MAX
        };
        self.order(1.0 - caps.lambda, (per_leaf, caps.per_brand.max(1)));
        self.before.clear();
        self.before.extend_from_slice(chosen);
        for (one, &at) in chosen.iter_mut().zip(&self.order) {
            *one = self.before[at];
        }
        deal(row, chosen, self.before.iter().map(|one| one.score));
    }

    /// Puts the chosen, whose relevance falls, into `order`: `cost` is what repeating all takes from it, and so many of a leaf
    /// and of a brand may stand before the others.
    fn order(&mut self, cost: f64, (per_leaf, per_brand): (usize, usize)) {
        let Self {
            leaves,
            brands,
            relevance,
            order,
            ..
        } = self;
        let mut waiting = Waiting {
            open: Places::MAX >> (Places::BITS as usize - relevance.len()),
            ..Waiting::default()
        };
        order.clear();
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
            let (leaf, brand) = (leaves.places[at], brands.places[at]);
            waiting.place(at, leaf, brand);
            for (alike, most) in [(leaf, per_leaf), (brand, per_brand)] {
                if waiting.placed(alike) >= most {
                    waiting.full |= alike;
                }
            }
        }
    }
}

/// Who has the same value of an attribute.
#[derive(Debug, Default)]
struct Alike {
    /// Beside each one, all who have its value; nobody where it is not known.
    places: Vec<Places>,
    values: Vec<u32>,
    /// By value; nobody between two lists.
    by_value: Vec<Places>,
}

impl Alike {
    /// Of the next list.
    fn set(&mut self, values: impl Iterator<Item = u32>) {
        self.values.clear();
        self.values.extend(values);
        let known = |&(_, &value): &(usize, &u32)| value != NONE;
        for (at, &value) in self.values.iter().enumerate().filter(known) {
            if self.by_value.len() <= value as usize {
                self.by_value.resize(value as usize + 1, 0);
            }
            self.by_value[value as usize] |= 1 << at;
        }
        let by_value = |&value: &u32| self.by_value.get(value as usize).copied().unwrap_or(0);
        self.places.clear();
        self.places.extend(self.values.iter().map(by_value));
        for &value in self.values.iter().filter(|value| **value != NONE) {
            self.by_value[value as usize] = 0;
        }
    }
}

/// Gives the scores, best first, to the new order. Where two are equal and popularity would undo the order, the later
/// one gets the next smaller number.
fn deal(row: &Row<'_>, order: &mut [Chosen], scores: impl Iterator<Item = f32>) {
    let mut last = (u64::from(f32::MAX.to_bits()) << 32) | u64::from(u32::MAX);
    for (one, score) in order.iter_mut().zip(scores) {
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
    fn plainly(kinds: &[(u32, u32)], relevance: &[f64], cost: f64, most: (usize, usize)) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::new();
        while order.len() < relevance.len() {
            let rank = |at: usize| {
                let before = || order.iter().map(|&other| kinds[other]);
                let held =
                    |is_it: &dyn Fn((u32, u32)) -> bool| before().filter(|&other| is_it(other)).count();
                let leaves = held(&|other| other.0 != NONE && other.0 == kinds[at].0);
                let brands = held(&|other| other.1 != NONE && other.1 == kinds[at].1);
                let is_full = leaves >= most.0 || brands >= most.1;
                let repeats = before()
                    .map(|other| sameness(other, kinds[at]))
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

    fn list() -> impl Strategy<Value = Vec<(u32, u32)>> {
        proptest::collection::vec((number(), number()), 1..=STORED_COMPANIONS)
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_comparing_everybody(
            lists in proptest::collection::vec(list(), 1..4),
            steps in proptest::collection::vec(0..3_u8, STORED_COMPANIONS),
            (per_leaf, per_brand, cost) in (1..6_usize, 1..6_usize, 0..3_u8),
        ) {
            let most = (if per_leaf == 5 { usize::MAX } else { per_leaf }, per_brand);
            let cost = f64::from(cost) / 4.0;
            // One list after the other, as a worker has them.
            let mut spread = Spread::default();
            for kinds in lists {
                let falling = steps.iter().scan(1.0, |relevance, &step| {
                    *relevance -= f64::from(step) / 128.0;
                    Some(*relevance)
                });
                let relevance: Vec<f64> = falling.take(kinds.len()).collect();
                spread.leaves.set(kinds.iter().map(|kind| kind.0));
                spread.brands.set(kinds.iter().map(|kind| kind.1));
                spread.relevance.clone_from(&relevance);
                spread.order(cost, most);
                prop_assert_eq!(&spread.order, &plainly(&kinds, &relevance, cost, most));
            }
        }
    }
}
