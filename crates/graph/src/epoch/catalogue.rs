use serde::{Deserialize, Serialize};
use tandem_domain::id::CategoryId;

use super::EpochRecord;
use super::check::{InvalidRecord, holds, same_length};
use crate::facts::{Commonplaces, Facts, Frozen, dense};

/// The catalogue at the freeze, by the record's index: enough to tell which products have changed since, and among whom
/// they stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CatalogueRecord {
    fingerprints: Vec<u32>,
    /// Place of the leaf category among the record's.
    leaves: Vec<Option<u32>>,
    /// Products with the same number share a brand.
    brands: Vec<Option<u32>>,
    /// Products with the same number share a series.
    series: Vec<Option<u32>>,
    /// Products off sale, ascending.
    delisted: Vec<u32>,
    commonplaces: Commonplaces,
}

/// Among whom a product stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stood {
    pub(crate) leaf: Option<u32>,
    pub(crate) brand: Option<u32>,
    pub(crate) series: Option<u32>,
}

impl CatalogueRecord {
    pub(super) fn freeze(facts: &Facts) -> Self {
        let products = &facts.products;
        let known = |numbers: &[u32]| {
            let known = numbers
                .iter()
                .map(|&number| (number != crate::facts::NONE).then_some(number));
            known.collect()
        };
        let delisted = products.listed.iter().enumerate().filter(|(_, listed)| !**listed);
        Self {
            fingerprints: products.fingerprints.clone(),
            leaves: known(&products.leaf),
            brands: known(&products.brand),
            series: known(&products.series),
            delisted: delisted.map(|(item, _)| dense(item)).collect(),
            commonplaces: products.commonplaces.clone(),
        }
    }

    /// Whether it can be that of so many products in so many leaf categories; none where the record knows no attributes.
    pub(super) fn check(&self, products: usize, leaves: usize) -> Result<(), InvalidRecord> {
        same_length("catalogue.fingerprints", self.fingerprints.len(), products)?;
        let leaves = if leaves == 0 { products } else { leaves };
        let groups = [
            ("catalogue.leaves", &self.leaves, leaves),
            ("catalogue.brands", &self.brands, products),
            ("catalogue.series", &self.series, products),
        ];
        for (field, numbers, groups) in groups {
            same_length(field, numbers.len(), products)?;
            let are_groups = numbers.iter().flatten().all(|&number| (number as usize) < groups);
            holds(field, are_groups, "a number beyond the groups that there can be")?;
        }
        let is_ascending = self.delisted.is_sorted_by(|a, b| a < b);
        let are_products = self
            .delisted
            .last()
            .is_none_or(|&last| (last as usize) < products);
        holds(
            "catalogue.delisted",
            is_ascending && are_products,
            "not ascending, or beyond the products",
        )
    }

    /// By leaf category, what its products sell by these counts, each one more than it does.
    pub(super) fn sold(&self, counts: &[u32], leaves: usize) -> impl Iterator<Item = u64> {
        let mut sold = vec![0; leaves];
        for (leaf, &count) in self.leaves.iter().zip(counts) {
            if let Some(sold) = leaf.and_then(|leaf| sold.get_mut(leaf as usize)) {
                *sold += u64::from(count) + 1;
            }
        }
        sold.into_iter()
    }

    pub(crate) fn stood(&self, at: usize) -> Stood {
        Stood {
            leaf: self.leaves[at],
            brand: self.brands[at],
            series: self.series[at],
        }
    }

    /// Whether the product at this place is still what it was.
    pub(crate) fn is_as_it_was(&self, at: usize, fingerprint: u32) -> bool {
        self.fingerprints[at] == fingerprint
    }

    /// Whether it was on sale.
    pub(crate) fn was_listed(&self, at: usize) -> bool {
        self.delisted.binary_search(&dense(at)).is_err()
    }
}

impl EpochRecord {
    /// What later facts are gathered under.
    pub(crate) fn frozen(&self) -> Frozen {
        Frozen {
            commonplaces: self.catalogue.commonplaces.clone(),
            leaves: self.categories.iter().map(|stats| stats.id.clone()).collect(),
        }
    }

    /// Whether a leaf category stood in the catalogue.
    pub(crate) fn knows_leaf(&self, id: &CategoryId) -> bool {
        self.categories.binary_search_by(|stats| stats.id.cmp(id)).is_ok()
    }

    /// Where each product of the facts stands in the record.
    pub(crate) fn places(&self, facts: &Facts) -> Vec<Option<usize>> {
        // As it is where the record was frozen from these facts: then both share the ids, and nobody looks into them.
        if self.products == facts.products.ids {
            return (0..self.products.len()).map(Some).collect();
        }
        let mut at = 0;
        let find = |id| {
            while self.products.get(at).is_some_and(|known| known < id) {
                at += 1;
            }
            (self.products.get(at) == Some(id)).then_some(at)
        };
        facts.products.ids.iter().map(find).collect()
    }

    /// How popular the products at these places are, by orders and then by sessions.
    pub(crate) fn popularity(&self, places: &[Option<usize>]) -> Vec<u64> {
        let (sold, seen) = (&self.purchases.counts, &self.views.counts);
        let of = |at: usize| (u64::from(sold[at]) << 32) | u64::from(seen[at]);
        places.iter().map(|place| place.map_or(0, of)).collect()
    }

    /// Which products of the facts are on sale: as it was at the freeze, or as it is where the record does not know them.
    /// Readers drop what has left the sale since, at once and in every list.
    pub(crate) fn listed(&self, facts: &Facts, places: &[Option<usize>]) -> Vec<bool> {
        let listed = places.iter().zip(&facts.products.listed);
        listed
            .map(|(place, &live)| place.map_or(live, |at| self.catalogue.was_listed(at)))
            .collect()
    }

    /// Which products of the facts are in the record and still what it says of them.
    pub(crate) fn settled(&self, facts: &Facts, places: &[Option<usize>]) -> Vec<bool> {
        let prints = places.iter().zip(&facts.products.fingerprints);
        prints
            .map(|(place, &print)| place.is_some_and(|at| self.catalogue.is_as_it_was(at, print)))
            .collect()
    }
}
