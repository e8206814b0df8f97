//! The shop of the campaign: a few anchors with pinned companions, one SKU each.

use anyhow::Result;
use tandem_proto::v1 as pb;
use tandem_proto::v1::catalog_client::CatalogClient;
use tandem_proto::v1::links_client::LinksClient;
use tonic::transport::Channel;

/// Anchors, and companions that belong to each.
pub(crate) const ANCHORS: usize = 4;
pub(crate) const COMPANIONS: usize = 10;
/// SKUs whose stock moves: one per companion.
pub(crate) const SKUS: usize = ANCHORS * COMPANIONS;

/// `anchor-0 …`
pub(crate) fn anchor(number: usize) -> String {
    format!("anchor-{number}")
}

/// `companion-0 …`; companion `n` is pinned to anchor `n / 10`.
pub(crate) fn companion(number: usize) -> String {
    format!("companion-{number}")
}

/// `sku-0 …`, of the companion with the same number.
pub(crate) fn sku(number: usize) -> String {
    format!("sku-{number}")
}

/// The number of a companion.
pub(crate) fn number_of(product: &str) -> Option<usize> {
    product.strip_prefix("companion-")?.parse().ok()
}

/// Writes products, SKUs and pins.
pub(crate) async fn fill(channel: Channel) -> Result<()> {
    let mut catalog = CatalogClient::new(channel.clone());
    let ids: Vec<String> = (0..ANCHORS).map(anchor).chain((0..SKUS).map(companion)).collect();
    let products = ids.iter().map(|id| pb::Product {
        product_id: id.clone(),
        title: format!("Product {id}"),
        ..pb::Product::default()
    });
    let request = pb::BatchUpsertProductsRequest {
        products: products.collect(),
        request_id: String::new(),
    };
    catalog.batch_upsert_products(request).await?;
    let skus = (0..SKUS).map(|number| pb::Sku {
        sku_id: sku(number),
        product_id: companion(number),
        ..pb::Sku::default()
    });
    let request = pb::BatchUpsertSkusRequest {
        skus: skus.collect(),
        request_id: String::new(),
    };
    catalog.batch_upsert_skus(request).await?;
    let mut links = LinksClient::new(channel);
    for number in 0..SKUS {
        let link = pb::Link {
            anchor_product_id: anchor(number / COMPANIONS),
            companion_product_id: companion(number),
            effect: pb::LinkEffect::Pin.into(),
            position: u32::try_from(number % COMPANIONS)? + 1,
            ..pb::Link::default()
        };
        links
            .create_link(pb::CreateLinkRequest {
                link: Some(link),
                request_id: String::new(),
            })
            .await?;
    }
    Ok(())
}
