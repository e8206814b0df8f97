//! The catalogue and the products that only events know, in one order.

use rayon::prelude::*;
use tandem_domain::id::{ProductId, ShopId};
use tandem_domain::money::Money;

use super::ProductFacts;
use super::intern::dense;
use super::product::is_price;

/// Arrival numbers in the order of ids.
pub(super) fn order(ids: &[ProductId]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..dense(ids.len())).collect();
    order.par_sort_unstable_by(|&a, &b| ids[a as usize].cmp(&ids[b as usize]));
    order
}

/// Known and unknown products: `pages` with one more, of the unknown. The pages hold the first of `ids`, in their order;
/// `paid` are prices of products that name none: the median stands in.
pub(super) fn complete(
    mut pages: Vec<Vec<ProductFacts>>,
    ids: &[ProductId],
    paid: Vec<(u32, i64)>,
) -> Vec<Vec<ProductFacts>> {
    let known = pages.iter().map(Vec::len).sum();
    pages.push(ids[known..].iter().map(|id| unknown(id.clone())).collect());
    let mut products = (0..).zip(pages.iter_mut().flatten());
    for (product, paid) in medians(paid) {
        let found = products.find(|(arrival, _)| *arrival == product);
        let price = found.map(|(_, facts)| &mut facts.price);
        if let Some(price) = price.filter(|price| price.is_none_or(|price| !is_price(price.minor()))) {
            *price = Some(Money::from_minor(paid));
        }
    }
    pages
}

/// Lower median of the prices paid per product, by product.
fn medians(mut paid: Vec<(u32, i64)>) -> Vec<(u32, i64)> {
    paid.sort_unstable();
    let same = paid.chunk_by(|a, b| a.0 == b.0);
    same.map(|prices| prices[(prices.len() - 1) / 2]).collect()
}

/// A product that only events know: no attributes, on sale.
fn unknown(id: ProductId) -> ProductFacts {
    ProductFacts {
        id,
        shop: ShopId::new("unknown").expect("a plain word is an id"),
        title: None,
        category: None,
        category_path: Vec::new(),
        brand: None,
        series: None,
        price: None,
        quality: None,
        tags: std::collections::BTreeMap::new(),
        generated: false,
        listed: true,
    }
}
