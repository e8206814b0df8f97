//! What the sales tell of each product.

use std::collections::{BTreeMap, HashMap};

use tandem_domain::catalog::{ProductInput, Provenance};
use tandem_domain::id::ProductId;
use tandem_domain::money::Money;

use super::line::Line;
use super::title::tidy;

/// Descriptions and prices by product, as they come.
#[derive(Debug, Default)]
pub(super) struct Catalogue(HashMap<ProductId, Facts>);

#[derive(Debug, Default)]
struct Facts {
    descriptions: HashMap<String, u32>,
    prices: Vec<i64>,
}

impl Catalogue {
    /// A sold line names its product.
    pub(super) fn name(&mut self, line: &Line) {
        let Some(description) = &line.description else {
            return;
        };
        let facts = self.0.entry(line.code.clone()).or_default();
        match facts.descriptions.get_mut(description) {
            Some(count) => *count += 1,
            None => {
                facts.descriptions.insert(description.clone(), 1);
            }
        }
    }

    /// A purchase prices its product.
    pub(super) fn price(&mut self, product: &ProductId, pence: i64) {
        self.0.entry(product.clone()).or_default().prices.push(pence);
    }

    /// Whether `product` was sold.
    pub(super) fn holds(&self, product: &ProductId) -> bool {
        self.0.contains_key(product)
    }

    /// Products by id.
    pub(super) fn into_products(self) -> Vec<ProductInput> {
        let mut products: Vec<_> = self
            .0
            .into_iter()
            .map(|(id, facts)| facts.into_product(id))
            .collect();
        products.sort_by(|a, b| a.id.cmp(&b.id));
        products
    }
}

impl Facts {
    fn into_product(mut self, id: ProductId) -> ProductInput {
        self.prices.sort_unstable();
        let price = self
            .prices
            .get(self.prices.len().saturating_sub(1) / 2)
            .map(|p| Money::from_minor(*p));
        ProductInput {
            title: usual(&self.descriptions).map_or_else(|| id.to_string(), tidy),
            id,
            category: None,
            brand: None,
            series: None,
            price,
            image_uri: None,
            quality: None,
            tags: BTreeMap::new(),
            provenance: Provenance::Real,
        }
    }
}

/// The most frequent description; of equals the first in the alphabet.
fn usual(descriptions: &HashMap<String, u32>) -> Option<&str> {
    descriptions
        .iter()
        .max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)))
        .map(|(text, _)| text.as_str())
}
