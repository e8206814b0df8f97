use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tandem_domain::id::CategoryId;

use super::price::{self, Band};
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
    pub(super) prices: Vec<Option<i32>>,
}

/// Relatedness of all leaf categories of the catalogue.
pub(super) fn freeze(facts: &Facts, params: &Params) -> Vec<CategoryStats> {
    let baskets = leaf_baskets(facts);
    let total = dense(baskets.leaves.len());
    let table = XLogX::up_to(total);
    let sold = sold(facts);
    let curated = Rules::new(&facts.products, params).curated(facts.products.leaves.len());
    (0..dense(facts.products.leaves.len()))
        .into_par_iter()
        .map_init(
            || Counter::new(facts.products.leaves.len()),
            |counter, leaf| {
                counter.clear();
                counter.count(leaf, &baskets.leaves, &[ONE]);
                let mut related = cut(shares(counter, leaf, &baskets.leaves, &table, params), params);
                let learned = related.len();
                for &other in &curated[leaf as usize] {
                    if related[..learned].iter().all(|(known, _)| *known != other) {
                        related.push((other, counter.support(other)));
                    }
                }
                let leaves = facts.products.leaves.len();
                let bands = price::bands(&baskets, leaves, leaf, &related, &params.prices);
                let named = related.iter().zip(bands).enumerate();
                let named = named.map(|(place, (&(other, both), band))| Related {
                    id: facts.products.leaves[other as usize].clone(),
                    learned: place < learned,
                    both,
                    band,
                });
                CategoryStats {
                    id: facts.products.leaves[leaf as usize].clone(),
                    baskets: baskets.leaves.count(leaf),
                    sold: sold[leaf as usize],
                    related: named.collect(),
                }
            },
        )
        .collect()
}

/// Orders per leaf category, one more for each of its products.
fn sold(facts: &Facts) -> Vec<u64> {
    let mut sold = vec![0; facts.products.leaves.len()];
    for (item, &leaf) in (0..).zip(&facts.products.leaf).filter(|(_, leaf)| **leaf != NONE) {
        sold[leaf as usize] += u64::from(facts.purchases.count(item)) + 1;
    }
    sold
}

fn leaf_baskets(facts: &Facts) -> LeafBaskets {
    let mut prices = Vec::new();
    let lists = (0..dense(facts.purchases.len())).map(|basket| {
        let priced = |&item: &u32| {
            (
                facts.products.leaf[item as usize],
                facts.products.price[item as usize],
            )
        };
        let mut lines: Vec<(u32, Option<i64>)> = facts.purchases.items(basket).iter().map(priced).collect();
        lines.retain(|(leaf, _)| *leaf != NONE);
        lines.sort_unstable();
        let same_leaf = lines.chunk_by(|a, b| a.0 == b.0);
        let (leaves, means): (Vec<u32>, Vec<Option<i32>>) = same_leaf
            .map(|lines| (lines[0].0, price::mean(lines.iter().filter_map(|line| line.1))))
            .unzip();
        prices.extend(means);
        leaves
    });
    let leaves = Baskets::plain(lists, facts.products.leaves.len());
    LeafBaskets { leaves, prices }
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
