//! Series from design words.

use std::collections::BTreeMap;

use serde::Deserialize;
use tandem_domain::catalog::{ProductInput, Provenance, Series};
use tandem_domain::id::SeriesId;

use super::phrases::{Phrases, Prefer, rows, slug};
use super::words::words;

const TABLE: &str = include_str!("../../data/series.csv");

/// The fewest products that make a series.
const LEAST_MEMBERS: usize = 2;

#[derive(Deserialize)]
struct Row {
    words: String,
    series: String,
    brand: String,
}

/// Sets the series of every product that shares a design with another.
pub(super) fn fill(products: &mut [ProductInput]) -> Vec<Series> {
    let designs = Phrases::new(rows::<Row>(TABLE).map(|row| (row.words, (row.series, row.brand))));
    let mut members: BTreeMap<&(String, String), Vec<usize>> = BTreeMap::new();
    for (i, product) in products.iter().enumerate() {
        if let Some(design) = designs.longest(&words(&product.title), Prefer::First) {
            members.entry(design).or_default().push(i);
        }
    }
    members.retain(|_, members| members.len() >= LEAST_MEMBERS);
    let mut series = Vec::with_capacity(members.len());
    for ((name, brand), members) in members {
        let id = SeriesId::new(slug(name)).expect("names in the table are short and not empty");
        for i in members {
            products[i].series = Some(id.clone());
        }
        let brand = Some(brand.clone());
        series.push(Series {
            id,
            name: name.clone(),
            brand,
            provenance: Provenance::Generated,
        });
    }
    series
}
