use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tandem_domain::id::CategoryId;

use super::price::{self, Band, Bands};
use crate::count::{Counter, ONE};
use crate::facts::{Baskets, Facts, NONE, dense};
use crate::params::Params;
use crate::rules::Rules;
use crate::significance::XLogX;

/// A leaf category and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CategoryStats {
    pub(crate) id: CategoryId,
    /// Orders that hold something of it.
    pub(crate) baskets: u32,
    /// What its products sell, each one more than it does.
    pub(crate) sold: u64,
    /// Largest share first; those that only rules name last.
    pub(crate) related: Vec<Related>,
}

/// A category that goes with another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Related {
    pub(crate) id: CategoryId,
    /// Whether orders say so; else a rule of the marketplace or of some shop does.
    pub(crate) learned: bool,
    /// Orders that hold something of both.
    pub(crate) both: u32,
    /// Prices that are paid along; `None` where too few orders tell.
    pub(crate) band: Option<Band>,
}

/// Orders as sets of leaf categories, each with what is usually paid in it there.
pub(super) struct LeafBaskets {
    pub(super) leaves: Baskets,
    /// Mean ln price in hundredths, beside the leaves of all baskets; `None` where nothing is priced.
    pub(super) prices: Vec<Option<i16>>,
}

impl LeafBaskets {
    /// The leaves of an order whose [span](Baskets::span) is known, and what is paid in each.
    #[inline]
    pub(super) fn spanned(&self, span: (u32, u32)) -> (&[u32], &[Option<i16>]) {
        let prices = &self.prices[span.0 as usize..span.1 as usize];
        (self.leaves.spanned(span), prices)
    }

    /// Reads a little of each order, none of them empty: they lie anywhere in memory, and reads that do not depend on each
    /// other are under way together. The value means nothing.
    #[inline]
    pub(super) fn fetch(&self, spans: &[(u32, u32)]) -> u32 {
        let priced = |&(start, end): &(u32, u32)| {
            let ends = [start, end - 1].map(|at| self.prices[at as usize].is_some());
            u32::from(ends[0] ^ ends[1])
        };
        self.leaves.fetch(spans) ^ spans.iter().map(priced).sum::<u32>()
    }
}

/// Relatedness of all leaf categories of the catalogue.
pub(super) fn freeze(facts: &Facts, params: &Params) -> Vec<CategoryStats> {
    let baskets = leaf_baskets(facts);
    let ids = &facts.products.leaves;
    let related = related(facts, &baskets.leaves, params);
    let bands = Bands::learn(&baskets, &related, &params.prices);
    let sold = sold(facts);
    let stats = |leaf: usize| {
        let named = related[leaf]
            .iter()
            .map(|&Found { other, both, learned }| Related {
                id: ids[other as usize].clone(),
                learned,
                both,
                band: bands.of(dense(leaf), other),
            });
        CategoryStats {
            id: ids[leaf].clone(),
            baskets: baskets.leaves.count(dense(leaf)),
            sold: sold[leaf],
            related: named.collect(),
        }
    };
    (0..ids.len()).into_par_iter().map(stats).collect()
}

/// A category that goes with another, as [`Related`] has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) other: u32,
    pub(super) both: u32,
    pub(super) learned: bool,
}

/// What goes with each leaf: what orders say, and then what only rules name.
fn related(facts: &Facts, baskets: &Baskets, params: &Params) -> Vec<Vec<Found>> {
    let table = XLogX::up_to(dense(baskets.len()));
    let leaves = facts.products.leaves.len();
    let curated = Rules::new(&facts.products, params).curated(leaves);
    let of = |counter: &mut Counter, leaf: u32| {
        counter.clear();
        counter.count(leaf, baskets, &[ONE]);
        let mut related = cut(shares(counter, leaf, baskets, &table, params), params);
        let learned = related.len();
        for &other in &curated[leaf as usize] {
            if related[..learned].iter().all(|(known, _)| *known != other) {
                related.push((other, counter.support(other)));
            }
        }
        let found = (0..).zip(related).map(|(place, (other, both))| Found {
            other,
            both,
            learned: place < learned,
        });
        found.collect()
    };
    let all = (0..dense(leaves)).into_par_iter();
    all.map_init(|| Counter::new(leaves), of).collect()
}

/// Orders per leaf category, one more for each of its products.
fn sold(facts: &Facts) -> Vec<u64> {
    let mut sold = vec![0; facts.products.leaves.len()];
    for (item, &leaf) in (0..).zip(&facts.products.leaf).filter(|(_, leaf)| **leaf != NONE) {
        sold[leaf as usize] += u64::from(facts.purchases.count(item)) + 1;
    }
    sold
}

/// Some orders as sets of leaf categories.
#[derive(Default)]
struct LeafLists {
    leaves: Vec<u32>,
    /// Beside the leaves.
    prices: Vec<Option<i16>>,
    /// Where the leaves of each order end.
    ends: Vec<usize>,
}

impl LeafLists {
    /// The leaves of each order.
    fn orders(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.leaves[start..end])
    }
}

fn leaf_baskets(facts: &Facts) -> LeafBaskets {
    const TOGETHER: usize = 4096;
    let products = &facts.products;
    let logs: Vec<f64> = products
        .price
        .iter()
        .map(|price| price.map_or(0.0, price::log))
        .collect();
    let lists: Vec<LeafLists> = (0..facts.purchases.len().div_ceil(TOGETHER))
        .into_par_iter()
        .map(|chunk| {
            let (mut lists, mut lines) = (LeafLists::default(), Vec::new());
            let baskets = chunk * TOGETHER..((chunk + 1) * TOGETHER).min(facts.purchases.len());
            for basket in baskets {
                let items = facts
                    .purchases
                    .items(dense(basket))
                    .iter()
                    .map(|&item| item as usize);
                let known = items.filter(|&item| products.leaf[item] != NONE);
                lines.clear();
                lines.extend(known.map(|item| (products.leaf[item], products.price[item], logs[item])));
                lines.sort_unstable_by_key(|&(leaf, price, _)| (leaf, price));
                for lines in lines.chunk_by(|a, b| a.0 == b.0) {
                    let priced = lines.iter().filter(|(_, price, _)| price.is_some());
                    lists.leaves.push(lines[0].0);
                    lists.prices.push(price::mean(priced.map(|(_, _, log)| *log)));
                }
                lists.ends.push(lists.leaves.len());
            }
            lists
        })
        .collect();
    LeafBaskets {
        leaves: Baskets::plain(lists.iter().flat_map(LeafLists::orders), products.leaves.len()),
        prices: lists.iter().flat_map(|lists| &lists.prices).copied().collect(),
    }
}

/// Categories found with `leaf` often enough or more often than chance has it, largest share first.
fn shares(
    counter: &Counter,
    leaf: u32,
    baskets: &Baskets,
    table: &XLogX,
    params: &Params,
) -> Vec<(u32, u32)> {
    let total = baskets.len() as u64;
    let anchor = u64::from(baskets.count(leaf));
    let is_real = |&(other, both): &(u32, u32)| {
        let (both, count) = (u64::from(both), u64::from(baskets.count(other)));
        both >= u64::from(params.gates.strong_support)
            || (both * total > anchor * count && table.llr(both, anchor, count, total) > params.gates.chance)
    };
    let others = counter.touched().iter().filter(|&&other| other != leaf);
    let mut found: Vec<_> = others
        .map(|&other| (other, counter.support(other)))
        .filter(is_real)
        .collect();
    found.sort_unstable_by_key(|&(other, both)| (std::cmp::Reverse(both), other));
    found
}

/// Cuts at the largest relative drop of the share, between the fewest and the most that are kept.
fn cut(mut found: Vec<(u32, u32)>, params: &Params) -> Vec<(u32, u32)> {
    let (fewest, most) = (params.categories.fewest.max(1), params.categories.most);
    found.truncate(most.saturating_add(1));
    if found.len() <= fewest {
        return found;
    }
    let drop = |kept: &usize| f64::from(found[kept - 1].1) / f64::from(found[*kept].1);
    let best = (fewest..found.len()).max_by(|a, b| drop(a).total_cmp(&drop(b)).then(b.cmp(a)));
    found.truncate(best.unwrap_or(fewest));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_related_categories_ends_where_the_share_falls_most() {
        let mut params = Params::default();
        params.categories.fewest = 1;
        let found = vec![(1, 100), (2, 90), (3, 80), (4, 9), (5, 8)];
        assert_eq!(cut(found.clone(), &params).len(), 3);
        params.categories.fewest = 4;
        assert_eq!(cut(found.clone(), &params).len(), 4);
        params.categories.fewest = 1;
        params.categories.most = 2;
        assert_eq!(cut(found, &params).len(), 2);
    }
}
