//! Calls that are well formed and cannot be done.

use tandem_proto::v1 as pb;

use crate::house::on_both;
use crate::samples::{creation, deletion, pin, product, reports, set, sku, stock_up};
use crate::shown::case;

on_both! {
    async fn what_cannot_be_done_says_why(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a", "b"]).await;
        let (mut catalog, mut stock, mut links) = (control.catalog, control.stock, control.links);
        let mut operations = control.operations;
        let mut text = String::new();
        let mut note = |name: &str, refused: tonic::Status| text += &case(name, &refused);

        let stale = pb::Product { etag: "99".to_owned(), ..product("a") };
        let request = pb::BatchUpsertProductsRequest { products: vec![stale], ..Default::default() };
        note("stale etag of a product", catalog.batch_upsert_products(request).await.unwrap_err());
        let request = pb::BatchUpsertSkusRequest { skus: vec![sku("a-s", "b")], ..Default::default() };
        note("SKU that moves", catalog.batch_upsert_skus(request).await.unwrap_err());

        stock.report_stock(reports(vec![set("a-s", 3, 7)])).await.unwrap();
        let request = reports(vec![set("b-s", 1, 1), set("a-s", 4, 7)]);
        note("same version, other value", stock.report_stock(request).await.unwrap_err());

        links.create_link(creation(pin("a", "b", 1))).await.unwrap();
        let listed = links.list_links(pb::ListLinksRequest::default()).await.unwrap().into_inner().links;
        let id = listed[0].link_id.clone();
        note("second living link", links.create_link(creation(pin("a", "b", 2))).await.unwrap_err());
        note("link to a ghost", links.create_link(creation(pin("a", "ghost", 1))).await.unwrap_err());
        let strange = pb::Link { surface_id: "attic".to_owned(), ..pin("b", "a", 1) };
        note("link on a surface that does not exist", links.create_link(creation(strange)).await.unwrap_err());
        note("stale etag of a link", links.delete_links(deletion(&[(&id, "99")])).await.unwrap_err());
        note("link that does not exist", links.delete_links(deletion(&[(&id, ""), ("ghost", "")])).await.unwrap_err());
        let listed = links.list_links(pb::ListLinksRequest::default()).await.unwrap().into_inner().links;
        assert_eq!(listed.len(), 1, "nothing is deleted unless all can be");

        note("nothing on serve", operations.get_generation(pb::GetGenerationRequest { generation: 0 }).await.unwrap_err());
        note("generation that does not exist", operations.get_generation(pb::GetGenerationRequest { generation: 9 }).await.unwrap_err());
        let request = pb::RollbackGenerationRequest { generation: 9, ..Default::default() };
        note("rollback to what does not exist", operations.rollback_generation(request).await.unwrap_err());
        let request = pb::GetJobRequest { job_id: "ghost".to_owned() };
        note("job that does not exist", operations.get_job(request).await.unwrap_err());

        let text = text.replace(&id, "LINK");
        insta::assert_snapshot!("conflicts", text);
    }
}
