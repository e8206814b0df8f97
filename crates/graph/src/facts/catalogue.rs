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

/// Known and unknown products, in the order of their arrival. The pages of the known hold the first of `ids`; `paid` are
/// prices of products that name none: the median stands in.
pub(super) fn complete(
    pages: Vec<Vec<ProductFacts>>,
    ids: &[ProductId],
    paid: Vec<(u32, i64)>,
) -> Vec<ProductFacts> {
    let mut products = Vec::with_capacity(ids.len());
    pages.into_iter().for_each(|page| products.extend(page));
    let unknown_ids = &ids[products.len()..];
    products.extend(unknown_ids.iter().map(|id| unknown(id.clone())));
    for (product, paid) in medians(paid) {
        let price = &mut products[product as usize].price;
        if price.is_none_or(|price| !is_price(price.minor())) {
            *price = Some(Money::from_minor(paid));
        }
    }
    products
}

/// Lower median of the prices paid per product.
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
