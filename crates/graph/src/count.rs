//! The counting kernel: one dense accumulator per signal and a list of what was touched; pairs are never
//! materialised.

mod journey;
mod session;
mod swing;

pub(crate) use journey::count_journeys;
pub(crate) use session::{Kernel, count_sessions};
pub(crate) use swing::{SwingBench, count_swing};

use crate::facts::Baskets;

/// 1.0 as a fixed-point weight.
pub(crate) const ONE: u64 = 1 << 16;

/// A cell: the weighted count in the low bits, the plain count above, on top whether anything was generated. One
/// addition counts both.
const WEIGHT_BITS: u32 = 40;
const COUNT_BITS: u32 = 23;
const GENERATED: u64 = 1 << 63;
/// The most baskets of one product that a cell can hold; of more, the most recent count.
pub(crate) const MAX_BASKETS: usize = (1 << COUNT_BITS) - 1;

/// What the baskets in common with one product come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cell(u64);

impl Cell {
    /// Common baskets.
    #[inline]
    pub(crate) const fn support(self) -> u32 {
        ((self.0 & !GENERATED) >> WEIGHT_BITS) as u32
    }

    /// Sum of their weights, in parts of [`ONE`].
    #[inline]
    pub(crate) const fn parts(self) -> u64 {
        self.0 & ((1 << WEIGHT_BITS) - 1)
    }

    /// Sum of their weights.
    #[inline]
    pub(crate) fn weight(self) -> f64 {
        self.parts() as f64 / ONE as f64
    }

    /// As [`Self::weight`], in as many digits as a stored score has.
    #[inline]
    pub(crate) fn rough_weight(self) -> f32 {
        self.parts().cast_signed() as f32 * const { 1.0 / ONE as f32 }
    }

    /// Whether one of them is generated.
    const fn is_generated(self) -> bool {
        self.0 & GENERATED != 0
    }
}

/// Weighted and plain co-counts of one anchor, indexed by product. Integers, so that the order of baskets does not
/// matter.
#[derive(Debug)]
pub(crate) struct Counter {
    cells: Vec<u64>,
    /// Weighted counts for `score`, where its weights are others; empty until they are.
    singles: Vec<u64>,
    /// The first so many are touched; one place more than there are products.
    list: Vec<u32>,
    touched: usize,
}

impl Counter {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            cells: vec![0; products],
            singles: Vec::new(),
            list: vec![0; products + 1],
            touched: 0,
        }
    }

    /// Counts once more that `item` goes with the anchor, at `weight` in parts of [`ONE`]; `flag` is
    /// [`generated_flag`].
    #[inline]
    fn add(&mut self, item: u32, weight: u64, flag: u64) {
        let cell = &mut self.cells[item as usize];
        // Written always and counted once: whether a product is new is a coin that no branch foretells.
        self.list[self.touched] = item;
        self.touched += usize::from(*cell == 0);
        *cell = (*cell + ((1 << WEIGHT_BITS) | weight)) | flag;
    }

    /// Counts every product beside the anchor in its baskets, at the weight of the basket's size; a pair as its fainter
    /// line. The anchor itself is counted too.
    pub(crate) fn count(&mut self, anchor: u32, baskets: &Baskets, weights: &[u64]) {
        each_basket(anchor, baskets, |basket, items, flag| {
            let weight = weights[items.len().min(weights.len() - 1)];
            let Some(halvings) = baskets.halvings(basket) else {
                for &item in items {
                    self.add(item, weight, flag);
                }
                return;
            };
            let own = halvings_of(baskets, basket, anchor);
            for (&item, halvings) in items.iter().zip(halvings) {
                self.add(item, weight >> own.max(halvings), flag);
            }
        });
    }

    /// As [`Self::count`], and once more at the weights of `score`.
    pub(crate) fn count_both(&mut self, anchor: u32, baskets: &Baskets, weights: &[u64], singles: &[u64]) {
        self.singles.resize(self.cells.len(), 0);
        each_basket(anchor, baskets, |basket, items, flag| {
            let weight = weights[items.len().min(weights.len() - 1)];
            let single = singles[items.len().min(singles.len() - 1)];
            let Some(halvings) = baskets.halvings(basket) else {
                for &item in items {
                    self.add(item, weight, flag);
                    self.singles[item as usize] += single;
                }
                return;
            };
            let own = halvings_of(baskets, basket, anchor);
            for (&item, halvings) in items.iter().zip(halvings) {
                let halvings = own.max(halvings);
                self.add(item, weight >> halvings, flag);
                self.singles[item as usize] += single >> halvings;
            }
        });
    }

    /// Products counted since the last [`Self::clear`], in no particular order.
    pub(crate) fn touched(&self) -> &[u32] {
        &self.list[..self.touched]
    }

    /// Reads the cells of some, so that they are near when they are needed. The value means nothing.
    #[inline]
    pub(crate) fn fetch(&self, items: &[u32]) -> u64 {
        items.iter().fold(0, |sum, &item| sum ^ self.cells[item as usize])
    }

    /// What is known of a product.
    #[inline]
    pub(crate) fn cell(&self, item: u32) -> Cell {
        Cell(self.cells[item as usize])
    }

    /// Common baskets.
    #[inline]
    pub(crate) fn support(&self, item: u32) -> u32 {
        self.cell(item).support()
    }

    /// Sum of weights of the common baskets.
    #[inline]
    pub(crate) fn weight(&self, item: u32) -> f64 {
        self.cell(item).weight()
    }

    /// Whether `score` has weights of its own.
    pub(crate) fn has_singles(&self) -> bool {
        !self.singles.is_empty()
    }

    /// Sum of weights of the common baskets, as `score` has them.
    #[inline]
    pub(crate) fn single_weight(&self, item: u32) -> f64 {
        match self.singles.get(item as usize) {
            Some(&weight) => weight as f64 / ONE as f64,
            None => self.weight(item),
        }
    }

    /// Whether a generated basket holds both.
    pub(crate) fn is_generated(&self, item: u32) -> bool {
        self.cell(item).is_generated()
    }

    pub(crate) fn clear(&mut self) {
        for &item in &self.list[..self.touched] {
            self.cells[item as usize] = 0;
        }
        if !self.singles.is_empty() {
            for &item in &self.list[..self.touched] {
                self.singles[item as usize] = 0;
            }
        }
        self.touched = 0;
    }
}

/// Shows every basket of `anchor` with its products and [`generated_flag`].
///
/// Baskets lie anywhere in memory, and waiting for each in turn would take longer than all counting. So they are
/// fetched some at a time: reads that do not depend on each other are under way together.
#[inline]
fn each_basket(anchor: u32, baskets: &Baskets, mut show: impl FnMut(u32, &[u32], u64)) {
    const TOGETHER: usize = 32;
    let mut spans = [(0, 0); TOGETHER];
    for some in most_recent(baskets.of(anchor)).chunks(TOGETHER) {
        for (span, &basket) in spans.iter_mut().zip(some) {
            *span = baskets.span(basket);
        }
        std::hint::black_box(baskets.fetch(&spans[..some.len()]));
        for (&basket, &span) in some.iter().zip(&spans) {
            let items = baskets.spanned(span);
            show(basket, items, generated_flag(baskets.is_generated(basket)));
        }
    }
}

/// How often `item` counts half in a basket that holds it.
fn halvings_of(baskets: &Baskets, basket: u32, item: u32) -> u8 {
    baskets.halvings(basket).map_or(0, |halvings| {
        let mut lines = baskets.items(basket).iter().zip(halvings);
        lines
            .find(|(held, _)| **held == item)
            .map_or(0, |(_, halvings)| halvings)
    })
}

fn generated_flag(is_generated: bool) -> u64 {
    if is_generated { GENERATED } else { 0 }
}

/// Baskets stand oldest first.
fn most_recent(baskets: &[u32]) -> &[u32] {
    &baskets[baskets.len().saturating_sub(MAX_BASKETS)..]
}

/// Fixed-point weights by basket size, 0 to `cap`.
pub(crate) fn weights(cap: usize, of: impl Fn(usize) -> f64) -> Vec<u64> {
    (0..=cap).map(|size| fixed(of(size))).collect()
}

/// A weight between 0 and 1 in parts of [`ONE`].
fn fixed(weight: f64) -> u64 {
    (weight.clamp(0.0, 1.0) * ONE as f64).round() as u64
}

#[cfg(test)]
mod tests {
    use tandem_domain::clock::Timestamp;
    use tandem_domain::event::EventKind;

    use super::*;
    use crate::facts::{EventRow, Facts, FactsBuilder};
    use crate::params::Params;

    #[test]
    fn a_cell_holds_the_most_baskets_it_promises() {
        let mut counter = Counter::new(1);
        counter.cells[0] = ((MAX_BASKETS as u64 - 1) << WEIGHT_BITS) | ((MAX_BASKETS as u64 - 1) * ONE);
        counter.add(0, ONE, GENERATED);
        assert_eq!(counter.support(0) as usize, MAX_BASKETS);
        assert_eq!(counter.weight(0), MAX_BASKETS as f64);
        assert!(counter.is_generated(0));
    }

    const USER: &str = "ann";

    /// One basket of everything per kind; what `attributed` names came from us.
    fn facts(attributed: &[&str], also_by_itself: bool) -> Facts {
        let mut builder = FactsBuilder::new(Vec::new());
        for (kind, group) in [
            (EventKind::View, "s1"),
            (EventKind::View, "s2"),
            (EventKind::Cart, "c"),
            (EventKind::Purchase, "o"),
        ] {
            for (step, product) in (0..).zip(["a", "b", "c"]) {
                let row = EventRow {
                    kind,
                    product,
                    user: Some(USER),
                    group: Some(group),
                    scene: Some("live"),
                    quantity: 1,
                    unit_price: None,
                    time: Timestamp::from_ms(1_700_000_000_000 + step),
                    generated: false,
                    attributed: attributed.contains(&product),
                    dwell_ms: None,
                };
                builder.push(row);
                if also_by_itself {
                    builder.push(EventRow {
                        attributed: false,
                        dwell_ms: None,
                        ..row
                    });
                }
            }
        }
        builder.finish()
    }

    /// Weight and support of b and c beside a, by signal.
    fn counted(facts: &Facts) -> Vec<[(f64, u32); 2]> {
        let (params, weights) = (Params::default(), weights(100, |_| 1.0));
        let kernel = Kernel::new(&params.viewed, 50);
        let of = |count: &mut dyn FnMut(&mut Counter)| {
            let mut counter = Counter::new(3);
            count(&mut counter);
            [1, 2].map(|item| (counter.weight(item), counter.support(item)))
        };
        vec![
            of(&mut |counter| counter.count(0, &facts.purchases, &weights)),
            of(&mut |counter| counter.count_both(0, &facts.carts, &weights, &weights)),
            of(&mut |counter| counter.count(0, &facts.scenes, &weights)),
            of(&mut |counter| count_sessions(counter, 0, &facts.views, &kernel)),
            of(&mut |counter| count_journeys(counter, 0, &facts.journeys, 7)),
            of(&mut |counter| {
                count_swing(counter, 0, &facts.views, &params.swing, &mut SwingBench::new(3));
            }),
        ]
    }

    #[test]
    fn in_every_signal_a_pair_counts_half_where_either_side_came_from_us_alone() {
        let whole = counted(&facts(&[], false));
        assert!(whole.iter().flatten().all(|one| one.0 > 0.0 && one.1 > 0));
        let half = |one: (f64, u32)| ((one.0 * ONE as f64 / 2.0).floor() / ONE as f64, one.1);
        // Two views of one product in two sessions make one sum of two halves.
        let is_half = |found: (f64, u32), one: (f64, u32)| {
            (found.0 - half(one).0).abs() <= 1.0 / ONE as f64 && found.1 == one.1
        };
        for (found, whole) in counted(&facts(&["b"], false)).iter().zip(&whole) {
            assert!(is_half(found[0], whole[0]), "{found:?} of {whole:?}");
            assert_eq!(found[1], whole[1]);
        }
        for attributed in [&["a"][..], &["a", "b", "c"], &["b", "c"]] {
            for (found, whole) in counted(&facts(attributed, false)).iter().zip(&whole) {
                assert!(is_half(found[0], whole[0]), "{found:?} of {whole:?}");
                assert!(is_half(found[1], whole[1]), "{found:?} of {whole:?}");
            }
        }
        assert_eq!(counted(&facts(&["a", "b"], true)), whole, "found without us too");
    }
}
