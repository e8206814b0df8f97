//! Requests that are right, to be sent or spoilt.

use tandem_domain::attribution::{Answered, KeyRing, Mark};
use tandem_domain::id::{MarketplaceId, SurfaceId};
use tandem_domain::surface::Surface;
use tandem_proto::v1 as pb;

use crate::house::Control;

pub(crate) fn product(id: &str) -> pb::Product {
    pb::Product {
        product_id: id.to_owned(),
        title: format!("Product {id}"),
        ..pb::Product::default()
    }
}

pub(crate) fn sku(id: &str, product: &str) -> pb::Sku {
    pb::Sku {
        sku_id: id.to_owned(),
        product_id: product.to_owned(),
        ..pb::Sku::default()
    }
}

pub(crate) fn money(amount_minor: i64) -> Option<pb::Money> {
    Some(pb::Money {
        currency_code: String::new(),
        amount_minor,
    })
}

pub(crate) fn products(ids: &[&str]) -> pb::BatchUpsertProductsRequest {
    pb::BatchUpsertProductsRequest {
        products: ids.iter().map(|id| product(id)).collect(),
        request_id: String::new(),
    }
}

/// Products with a SKU each: `p1` has `p1-s`.
pub(crate) async fn stock_up(control: &Control, ids: &[&str]) {
    let mut catalog = control.catalog.clone();
    catalog
        .batch_upsert_products(products(ids))
        .await
        .expect("products are stored");
    let skus = ids.iter().map(|id| sku(&format!("{id}-s"), id)).collect();
    let request = pb::BatchUpsertSkusRequest {
        skus,
        request_id: String::new(),
    };
    catalog.batch_upsert_skus(request).await.expect("SKUs are stored");
}

pub(crate) fn set(sku: &str, available: i64, source_version: u64) -> pb::StockReport {
    pb::StockReport {
        sku_id: sku.to_owned(),
        pool: String::new(),
        source: String::new(),
        quantity: Some(pb::stock_report::Quantity::Set(pb::StockSet {
            available,
            source_version,
        })),
    }
}

pub(crate) fn delta(sku: &str, change: i64, key: &str) -> pb::StockReport {
    pb::StockReport {
        sku_id: sku.to_owned(),
        pool: String::new(),
        source: String::new(),
        quantity: Some(pb::stock_report::Quantity::Delta(pb::StockDelta {
            change,
            idempotency_key: key.to_owned(),
        })),
    }
}

pub(crate) fn reports(reports: Vec<pb::StockReport>) -> pb::ReportStockRequest {
    pb::ReportStockRequest {
        reports,
        request_id: String::new(),
    }
}

pub(crate) fn view(id: &str, product: &str) -> pb::Event {
    pb::Event {
        event_id: id.to_owned(),
        r#type: pb::EventType::View.into(),
        product_id: product.to_owned(),
        user_id: "u1".to_owned(),
        group_id: "session-1".to_owned(),
        ..pb::Event::default()
    }
}

pub(crate) fn events(events: Vec<pb::Event>) -> pb::ReportEventsRequest {
    pb::ReportEventsRequest {
        events,
        request_id: String::new(),
    }
}

pub(crate) fn pin(anchor: &str, companion: &str, position: u32) -> pb::Link {
    pb::Link {
        anchor_product_id: anchor.to_owned(),
        companion_product_id: companion.to_owned(),
        effect: pb::LinkEffect::Pin.into(),
        position,
        ..pb::Link::default()
    }
}

pub(crate) fn creation(link: pb::Link) -> pb::CreateLinkRequest {
    pb::CreateLinkRequest {
        link: Some(link),
        request_id: String::new(),
    }
}

pub(crate) fn deletion(refs: &[(&str, &str)]) -> pb::DeleteLinksRequest {
    let links = refs.iter().map(|(id, etag)| pb::LinkRef {
        link_id: (*id).to_owned(),
        etag: (*etag).to_owned(),
    });
    pb::DeleteLinksRequest {
        links: links.collect(),
        ..pb::DeleteLinksRequest::default()
    }
}

/// Categories that products name.
pub(crate) async fn categories(control: &Control, ids: &[&str]) {
    let of = |id: &&str| pb::Product {
        category_id: (*id).to_owned(),
        ..product(&format!("of-{id}"))
    };
    let request = pb::BatchUpsertProductsRequest {
        products: ids.iter().map(of).collect(),
        request_id: String::new(),
    };
    let mut catalog = control.catalog.clone();
    catalog
        .batch_upsert_products(request)
        .await
        .expect("products are stored");
}

/// Says that two categories go together, or that they never do.
pub(crate) fn ruling(
    anchor: &str,
    companion: &str,
    verdict: pb::CategoryVerdict,
) -> pb::UpdateCategoryRuleRequest {
    pb::UpdateCategoryRuleRequest {
        category_rule: Some(pb::CategoryRule {
            anchor_category_id: anchor.to_owned(),
            companion_category_id: companion.to_owned(),
            verdict: verdict.into(),
            reason: "a test".to_owned(),
            ..pb::CategoryRule::default()
        }),
        allow_missing: true,
        request_id: String::new(),
    }
}

pub(crate) fn second(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

/// A change of the fields in `mask`, to nothing.
pub(crate) fn surface_update(id: &str, mask: &[&str]) -> pb::UpdateSurfaceRequest {
    pb::UpdateSurfaceRequest {
        surface: Some(pb::Surface {
            surface_id: id.to_owned(),
            ..pb::Surface::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: mask.iter().map(|path| (*path).to_owned()).collect(),
        }),
        reason: "a test".to_owned(),
        ..pb::UpdateSurfaceRequest::default()
    }
}

/// What control planes of these tests verify tokens with.
pub(crate) const KEYS: [&str; 2] = ["the first of two keys", "the second of two keys"];

/// The token of an answer that showed the product `shown`.
pub(crate) fn token(key: &str) -> String {
    let marketplace = MarketplaceId::new("default").expect("an id");
    let surface = Surface::with_defaults(SurfaceId::new("cart").expect("an id"));
    let answer = Answered {
        marketplace: &marketplace,
        surface: &surface,
        generation: 7,
        anchor: None,
        offset: 0,
        explored: None,
    };
    let items = [Mark::of("shown")];
    let ring = KeyRing::new([key]).expect("it is long enough");
    ring.sign(&answer, items.into_iter()).expect("a token")
}
