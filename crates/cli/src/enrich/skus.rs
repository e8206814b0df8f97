//! SKUs: sizes, packs and colours.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use tandem_domain::catalog::{ProductInput, Provenance, SkuInput, StockPolicy};
use tandem_domain::id::SkuId;

use super::phrases::{rows, slug};
use super::words::words;

const TABLE: &str = include_str!("../../data/sku_options.csv");

/// Colours of products that are sold assorted.
const ASSORTED: [&str; 3] = ["red", "blue", "green"];
/// A title that names its size leaves no choice.
const SIZE_WORDS: [&str; 11] = [
    "small",
    "medium",
    "large",
    "mini",
    "giant",
    "childrens",
    "children",
    "child",
    "kid",
    "set",
    "pack",
];

#[derive(Deserialize)]
struct Row {
    leaf: String,
    attribute: String,
    values: String,
}

struct Options {
    attribute: String,
    values: Vec<String>,
}

/// One to three SKUs per product, in the order of the products.
pub(super) fn of(products: &[ProductInput]) -> Vec<SkuInput> {
    let by_leaf: HashMap<String, Options> = rows::<Row>(TABLE).map(options).collect();
    let assorted = Options {
        attribute: "colour".to_owned(),
        values: ASSORTED.map(str::to_owned).to_vec(),
    };
    let mut skus = Vec::new();
    for product in products {
        match choice(product, &by_leaf, &assorted) {
            None => skus.push(sku(product, "one", BTreeMap::new())),
            Some(Options { attribute, values }) => skus.extend(values.iter().map(|v| {
                sku(
                    product,
                    &slug(v),
                    BTreeMap::from([(attribute.clone(), v.clone())]),
                )
            })),
        }
    }
    skus
}

fn options(row: Row) -> (String, Options) {
    let values = row.values.split('|').map(str::to_owned).collect();
    (
        slug(&row.leaf),
        Options {
            attribute: row.attribute,
            values,
        },
    )
}

fn choice<'a>(
    product: &ProductInput,
    by_leaf: &'a HashMap<String, Options>,
    assorted: &'a Options,
) -> Option<&'a Options> {
    let title = words(&product.title);
    let names = |known: &[&str]| title.iter().any(|word| known.contains(&word.as_str()));
    if names(&["assorted", "asstd"]) {
        return Some(assorted);
    }
    by_leaf
        .get(product.category.as_ref()?.as_str())
        .filter(|_| !names(&SIZE_WORDS))
}

fn sku(product: &ProductInput, option: &str, attributes: BTreeMap<String, String>) -> SkuInput {
    SkuInput {
        id: SkuId::new(format!("{}-{option}", product.id)).expect("product ids of the data set are short"),
        product: product.id.clone(),
        price: None,
        policy: StockPolicy::Tracked,
        attributes,
        provenance: Provenance::Generated,
    }
}
