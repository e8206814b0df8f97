//! Request ids: the same call again gets the first answer and does nothing; another body under the same id is refused.

use tandem_proto::v1 as pb;

use crate::house::on_both;
use crate::samples::{
    categories, creation, deletion, delta, pin, products, reports, ruling, sku, stock_up, surface_update,
    view,
};
use crate::shown::reason;

/// Sends a call twice and then another one under the same id.
macro_rules! repeat {
    ($client:expr, $method:ident, $request:expr, $other:expr) => {{
        let (mut request, mut other) = ($request, $other);
        request.request_id = "again".to_owned();
        other.request_id = "again".to_owned();
        let first = $client
            .$method(request.clone())
            .await
            .expect("the first call")
            .into_inner();
        let second = $client
            .$method(request)
            .await
            .expect("the same call again")
            .into_inner();
        assert_eq!(first, second, stringify!($method));
        let refused = $client.$method(other).await.expect_err("another body");
        let expected = (tonic::Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned());
        assert_eq!(reason(&refused), expected, stringify!($method));
        first
    }};
}

on_both! {
    async fn every_write_can_be_repeated(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a", "b", "c"]).await;
        categories(&control, &["phone", "case"]).await;
        let mut rules = control.category_rules.clone();
        let say = |verdict| ruling("phone", "case", verdict);
        repeat!(rules, update_category_rule, say(pb::CategoryVerdict::Related), say(pb::CategoryVerdict::Forbidden));
        let unsay = |reason: &str| pb::DeleteCategoryRuleRequest {
            anchor_category_id: "phone".to_owned(),
            companion_category_id: "case".to_owned(),
            reason: reason.to_owned(),
            ..Default::default()
        };
        let deleted = repeat!(rules, delete_category_rule, unsay("one"), unsay("another"));
        assert!(deleted.deleted);

        let (mut catalog, mut stock, mut links) = (control.catalog, control.stock, control.links);
        let (mut events, mut operations, mut surfaces) = (control.events, control.operations, control.surfaces);

        let sized = |size| {
            let mut request = surface_update("cart", &["default_size"]);
            request.surface.as_mut().unwrap().default_size = size;
            request
        };
        repeat!(surfaces, update_surface, sized(3), sized(4));
        repeat!(catalog, batch_upsert_products, products(&["d"]), products(&["e"]));
        let skus = |id| pb::BatchUpsertSkusRequest { skus: vec![sku(id, "d")], ..Default::default() };
        repeat!(catalog, batch_upsert_skus, skus("d-1"), skus("d-2"));
        let delist = |id: &str| pb::DelistProductsRequest { product_ids: vec![id.to_owned()], ..Default::default() };
        let delisted = repeat!(catalog, delist_products, delist("d"), delist("a"));
        assert_eq!(delisted.delisted_count, 1);

        let sold = |key| reports(vec![delta("a-s", 5, key)]);
        let outcomes = repeat!(stock, report_stock, sold("k1"), sold("k2")).outcomes;
        assert!(outcomes[0].applied);

        let link = repeat!(links, create_link, creation(pin("a", "b", 1)), creation(pin("a", "c", 1)));
        let deleted = repeat!(links, delete_links, deletion(&[(&link.link_id, "")]), deletion(&[("x", "")]));
        assert_eq!(deleted.deleted_count, 1);

        let viewed = |id| pb::ReportEventsRequest { events: vec![view(id, "a")], ..Default::default() };
        let counts = repeat!(events, report_events, viewed("e1"), viewed("e2"));
        assert_eq!((counts.stored_count, counts.duplicate_count), (1, 0));

        let erase = |user: &str| pb::EraseUserRequest { user_id: user.to_owned(), ..Default::default() };
        let erasure = repeat!(operations, erase_user, erase("u1"), erase("u2"));
        assert_eq!(erasure.state(), pb::user_erasure::State::Waiting);

        let build = |reason: &str| pb::TriggerBuildRequest { reason: reason.to_owned(), ..Default::default() };
        repeat!(operations, trigger_build, build("one"), build("another"));

        let pair = |companion: &str| pb::ExplainPairRequest {
            product_id: "a".to_owned(), companion_product_id: companion.to_owned(), ..Default::default()
        };
        repeat!(operations, explain_pair, pair("b"), pair("c"));
    }

    async fn the_same_id_means_another_call_for_another_method_and_another_shop(house: House) {
        let ours = house.control().await;
        let theirs = house.control_of("other").await;
        stock_up(&ours, &["a"]).await;
        let mut request = reports(vec![delta("a-s", 1, "k")]);
        request.request_id = "r".to_owned();
        ours.stock.clone().report_stock(request).await.unwrap();
        let mut request = products(&["x"]);
        request.request_id = "r".to_owned();
        ours.catalog.clone().batch_upsert_products(request).await.unwrap();
        let mut request = products(&["y"]);
        request.request_id = "r".to_owned();
        theirs.catalog.clone().batch_upsert_products(request).await.unwrap();
    }

    async fn one_of_many_same_calls_at_once_takes_effect(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a"]).await;
        let mut request = reports(vec![delta("a-s", 1, "k")]);
        request.request_id = "r".to_owned();
        let calls = (0..8).map(|_| {
            let (mut stock, request) = (control.stock.clone(), request.clone());
            async move { stock.report_stock(request).await.map(tonic::Response::into_inner) }
        });
        for answer in futures::future::join_all(calls).await {
            let outcomes = answer.unwrap().outcomes;
            assert_eq!(outcomes[0].level.as_ref().unwrap().available, 1);
            assert!(outcomes[0].applied);
        }
    }
}
