//! The generated layer of the demonstration: what a list of sold lines does not say, made up by stated rules and labelled
//! [`Generated`](tandem_domain::catalog::Provenance::Generated).
//!
//! Titles, prices and orders stay as they are. Everything else follows from them, from tables in `data/` that were reviewed against
//! the shipped slice, and from a seed; the same input and seed give the same bytes on every machine, since nothing but integers
//! and the division of integers is used.
//!
//! | layer | rule |
//! |---|---|
//! | categories | the head noun of the title (`head_nouns.csv`): of all known nouns before "with" the longest, then the last; `^noun` counts at the start of a title only and one word longer |
//! | series | the design words of the title (`series.csv`): the longest, then the first; a series of one product is none |
//! | brands | the brand of the series, else one of the category's brands (`brands.csv`) drawn by product |
//! | tags | colour, material, style and function words of the title (`tag_words.csv`) |
//! | quality | 0.40 + 0.35 × rank of the price in the leaf + up to 0.20 at random |
//! | SKUs | the options of the leaf (`sku_options.csv`), three colours for assorted products, else one |
//! | stock | the 200 bestsellers 60–400 units per SKU; of the others 4 % none, 8 % 1–5, the rest 8–240 |
//! | views | [`views`]: sessions before the real orders |
//! | livestream | [`show`]: one evening, viewers with the taste of real orders |

mod attributes;
mod baskets;
mod brands;
mod dice;
mod heads;
mod phrases;
mod series;
pub mod show;
mod skus;
mod stock;
mod tags;
pub mod views;
mod words;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use tandem_domain::catalog::{Category, ProductInput, Scene, Series, SkuInput};
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{CategoryId, ProductId};
use tandem_domain::stock::StockReport;

use baskets::Baskets;

/// What [`enrich`] adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrichment {
    /// The category tree: parents first.
    pub categories: Vec<Category>,
    /// Series with at least two products.
    pub series: Vec<Series>,
    /// The products, with everything filled in that could be; by id.
    pub products: Vec<ProductInput>,
    /// One to three SKUs per product.
    pub skus: Vec<SkuInput>,
    /// The stock of every SKU.
    pub stock: Vec<StockReport>,
    /// Views of sessions and actions in the livestream, by session.
    pub events: Vec<Event>,
    /// One livestream.
    pub scenes: Vec<Scene>,
    /// How much found a category.
    pub coverage: Coverage,
}

/// Share of the purchases whose product has a leaf category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Purchase events.
    pub purchases: u64,
    /// Of these, of products with a leaf category.
    pub in_a_leaf: u64,
}

/// Lays the generated layer over real `products` and `events`.
#[must_use]
pub fn enrich(products: &[ProductInput], events: &[Event], seed: u64) -> Enrichment {
    let baskets = Baskets::of(events);
    let mut products: Vec<ProductInput> = products.to_vec();
    products.sort_by(|a, b| a.id.cmp(&b.id));
    let categories = attributes::fill(&mut products);
    let series = series::fill(&mut products);
    brands::fill(&mut products, &categories, &series, seed);
    attributes::fill_quality(&mut products, seed);
    let skus = skus::of(&products);
    let stock = stock::of(&skus, &baskets, seed);
    let shelves = views::Shelves::of(&products, &baskets);
    let mut all = views::sessions(&shelves, &baskets, seed);
    let (scene, actions) = show::of(&products, &baskets, seed);
    all.extend(actions);
    Enrichment {
        coverage: coverage(&products, events),
        categories,
        series,
        skus,
        stock,
        events: all,
        scenes: scene.into_iter().collect(),
        products,
    }
}

fn coverage(products: &[ProductInput], events: &[Event]) -> Coverage {
    let leaf: HashMap<&ProductId, Option<&CategoryId>> = products
        .iter()
        .map(|product| (&product.id, product.category.as_ref()))
        .collect();
    let purchases = events.iter().filter(|event| event.kind == EventKind::Purchase);
    let mut coverage = Coverage {
        purchases: 0,
        in_a_leaf: 0,
    };
    for event in purchases {
        coverage.purchases += 1;
        coverage.in_a_leaf += u64::from(leaf.get(&event.product).is_some_and(Option::is_some));
    }
    coverage
}

/// Products by leaf category, in the order of `products`.
fn by_leaf(products: &[ProductInput]) -> BTreeMap<&CategoryId, Vec<usize>> {
    let mut leaves: BTreeMap<&CategoryId, Vec<usize>> = BTreeMap::new();
    for (i, product) in products.iter().enumerate() {
        if let Some(leaf) = &product.category {
            leaves.entry(leaf).or_default().push(i);
        }
    }
    leaves
}

#[cfg(test)]
mod tests;
