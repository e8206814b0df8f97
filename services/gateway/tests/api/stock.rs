//! Stock on its way to answers, and answers without it.

use tandem_domain::catalog::Listing;
use tandem_domain::relation::Relation;
use tandem_domain::surface::{Surface, WhenStale};
use tandem_proto::v1::{
    DropReason, Freshness, ListBundleSetsRequest, ListRelatedProductsRequest, ListRelatedProductsResponse,
    QuoteBundleRequest, QuoteItem,
};
use tandem_testing::wait_until;

use crate::world::{LIST, LONG, World, on_both};

async fn list_on(world: &World, surface: &str) -> ListRelatedProductsResponse {
    let request = ListRelatedProductsRequest {
        product_id: "phone".into(),
        surface_id: surface.into(),
        debug: true,
        ..Default::default()
    };
    world
        .related
        .clone()
        .list_related_products(request)
        .await
        .unwrap()
        .into_inner()
}

async fn freshness_on(world: &World, surface: &str) -> Freshness {
    list_on(world, surface).await.freshness.unwrap()
}

on_both! {
    async fn a_sold_out_companion_leaves_every_list_and_returns(world: World) {
        world.until_companions("phone", &LIST).await;
        world.set_stock("charger", 0).await;
        world.until_companions("phone", &["case", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        world.until_companions("cold", &["phone-b", "phone", "phone-pro", "film"]).await;
        world.set_stock("charger", 1).await;
        world.until_companions("phone", &LIST).await;
    }

    async fn a_delisted_product_leaves_every_list(world: World) {
        world.set_listing("case", Listing::Delisted).await;
        world.until_companions("phone", &["charger", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        let dropped = list_on(&world, "").await.dropped;
        let case = dropped.iter().find(|dropped| dropped.product_id == "case").unwrap();
        assert_eq!(case.reason(), DropReason::Delisted);
        world.set_listing("case", Listing::Listed).await;
        world.until_companions("phone", &LIST).await;
    }

    async fn without_a_sign_of_life_lists_are_marked_and_bundles_withheld(world: World) {
        let limit = |surface: &mut Surface| surface.max_stock_age_ms = 400;
        for surface in ["detail_page", "live_room"] {
            world.set_surface(surface, limit).await;
        }
        world.set_surface("strict", |surface| {
            surface.max_stock_age_ms = 400;
            surface.stale_lists = WhenStale::Suppress;
        }).await;
        let known = async || {
            let request = ListRelatedProductsRequest { product_id: "phone".into(), surface_id: "strict".into(), ..Default::default() };
            world.related.clone().list_related_products(request).await.is_ok()
        };
        wait_until(LONG, "the new surface", known).await.unwrap();
        world.stop_beating().await;
        let stale = async || freshness_on(&world, "detail_page").await.stale;
        wait_until(LONG, "a stale view", stale).await.unwrap();

        let marked = list_on(&world, "detail_page").await;
        assert_eq!(marked.items.len(), LIST.len());
        let freshness = marked.freshness.unwrap();
        assert!(freshness.stale && !freshness.suppressed && freshness.stock_age_ms >= 400);

        let suppressed = list_on(&world, "strict").await;
        assert!(suppressed.items.is_empty() && suppressed.next_page_token.is_empty());
        assert!(suppressed.freshness.unwrap().suppressed);
        assert!(suppressed.dropped.iter().any(|dropped| dropped.reason() == DropReason::StaleStock));

        let request = ListBundleSetsRequest { product_id: "phone".into(), ..Default::default() };
        let sets = world.bundles.clone().list_bundle_sets(request).await.unwrap().into_inner();
        assert!(sets.sets.is_empty() && sets.freshness.unwrap().suppressed);

        let item = |id: &str| QuoteItem { product_id: id.into(), ..Default::default() };
        let request = QuoteBundleRequest { items: vec![item("phone"), item("case")], pool: String::new() };
        let quote = world.bundles.clone().quote_bundle(request).await.unwrap().into_inner();
        assert_eq!((quote.sellable_count, quote.total_price.unwrap().amount_minor), (0, 51_500));
        assert!(quote.freshness.unwrap().suppressed);

        world.start_beating();
        let whole = async || list_on(&world, "strict").await.items.len() == LIST.len();
        wait_until(LONG, "a fresh view", whole).await.unwrap();
    }

    async fn a_surface_is_live_without_a_restart(world: World) {
        world.set_surface("detail_page", |surface| surface.default_size = 2).await;
        world.until_companions("phone", &["case", "charger"]).await;
        world.set_surface("detail_page", |surface| surface.relations = vec![Relation::Substitute]).await;
        world.until_companions("phone", &["phone-b", "phone-pro", "film", "charger"]).await;
    }
}
