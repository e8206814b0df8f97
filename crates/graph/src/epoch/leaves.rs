//! Orders as sets of leaf categories, and what two of those have in common.

use rayon::prelude::*;

use super::price::{self, BUCKETS, Band};
use crate::facts::{Facts, NONE, dense};
use crate::params::Prices;

/// A leaf category in an order.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The leaf, and [`LAST`] where the order ends behind it.
    leaf: u32,
    /// Mean ln price of what was bought of it, in hundredths; `None` where nothing is priced.
    paid: Option<i16>,
}

/// No leaf has a number as large.
const LAST: u32 = 1 << 31;

/// Orders are read in no order that memory lies in: each entry more that a line of the cache holds is one wait less.
const _: () = assert!(size_of::<Entry>() == 8);

impl Entry {
    const fn leaf(self) -> u32 {
        self.leaf & !LAST
    }

    const fn is_last(self) -> bool {
        self.leaf & LAST != 0
    }
}

/// Orders as sets of leaf categories.
pub(super) struct LeafOrders {
    /// Order after order, in each ascending by leaf.
    entries: Vec<Entry>,
    /// Where each leaf stands among them, leaf after leaf.
    places: Vec<u32>,
    /// Where those of each leaf begin, and where the last ones end.
    starts: Vec<usize>,
    /// Orders in all, those without a leaf among them.
    orders: u32,
}

impl LeafOrders {
    pub(super) fn of(facts: &Facts) -> Self {
        const TOGETHER: usize = 4096;
        let products = &facts.products;
        let logs: Vec<f64> = products
            .price
            .iter()
            .map(|price| price.map_or(0.0, price::log))
            .collect();
        let parts: Vec<Vec<Entry>> = (0..facts.purchases.len().div_ceil(TOGETHER))
            .into_par_iter()
            .map(|chunk| {
                let (mut entries, mut lines) = (Vec::new(), Vec::new());
                let baskets = chunk * TOGETHER..((chunk + 1) * TOGETHER).min(facts.purchases.len());
                for basket in baskets {
                    let items = facts.purchases.items(dense(basket)).iter();
                    let items = items.map(|&item| item as usize);
                    let known = items.filter(|&item| products.leaf[item] != NONE);
                    lines.clear();
                    lines.extend(known.map(|item| (products.leaf[item], products.price[item], logs[item])));
                    lines.sort_unstable_by_key(|&(leaf, price, _)| (leaf, price));
                    entries.extend(lines.chunk_by(|a, b| a.0 == b.0).map(|lines| {
                        let priced = lines.iter().filter(|(_, price, _)| price.is_some());
                        Entry {
                            leaf: lines[0].0,
                            paid: price::mean(priced.map(|(_, _, log)| *log)),
                        }
                    }));
                    // Of an order without leaves that is the last entry of the one before.
                    if let Some(last) = entries.last_mut() {
                        last.leaf |= LAST;
                    }
                }
                entries
            })
            .collect();
        Self::laid(
            parts.concat(),
            products.leaves.len(),
            dense(facts.purchases.len()),
        )
    }

    fn laid(entries: Vec<Entry>, leaves: usize, orders: u32) -> Self {
        let mut starts = vec![0; leaves + 1];
        for entry in &entries {
            starts[entry.leaf() as usize + 1] += 1;
        }
        for leaf in 0..leaves {
            starts[leaf + 1] += starts[leaf];
        }
        let mut next = starts.clone();
        let mut places = vec![0; entries.len()];
        for (at, entry) in (0..).zip(&entries) {
            let next = &mut next[entry.leaf() as usize];
            places[*next] = at;
            *next += 1;
        }
        Self {
            entries,
            places,
            starts,
            orders,
        }
    }

    /// Orders in all.
    pub(super) const fn len(&self) -> u32 {
        self.orders
    }

    /// Orders that hold something of a leaf.
    pub(super) fn count(&self, leaf: u32) -> u32 {
        dense(self.of_leaf(leaf).len())
    }

    fn of_leaf(&self, leaf: u32) -> &[u32] {
        &self.places[self.starts[leaf as usize]..self.starts[leaf as usize + 1]]
    }
}

/// What two leaf categories have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common {
    /// The larger one of the two.
    pub(super) other: u32,
    /// Orders that hold something of both.
    pub(super) both: u32,
    /// Whether that is often enough to say that they go together.
    pub(super) is_real: bool,
    /// What is paid in the larger one against the smaller one; `None` where too few orders tell.
    band: Option<Band>,
}

/// What leaf categories have in common. It is the same seen from either of two, so each two are looked at once, from the
/// smaller one.
pub(super) struct Pairs {
    /// By the smaller one, ascending.
    above: Vec<Vec<Common>>,
}

impl Pairs {
    /// Keeps two of whom `is_real` says so, given both and how many orders they have in common, and of those that are `ruled`
    /// whoever has any order in common. Seen from either side they are the same, so it must say the same.
    pub(super) fn learn(
        orders: &LeafOrders,
        is_real: impl Fn(u32, u32, u32) -> bool + Sync,
        ruled: &[Vec<u32>],
        prices: &Prices,
    ) -> Self {
        let leaves = ruled.len();
        let mut asked: Vec<Vec<u32>> = vec![Vec::new(); leaves];
        for (leaf, others) in (0..).zip(ruled) {
            for &other in others {
                asked[leaf.min(other) as usize].push(leaf.max(other));
            }
        }
        let above = asked.into_par_iter().zip(0..dense(leaves)).map_init(
            || Tally::new(leaves),
            |tally, (mut asked, leaf)| {
                asked.sort_unstable();
                count(tally, orders, leaf);
                let mut above = Vec::new();
                tally.end(|other, both, ratios| {
                    let is_real = is_real(leaf, other, both);
                    if is_real || asked.binary_search(&other).is_ok() {
                        above.push(Common {
                            other,
                            both,
                            is_real,
                            band: price::band(ratios, prices),
                        });
                    }
                });
                above.sort_unstable_by_key(|common| common.other);
                above
            },
        );
        Self {
            above: above.collect(),
        }
    }

    /// Every two that were kept, the smaller one first.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &Common)> {
        let above = (0..).zip(&self.above);
        above.flat_map(|(leaf, above)| above.iter().map(move |common| (leaf, common)))
    }

    /// The orders that two have in common, and what is paid in `other` against `leaf`.
    pub(super) fn of(&self, leaf: u32, other: u32) -> (u32, Option<Band>) {
        let above = &self.above[leaf.min(other) as usize];
        let at = above.binary_search_by_key(&leaf.max(other), |common| common.other);
        let Some(common) = at.ok().map(|at| &above[at]) else {
            return (0, None);
        };
        let turned = |band: Band| if other > leaf { band } else { band.reversed() };
        (common.both, common.band.map(turned))
    }
}

/// The orders of one leaf, by the others in them: how many, and what is paid there against what is paid here.
struct Tally {
    both: Vec<u32>,
    /// So many [`BUCKETS`] of each.
    ratios: Vec<u32>,
    /// Whoever was added, each once.
    touched: Vec<u32>,
}

impl Tally {
    fn new(leaves: usize) -> Self {
        Self {
            both: vec![0; leaves],
            ratios: vec![0; leaves * BUCKETS],
            touched: Vec::new(),
        }
    }

    /// Adds an order that holds something of `other` as well.
    #[inline]
    fn add(&mut self, other: u32, own: Option<i16>, paid: Option<i16>) {
        let both = &mut self.both[other as usize];
        if *both == 0 {
            self.touched.push(other);
        }
        *both += 1;
        if let (Some(own), Some(paid)) = (own, paid) {
            let ratio = i32::from(paid) - i32::from(own);
            self.ratios[other as usize * BUCKETS + price::bucket(ratio)] += 1;
        }
    }

    /// Shows what was added, and leaves nothing.
    fn end(&mut self, mut show: impl FnMut(u32, u32, &[u32])) {
        for other in self.touched.drain(..) {
            let both = std::mem::take(&mut self.both[other as usize]);
            let ratios = &mut self.ratios[other as usize * BUCKETS..][..BUCKETS];
            show(other, both, ratios);
            ratios.fill(0);
        }
    }
}

/// Counts what stands above a leaf in its orders.
///
/// Those lie anywhere in memory, so they are fetched some at a time: reads that do not depend on each other are under way
/// together.
fn count(tally: &mut Tally, orders: &LeafOrders, leaf: u32) {
    const TOGETHER: usize = 32;
    let entries = &orders.entries;
    for some in orders.of_leaf(leaf).chunks(TOGETHER) {
        std::hint::black_box(some.iter().fold(0, |sum, &at| sum ^ entries[at as usize].leaf));
        for &at in some {
            let mut above = entries[at as usize..].iter();
            let Some(own) = above.next().filter(|own| !own.is_last()) else {
                continue;
            };
            for other in above {
                tally.add(other.leaf(), own.paid, other.paid);
                if other.is_last() {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Order = Vec<(u32, Option<i16>)>;

    fn laid(orders: &[Order], leaves: usize) -> LeafOrders {
        let entries = orders.iter().flat_map(|order| {
            let last = order.len() - 1;
            let entry = move |(place, &(leaf, paid)): (usize, &(u32, Option<i16>))| Entry {
                leaf: if place == last { leaf | LAST } else { leaf },
                paid,
            };
            order.iter().enumerate().map(entry)
        });
        LeafOrders::laid(entries.collect(), leaves, dense(orders.len()))
    }

    /// The same in plain loops.
    fn plainly(orders: &[Order], leaf: u32, other: u32, prices: &Prices) -> (u32, Option<Band>) {
        let of = |order: &Order, leaf: u32| order.iter().find(|one| one.0 == leaf).map(|one| one.1);
        let both = orders
            .iter()
            .filter_map(|order| Some((of(order, leaf)?, of(order, other)?)));
        let paid: Vec<(Option<i16>, Option<i16>)> = both.collect();
        let ratios = paid
            .iter()
            .filter_map(|&(own, other)| Some(i32::from(other?) - i32::from(own?)));
        (dense(paid.len()), price::plainly(ratios.collect(), prices))
    }

    #[test]
    fn a_tally_forgets_what_it_has_shown() {
        let mut tally = Tally::new(2);
        let shown = |tally: &mut Tally| {
            let mut shown = Vec::new();
            tally.end(|other, both, ratios| shown.push((other, both, ratios.iter().sum())));
            shown
        };
        tally.add(1, Some(0), Some(0));
        assert_eq!(shown(&mut tally), [(1, 1, 1_u32)]);
        assert_eq!(shown(&mut tally), []);
        tally.add(1, Some(0), None);
        assert_eq!(shown(&mut tally), [(1, 1, 0)]);
    }

    proptest! {
        #[test]
        fn two_have_in_common_what_plain_loops_find_in_both_directions(
            orders in proptest::collection::vec(
                proptest::collection::btree_map(0..5_u32, proptest::option::of(-1_000..1_000_i16), 1..5),
                0..60,
            ),
            ruled in proptest::collection::vec(proptest::collection::btree_set(0..5_u32, 0..3), 5),
            least in 1..20_u32,
            (observations, tail_percent) in (1..6_u32, 0..40_u32),
        ) {
            let orders: Vec<Order> = orders.into_iter().map(|order| order.into_iter().collect()).collect();
            let ruled: Vec<Vec<u32>> = (0..).zip(ruled).map(|(leaf, others)| {
                others.into_iter().filter(|other| *other != leaf).collect()
            }).collect();
            let prices = Prices { observations, tail_percent, ..Prices::default() };
            let laid = laid(&orders, 5);
            let pairs = Pairs::learn(&laid, |_, _, both| both >= least, &ruled, &prices);
            for leaf in 0..5_u32 {
                let held = orders.iter().filter(|order| order.iter().any(|one| one.0 == leaf));
                prop_assert_eq!(laid.count(leaf) as usize, held.count());
                for other in (0..5_u32).filter(|other| *other != leaf) {
                    let expected = plainly(&orders, leaf, other, &prices);
                    let is_asked = ruled[leaf as usize].contains(&other) || ruled[other as usize].contains(&leaf);
                    let is_known = expected.0 > 0 && (expected.0 >= least || is_asked);
                    prop_assert_eq!(pairs.of(leaf, other), if is_known { expected } else { (0, None) });
                }
            }
            for (leaf, common) in pairs.all() {
                prop_assert!(leaf < common.other);
                prop_assert_eq!(common.is_real, common.both >= least);
            }
        }
    }
}
