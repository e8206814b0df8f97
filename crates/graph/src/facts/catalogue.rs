//! The catalogue and the products that only events know, in one order.

use rayon::prelude::*;
use tandem_domain::id::{ProductId, ShopId};
use tandem_domain::money::Money;

use super::ProductFacts;
use super::product::is_price;

/// Arrival numbers in the order of ids. Most ids are told apart by their first bytes, which are looked up once.
pub(super) fn order(ids: &[ProductId]) -> Vec<u32> {
    let mut order: Vec<(u64, u32)> = ids.iter().map(|id| first_bytes(id.as_str())).zip(0..).collect();
    order.par_sort_unstable_by(|a, b| {
        let rest = || ids[a.1 as usize].cmp(&ids[b.1 as usize]);
        a.0.cmp(&b.0).then_with(rest)
    });
    order.into_iter().map(|(_, arrival)| arrival).collect()
}

/// The first eight bytes as an integer in their order; 0 in place of those that are not there.
fn first_bytes(text: &str) -> u64 {
    let mut bytes = [0; size_of::<u64>()];
    let many = text.len().min(bytes.len());
    bytes[..many].copy_from_slice(&text.as_bytes()[..many]);
    u64::from_be_bytes(bytes)
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
    // Products and medians both go by arrival, so one walk finds all.
    let mut products = (0..).zip(pages.iter_mut().flatten());
    for (product, paid) in medians(paid) {
        let (_, facts) = products
            .find(|(arrival, _)| *arrival == product)
            .expect("whatever was paid for has a number");
        if facts.price.is_none_or(|price| !is_price(price.minor())) {
            facts.price = Some(Money::from_minor(paid));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_their_bytes() {
        let texts = [
            "b",
            "a",
            "ab",
            "a b",
            "1234567",
            "12345678",
            "123456789",
            "12345678a",
            "123456780",
            "12345678外",
            "外套",
            "外",
            "é",
            "~",
            "!",
        ];
        let ids: Vec<ProductId> = texts.iter().map(|text| ProductId::new(text).unwrap()).collect();
        let found: Vec<&str> = order(&ids)
            .iter()
            .map(|&arrival| texts[arrival as usize])
            .collect();
        let mut sorted = texts;
        sorted.sort_unstable();
        assert_eq!(found, sorted);
    }
}
