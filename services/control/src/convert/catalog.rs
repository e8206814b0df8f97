//! Products and SKUs.

use std::collections::BTreeMap;

use tandem_domain::catalog::{Listing, Product, Sku, StockPolicy};
use tandem_domain::money::Currency;
use tandem_proto::v1 as pb;

use super::{is_generated, money, text, time};

/// A product without its SKUs.
pub(crate) fn product(product: Product, currency: &Currency) -> pb::Product {
    let input = product.input;
    pb::Product {
        product_id: input.id.into(),
        shop_id: product.shop.into(),
        title: input.title,
        category_id: text(input.category),
        brand: text(input.brand),
        series_id: text(input.series),
        price: input.price.map(|price| money(price, currency)),
        image_uri: text(input.image_uri),
        quality: input.quality,
        tags: tags(input.tags),
        listing: listing(product.listing).into(),
        generated: is_generated(input.provenance),
        etag: product.version.to_string(),
        create_time: Some(time(product.created)),
        update_time: Some(time(product.updated)),
        skus: Vec::new(),
    }
}

pub(crate) fn sku(sku: Sku, currency: &Currency) -> pb::Sku {
    let input = sku.input;
    pb::Sku {
        sku_id: input.id.into(),
        product_id: input.product.into(),
        price: input.price.map(|price| money(price, currency)),
        stock_policy: policy(input.policy).into(),
        attributes: input.attributes,
        generated: is_generated(input.provenance),
    }
}

fn tags(tags: BTreeMap<String, Vec<String>>) -> BTreeMap<String, pb::TagValues> {
    tags.into_iter()
        .map(|(kind, values)| (kind, pb::TagValues { values }))
        .collect()
}

fn listing(listing: Listing) -> pb::Listing {
    match listing {
        Listing::Listed => pb::Listing::Listed,
        Listing::Delisted => pb::Listing::Delisted,
    }
}

pub(super) fn policy(policy: StockPolicy) -> pb::StockPolicy {
    match policy {
        StockPolicy::Tracked => pb::StockPolicy::Tracked,
        StockPolicy::Untracked => pb::StockPolicy::Untracked,
        StockPolicy::ContinueSelling => pb::StockPolicy::ContinueSelling,
        StockPolicy::PreOrder => pb::StockPolicy::PreOrder,
    }
}
