//! Another shop's resources: refused with the same words, and nothing is written.

use tandem_proto::v1 as pb;

use crate::house::{Control, on_both};
use crate::samples::{creation, deletion, delta, pin, products, reports, set, sku, stock_up};
use crate::shown::case;

on_both! {
    async fn a_foreign_resource_is_refused_whatever_is_asked(house: House) {
        let owner = house.control().await;
        stock_up(&owner, &["theirs", "companion"]).await;
        let link = owner.links.clone().create_link(creation(pin("theirs", "companion", 1))).await.unwrap();
        let link = link.into_inner().link_id;
        let stranger = house.control_of("stranger").await;
        stock_up(&stranger, &["mine"]).await;
        let (theirs, nobodys) = (refusals(&stranger, "theirs", &link).await, refusals(&stranger, "ghost", "L").await);
        assert_eq!(nobodys.replace("ghost", "theirs"), theirs.replace(&link, "L"), "which of both is not told");
        insta::assert_snapshot!("foreign_resources", theirs.replace(&link, "LINK"));

        let (mut catalog, mut stock, mut links) = (stranger.catalog, stranger.stock, stranger.links);
        // What nobody holds yet may become the caller's; what another shop holds may not.
        let taken = catalog.batch_upsert_products(products(&["mine", "theirs"])).await.unwrap_err();
        let stocked = stock.report_stock(reports(vec![set("mine-s", 3, 1), delta("theirs-s", -1, "k")])).await.unwrap_err();
        insta::assert_snapshot!("taking_over", case("upsert", &taken) + &case("report stock", &stocked));
        let sku_ids = vec!["theirs-s".to_owned(), "ghost-s".to_owned()];
        let request = pb::BatchGetStockRequest { sku_ids: sku_ids.clone() };
        let read = stock.batch_get_stock(request).await.unwrap().into_inner();
        assert_eq!((read.levels, read.missing_sku_ids), (vec![], sku_ids));

        // A link to a foreign companion is what links are for.
        links.create_link(creation(pin("mine", "theirs", 1))).await.unwrap();
        let listed = links.list_links(pb::ListLinksRequest::default()).await.unwrap().into_inner().links;
        assert_eq!(listed.len(), 1, "only their own links are listed");
        let request = pb::GetProductRequest { product_id: "mine".to_owned() };
        let mine = catalog.get_product(request).await.unwrap().into_inner();
        assert_eq!(mine.listing(), pb::Listing::Listed, "a refused call changes nothing");
        let request = pb::BatchGetStockRequest { sku_ids: vec!["mine-s".to_owned()] };
        let levels = stock.batch_get_stock(request).await.unwrap().into_inner().levels;
        assert!(levels.is_empty(), "a refused report leaves nothing behind");
    }
}

/// What a shop is told of a product and a link that are not its own.
async fn refusals(shop: &Control, product: &str, link: &str) -> String {
    let (mut catalog, mut links) = (shop.catalog.clone(), shop.links.clone());
    let mut text = String::new();
    let mut note = |name: &str, refused: tonic::Status| text += &case(name, &refused);
    let request = pb::BatchUpsertSkusRequest {
        skus: vec![sku("s", product)],
        ..Default::default()
    };
    note(
        "SKU of the product",
        catalog.batch_upsert_skus(request).await.unwrap_err(),
    );
    let request = pb::GetProductRequest {
        product_id: product.to_owned(),
    };
    note("read", catalog.get_product(request).await.unwrap_err());
    let product_ids = vec!["mine".to_owned(), product.to_owned()];
    let request = pb::DelistProductsRequest {
        product_ids,
        ..Default::default()
    };
    note("delist", catalog.delist_products(request).await.unwrap_err());
    note(
        "link from the product",
        links
            .create_link(creation(pin(product, "mine", 1)))
            .await
            .unwrap_err(),
    );
    note(
        "delete the link",
        links.delete_links(deletion(&[(link, "")])).await.unwrap_err(),
    );
    let request = pb::ListLinksRequest {
        anchor_product_id: product.to_owned(),
        ..Default::default()
    };
    note(
        "list the product's links",
        links.list_links(request).await.unwrap_err(),
    );
    text
}
