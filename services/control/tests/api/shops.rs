//! Another shop's resources: refused with the same words, and nothing is written.

use tandem_proto::v1 as pb;

use crate::house::on_both;
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
        let (mut catalog, mut stock, mut links) = (stranger.catalog, stranger.stock, stranger.links);

        let mut text = String::new();
        let mut note = |name: &str, refused: tonic::Status| text += &case(name, &refused);
        note("upsert", catalog.batch_upsert_products(products(&["mine", "theirs"])).await.unwrap_err());
        let skus = vec![sku("s", "theirs")];
        let request = pb::BatchUpsertSkusRequest { skus, ..Default::default() };
        note("SKU of a foreign product", catalog.batch_upsert_skus(request).await.unwrap_err());
        let request = pb::GetProductRequest { product_id: "theirs".to_owned() };
        note("read", catalog.get_product(request).await.unwrap_err());
        let product_ids = vec!["mine".to_owned(), "theirs".to_owned()];
        let request = pb::DelistProductsRequest { product_ids, ..Default::default() };
        note("delist", catalog.delist_products(request).await.unwrap_err());
        let request = reports(vec![set("mine-s", 3, 1), delta("theirs-s", -1, "k")]);
        note("report stock", stock.report_stock(request).await.unwrap_err());
        let request = pb::BatchGetStockRequest { sku_ids: vec!["theirs-s".to_owned()] };
        note("read stock", stock.batch_get_stock(request).await.unwrap_err());
        note("link from a foreign anchor", links.create_link(creation(pin("theirs", "mine", 1))).await.unwrap_err());
        note("delete a link", links.delete_links(deletion(&[(&link, "")])).await.unwrap_err());
        let request = pb::ListLinksRequest { anchor_product_id: "theirs".to_owned(), ..Default::default() };
        note("list an anchor's links", links.list_links(request).await.unwrap_err());
        insta::assert_snapshot!("foreign_resources", text);

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
