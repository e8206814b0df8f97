//! Brands: of the series, else one of those that the category has.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use tandem_domain::catalog::{Category, ProductInput, Series};
use tandem_domain::id::{CategoryId, SeriesId};

use super::dice::Dice;
use super::phrases::rows;

const TABLE: &str = include_str!("../../data/brands.csv");

#[derive(Deserialize)]
struct Row {
    parent: String,
    brand: String,
}

/// Sets the brand of every product that has a series or a category.
pub(super) fn fill(products: &mut [ProductInput], categories: &[Category], series: &[Series], seed: u64) {
    let of_series: HashMap<&SeriesId, Option<&String>> = series
        .iter()
        .map(|series| (&series.id, series.brand.as_ref()))
        .collect();
    let of_leaf = by_leaf(categories);
    for product in products {
        let designed = product
            .series
            .as_ref()
            .and_then(|id| of_series.get(id).copied().flatten());
        let made = product
            .category
            .as_ref()
            .and_then(|leaf| of_leaf.get(leaf))
            .and_then(|brands| {
                let draw = Dice::of(seed, "brand", product.id.as_str()).below(brands.len() as u64);
                brands.get(draw as usize)
            });
        product.brand = designed.or(made).cloned();
    }
}

/// The brands of each leaf: those of its parent.
fn by_leaf(categories: &[Category]) -> HashMap<&CategoryId, Vec<String>> {
    let mut brands: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows::<Row>(TABLE) {
        brands.entry(row.parent).or_default().push(row.brand);
    }
    let names: HashMap<&CategoryId, &str> = categories.iter().map(|c| (&c.id, c.name.as_str())).collect();
    let of = |leaf: &Category| Some(brands.get(*names.get(leaf.parent.as_ref()?)?)?.clone());
    categories
        .iter()
        .filter_map(|leaf| Some((&leaf.id, of(leaf)?)))
        .collect()
}
