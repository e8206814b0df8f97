//! Lists that learn: scores as shoppers' answers have them, and one place where something is tried.

use std::collections::BTreeSet;

use tandem_domain::attribution::Attribution;
use tandem_domain::link::LinkEffect;
use tandem_domain::surface::FeedbackRules;
use tandem_proto::v1::{ListRelatedProductsRequest, ListRelatedProductsResponse, Shopper};
use tandem_testing::wait_until;

use crate::shop::{marketplace, product};
use crate::world::{LIST, LONG, World, keys, on_both};

fn seen_by(shopper: &str) -> ListRelatedProductsRequest {
    ListRelatedProductsRequest {
        product_id: "phone".into(),
        shopper: Some(Shopper {
            shopper_id: shopper.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

async fn list(world: &World, request: ListRelatedProductsRequest) -> ListRelatedProductsResponse {
    let answer = world.related.clone().list_related_products(request).await;
    answer.expect("an answer").into_inner()
}

fn ids(answer: &ListRelatedProductsResponse) -> Vec<&str> {
    answer.items.iter().map(|item| item.product_id.as_str()).collect()
}

fn place(answer: &ListRelatedProductsResponse, id: &str) -> Attribution {
    let claim = keys()
        .verify(&marketplace(), &answer.attribution_token)
        .expect("our own token");
    claim.of(&product(id)).expect("it was shown")
}

async fn explore_at(world: &World, place: u32) {
    let rules = FeedbackRules {
        rank: false,
        explore_at: Some(place),
    };
    world
        .set_surface("detail_page", |surface| surface.feedback = rules)
        .await;
    let dealt = async || {
        let answer = list(world, seen_by("somebody")).await;
        ids(&answer).into_iter().any(|id| place_is_dealt(&answer, id))
    };
    wait_until(LONG, "the surface to try something", dealt)
        .await
        .unwrap();
}

fn place_is_dealt(answer: &ListRelatedProductsResponse, id: &str) -> bool {
    place(answer, id).explored.is_some()
}

on_both! {
    async fn scores_heed_feedback_where_the_surface_says_so(world: World) {
        assert_eq!(world.companions("phone").await[..4], LIST[..4]);
        world.set_surface("detail_page", |surface| surface.feedback.rank = true).await;
        // 0.6, taken twice as well as expected.
        world.until_companions("phone", &["case-b", "case", "charger", "film", "stand", "phone-b", "phone-pro"]).await;
        let kept = list(&world, seen_by("")).await;
        let anew = list(&world, ListRelatedProductsRequest { debug: true, ..seen_by("") }).await;
        assert_eq!((kept.items[0].score, kept.items[0].product_id.as_str()), (1.2, "case-b"));
        assert_eq!((kept.items, kept.attribution_token), (anew.items, anew.attribution_token));
    }

    async fn one_place_is_dealt_by_shopper_and_says_so_in_the_token(world: World) {
        explore_at(&world, 2).await;
        let mut dealt = BTreeSet::new();
        for shopper in 0..60 {
            let shopper = format!("shopper {shopper}");
            let answer = list(&world, seen_by(&shopper)).await;
            let ids = ids(&answer);
            let again = list(&world, seen_by(&shopper)).await;
            assert_eq!((&again.items, &again.attribution_token), (&answer.items, &answer.attribution_token), "the same all day");
            assert_eq!((ids[0], ids.len()), ("case", 7));
            let others: Vec<&str> = ids.iter().copied().filter(|id| *id != ids[1]).collect();
            let usual: Vec<&str> = LIST.iter().copied().filter(|id| *id != ids[1]).collect();
            assert_eq!(others, usual, "the others keep their order");
            for (at, id) in ids.iter().enumerate() {
                let place = place(&answer, id);
                assert_eq!((place.position, place.explored), (at as u64 + 1, (at == 1).then_some(5)));
            }
            dealt.insert(ids[1].to_owned());
        }
        // Bestsellers are nobody's companions: those are not tried.
        assert_eq!(dealt, ["charger", "film", "case-b", "stand", "phone-b"].map(str::to_owned).into());
    }

    async fn pages_of_one_shopper_are_parts_of_one_list(world: World) {
        explore_at(&world, 2).await;
        for shopper in ["a", "b", "c", "d", "e"] {
            let whole = list(&world, seen_by(shopper)).await;
            let first = list(&world, ListRelatedProductsRequest { page_size: 3, ..seen_by(shopper) }).await;
            let page_token = first.next_page_token.clone();
            let second = list(&world, ListRelatedProductsRequest { page_size: 3, page_token, ..seen_by(shopper) }).await;
            assert_eq!([ids(&first), ids(&second)].concat(), ids(&whole)[..6]);
            assert_eq!(place(&first, ids(&whole)[1]).explored, Some(5));
            assert_eq!(place(&second, ids(&whole)[4]).explored, None);
        }
    }

    async fn nothing_is_tried_on_nobody_nor_in_the_place_of_a_pin(world: World) {
        explore_at(&world, 2).await;
        assert_eq!(world.companions("phone").await, LIST);
        world.set_links("phone", &[("stand", LinkEffect::Pin { position: 2 })]).await;
        world.until_companions("phone", &["case", "stand", "charger", "film", "case-b", "phone-b", "phone-pro"]).await;
        for shopper in ["a", "b", "c"] {
            assert_eq!(ids(&list(&world, seen_by(shopper)).await)[1], "stand");
        }
    }

    async fn a_shopper_id_that_is_none_is_refused(world: World) {
        let bad = [("x".repeat(129), "has 129 bytes"), ("a\nb".to_owned(), "control character")];
        for (id, why) in bad {
            let refused = world.related.clone().list_related_products(seen_by(&id)).await.unwrap_err();
            assert_eq!(refused.code(), tonic::Code::InvalidArgument);
            assert!(refused.message().contains("shopper.shopper_id") && refused.message().contains(why), "{refused:?}");
        }
    }
}
