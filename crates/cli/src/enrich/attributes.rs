//! Categories, tags and quality.

use std::collections::{BTreeMap, BTreeSet};

use tandem_domain::catalog::{Category, ProductInput, Provenance};
use tandem_domain::id::CategoryId;

use super::by_leaf;
use super::dice::Dice;
use super::heads::Heads;
use super::phrases::slug;
use super::tags::TagWords;

/// Sets category, tags and provenance of every product; gives the tree of the categories used, parents first.
pub(super) fn fill(products: &mut [ProductInput]) -> Vec<Category> {
    let heads = Heads::shipped();
    let tags = TagWords::shipped();
    let mut used = BTreeSet::new();
    for product in products {
        if let Some(leaf) = heads.leaf(&product.title) {
            product.category = Some(category_id(&leaf.leaf));
            used.insert(leaf.clone());
        }
        product.tags = tags.of(&product.title);
        product.provenance = Provenance::Generated;
    }
    let parents: BTreeSet<_> = used.iter().map(|leaf| leaf.parent.as_str()).collect();
    let top = |name: &&str| Category {
        id: category_id(name),
        parent: None,
        name: (*name).to_owned(),
    };
    let mut categories: Vec<_> = parents.iter().map(top).collect();
    categories.extend(used.iter().map(|leaf| Category {
        id: category_id(&leaf.leaf),
        parent: Some(category_id(&leaf.parent)),
        name: leaf.leaf.clone(),
    }));
    categories
}

fn category_id(name: &str) -> CategoryId {
    CategoryId::new(slug(name)).expect("names in the table are short and not empty")
}

/// Sets the quality of every product in a leaf with prices: dearer is better, mostly.
pub(super) fn fill_quality(products: &mut [ProductInput], seed: u64) {
    let mut qualities = BTreeMap::new();
    for (_, mut members) in by_leaf(products) {
        members.sort_by_key(|i| (products[*i].price, *i));
        let last = (members.len() as u64).saturating_sub(1).max(1);
        for (rank, i) in members.into_iter().enumerate() {
            let luck = Dice::of(seed, "quality", products[i].id.as_str()).between(0, 20);
            let per_cent = 40 + 35 * rank as u64 / last + luck;
            qualities.insert(i, per_cent as f64 / 100.0);
        }
    }
    for (i, quality) in qualities {
        products[i].quality = Some(quality);
    }
}
