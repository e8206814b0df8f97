use std::cmp::Reverse;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tandem_domain::id::CategoryId;

use super::leaves::{LeafOrders, Pairs};
use super::price::Band;
use crate::facts::{Facts, NONE, dense};
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

/// Relatedness of all leaf categories of the catalogue.
pub(super) fn freeze(facts: &Facts, params: &Params) -> Vec<CategoryStats> {
    let (orders, ids) = (LeafOrders::of(facts), &facts.products.leaves);
    let curated = Rules::new(&facts.products, params).curated(ids.len());
    let table = XLogX::up_to(orders.len());
    let is_real = |leaf, other, both| is_real((&orders, &table), (leaf, other, both), params);
    let pairs = Pairs::learn(&orders, is_real, &curated, &params.prices);
    let found = found(&pairs, ids.len());
    let sold = sold(facts);
    let stats = |leaf: u32, mut found: Vec<(u32, u32)>| {
        found.sort_unstable_by_key(|&(other, both)| (Reverse(both), other));
        let kept: Vec<u32> = cut(found, params).into_iter().map(|one| one.0).collect();
        let only_ruled = curated[leaf as usize]
            .iter()
            .filter(|other| !kept.contains(other));
        let related = kept.iter().map(|other| (other, true));
        let related = related.chain(only_ruled.map(|other| (other, false)));
        let related = related.map(|(&other, learned)| {
            let (both, band) = pairs.of(leaf, other);
            Related {
                id: ids[other as usize].clone(),
                learned,
                both,
                band,
            }
        });
        CategoryStats {
            id: ids[leaf as usize].clone(),
            baskets: orders.count(leaf),
            sold: sold[leaf as usize],
            related: related.collect(),
        }
    };
    let leaves = (0..dense(ids.len())).into_par_iter().zip(found);
    leaves.map(|(leaf, found)| stats(leaf, found)).collect()
}

/// Whether two leaf categories are found in one order often enough, or more often than chance has it.
fn is_real(
    (orders, table): (&LeafOrders, &XLogX),
    (leaf, other, both): (u32, u32, u32),
    params: &Params,
) -> bool {
    let counts = [leaf, other].map(|leaf| u64::from(orders.count(leaf)));
    let (both, total) = (u64::from(both), u64::from(orders.len()));
    both >= u64::from(params.gates.strong_support)
        || (both * total > counts[0] * counts[1]
            && table.llr(both, counts[0], counts[1], total) > params.gates.chance)
}

/// What orders say that goes with each leaf, and how many of them do.
fn found(pairs: &Pairs, leaves: usize) -> Vec<Vec<(u32, u32)>> {
    let mut found = vec![Vec::new(); leaves];
    for (leaf, common) in pairs.all().filter(|(_, common)| common.is_real) {
        found[leaf as usize].push((common.other, common.both));
        found[common.other as usize].push((leaf, common.both));
    }
    found
}

/// Orders per leaf category, one more for each of its products.
fn sold(facts: &Facts) -> Vec<u64> {
    let mut sold = vec![0; facts.products.leaves.len()];
    for (item, &leaf) in (0..).zip(&facts.products.leaf).filter(|(_, leaf)| **leaf != NONE) {
        sold[leaf as usize] += u64::from(facts.purchases.count(item)) + 1;
    }
    sold
}

/// Cuts what was found, most often first, at the largest relative drop of the share, between the fewest and the most that are kept.
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
