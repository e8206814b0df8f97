//! The catalogue and the products that only events know, in one order.

use rayon::prelude::*;
use rustc_hash::FxHashMap;
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

/// Known and unknown products by id. `known` are the first of `ids`; `paid` are prices of products that name none: the
/// median stands in.
pub(super) fn sorted(
    known: Vec<ProductFacts>,
    ids: &[ProductId],
    order: &[u32],
    paid: Vec<(u32, i64)>,
) -> Vec<ProductFacts> {
    let paid = medians(paid);
    let mut rows: Vec<Option<ProductFacts>> = known.into_iter().map(Some).collect();
    let take = |&arrival: &u32| {
        let at = arrival as usize;
        let row = rows.get_mut(at).and_then(Option::take);
        let mut row = row.unwrap_or_else(|| unknown(ids[at].clone()));
        if row.price.is_none_or(|price| !is_price(price.minor())) {
            row.price = paid.get(&arrival).map(|&minor| Money::from_minor(minor));
        }
        row
    };
    order.iter().map(take).collect()
}

/// Lower median of the prices paid per product.
fn medians(mut paid: Vec<(u32, i64)>) -> FxHashMap<u32, i64> {
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
