//! By what an event names the answer that it comes from.

use tandem_domain::attribution::Attribution;
use tandem_domain::surface::Experiment;
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, BundleSet, ListBasketCompanionsRequest, ListBundleSetsRequest,
    ListRelatedProductsRequest, ListRelatedProductsResponse,
};

use crate::shop::{marketplace, product};
use crate::world::{World, keys, on_both};

async fn phone(world: &World, page_size: i32, page_token: &str) -> ListRelatedProductsResponse {
    let request = ListRelatedProductsRequest {
        product_id: "phone".into(),
        page_size,
        page_token: page_token.into(),
        ..Default::default()
    };
    let answer = world.related.clone().list_related_products(request).await;
    answer.expect("an answer").into_inner()
}

fn place(token: &str, id: &str) -> Option<Attribution> {
    let claim = keys().verify(&marketplace(), token).expect("our own token");
    claim.of(&product(id))
}

on_both! {
    async fn a_token_tells_where_each_item_stood_over_all_pages(world: World) {
        let first = phone(&world, 3, "").await;
        let second = phone(&world, 3, &first.next_page_token).await;
        let case = place(&first.attribution_token, "case").unwrap();
        assert_eq!((case.surface.as_str(), case.generation, case.position), ("detail_page", 1, 1));
        assert_eq!(case.anchor, Some(product("phone")));
        assert_eq!(place(&first.attribution_token, "stand"), None, "it stands on the next page");
        assert_eq!(place(&second.attribution_token, "stand").unwrap().position, 5);
        assert_eq!(phone(&world, 3, "").await.attribution_token, first.attribution_token, "the same answer");
    }

    async fn a_token_names_the_arm_and_the_version_of_its_surface(world: World) {
        world.set_surface("detail_page", |surface| {
            surface.default_size = 2;
            surface.experiment = Some(Experiment { id: "sizes".into(), arm: "two".into() });
        }).await;
        world.until_companions("phone", &["case", "charger"]).await;
        let found = place(&phone(&world, 0, "").await.attribution_token, "charger").unwrap();
        assert_eq!(found.experiment, Some(Experiment { id: "sizes".into(), arm: "two".into() }));
        assert!(found.surface_version > 1);
    }

    async fn each_set_has_a_token_that_counts_companions_over_all_sets(world: World) {
        let sets = async |page_size, page_token: &str| {
            let request = ListBundleSetsRequest { product_id: "phone".into(), page_size, page_token: page_token.into(), ..Default::default() };
            world.bundles.clone().list_bundle_sets(request).await.unwrap().into_inner()
        };
        let both = sets(0, "").await;
        let mut before = 0;
        for set in &both.sets {
            for part in &set.items[1..] {
                before += 1;
                let found = place(&set.attribution_token, &part.product_id).expect("it is part of the set");
                assert_eq!((found.surface.as_str(), found.position), ("live_room", before));
                assert_eq!(found.anchor, Some(product("phone")));
            }
        }
        assert_eq!((both.sets.len(), before), (2, 5));
        let first = sets(1, "").await;
        let second = sets(1, &first.next_page_token).await;
        let tokens = |sets: &[BundleSet]| sets.iter().map(|set| set.attribution_token.clone()).collect::<Vec<_>>();
        assert_eq!(tokens(&[first.sets, second.sets].concat()), tokens(&both.sets));
    }

    async fn a_sold_out_companion_leaves_the_token_and_comes_back_to_it(world: World) {
        let whole = phone(&world, 0, "").await.attribution_token;
        world.set_stock("charger", 0).await;
        world.until_companions("phone", &["case", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        let without = phone(&world, 0, "").await.attribution_token;
        assert_eq!(place(&without, "charger"), None);
        assert_eq!(place(&without, "film").unwrap().position, 2);
        world.set_stock("charger", 10).await;
        world.until_companions("phone", &["case", "charger", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        assert_eq!(phone(&world, 0, "").await.attribution_token, whole);
    }

    async fn batches_and_baskets_are_signed_kept_or_not(world: World) {
        let batch = |debug| BatchListRelatedProductsRequest {
            product_ids: vec!["phone".into(), "case".into(), "nobody".into()],
            debug,
            ..Default::default()
        };
        let ask = async |debug| {
            let answer = world.related.clone().batch_list_related_products(batch(debug)).await;
            answer.unwrap().into_inner().lists.into_iter().map(|list| list.attribution_token).collect::<Vec<_>>()
        };
        let kept = ask(false).await;
        assert_eq!(kept, ask(true).await, "read anew");
        assert_eq!(place(&kept[1], "film").unwrap().anchor, Some(product("case")));
        assert_eq!(kept[0], phone(&world, 0, "").await.attribution_token, "as alone");

        let basket = |debug| ListBasketCompanionsRequest { product_ids: vec!["phone".into(), "charger".into()], debug, ..Default::default() };
        let ask = async |debug| {
            let answer = world.related.clone().list_basket_companions(basket(debug)).await;
            answer.unwrap().into_inner().attribution_token
        };
        let kept = ask(false).await;
        assert_eq!(kept, ask(true).await, "read anew");
        let found = place(&kept, "film").unwrap();
        assert_eq!((found.surface.as_str(), found.anchor), ("cart", None));
    }
}
