//! Companions that are lent places of a bestseller's list.

use tandem_domain::surface::AttachRules;
use tandem_proto::v1::{
    Adjustment, ExplainRelatedProductRequest, ListRelatedProductsRequest, ListRelatedProductsResponse,
    Relation,
};
use tandem_testing::wait_until;

use crate::world::{LIST, LONG, World, on_both};

/// Half of the list, for what sells fewer than 5 and has at least two fifths of the best score of its relation.
const HALF: AttachRules = AttachRules {
    share_percent: 50,
    min_score_percent: 40,
    slow_below: Some(5),
    new_days: None,
    clearance: false,
};

async fn attach(world: &World, rules: AttachRules) {
    world
        .set_surface("detail_page", |surface| surface.attach = rules)
        .await;
}

async fn list(world: &World, request: ListRelatedProductsRequest) -> ListRelatedProductsResponse {
    let answer = world.related.clone().list_related_products(request).await;
    answer.expect("an answer").into_inner()
}

fn of_phone() -> ListRelatedProductsRequest {
    ListRelatedProductsRequest {
        product_id: "phone".into(),
        ..Default::default()
    }
}

fn moved(answer: &ListRelatedProductsResponse) -> Vec<(&str, Adjustment, &str)> {
    let items = answer.items.iter().filter(|item| item.adjustment != 0);
    items
        .map(|item| (item.product_id.as_str(), item.adjustment(), item.reason.as_str()))
        .collect()
}

on_both! {
    async fn slow_movers_take_every_second_place_of_a_bestsellers_list(world: World) {
        assert_eq!(world.companions("phone").await, LIST);
        attach(&world, HALF).await;
        world.until_companions("phone", &["case", "stand", "charger", "phone-b", "film", "case-b", "phone-pro"]).await;
        let answer = list(&world, ListRelatedProductsRequest { debug: true, ..of_phone() }).await;
        let slow = |id| (id, Adjustment::SlowMover, "goes with it, sells slowly");
        assert_eq!(moved(&answer), [slow("stand"), slow("phone-b")]);
        // "case" is nobody's bestseller: its list is as it was.
        assert_eq!(world.companions("case").await[..3], ["film", "phone", "stand"]);
        // Who names a relation gets it as it is ranked.
        let named = ListRelatedProductsRequest { relations: vec![Relation::Together.into()], ..of_phone() };
        let named = list(&world, named).await;
        assert_eq!((named.items[0].product_id.as_str(), moved(&named).len()), ("charger", 0));
    }

    async fn the_share_is_of_what_can_be_bought_and_pages_are_parts_of_one_list(world: World) {
        attach(&world, HALF).await;
        world.set_stock("stand", 0).await;
        let whole = ["case", "phone-b", "charger", "film", "case-b", "phone-pro"];
        world.until_companions("phone", &whole).await;
        let first = list(&world, ListRelatedProductsRequest { page_size: 2, ..of_phone() }).await;
        let page_token = first.next_page_token.clone();
        let second = list(&world, ListRelatedProductsRequest { page_size: 2, page_token, ..of_phone() }).await;
        let ids: Vec<_> = first.items.iter().chain(&second.items).map(|item| item.product_id.as_str()).collect();
        assert_eq!(ids, whole[..4]);
        world.set_stock("stand", 9).await;
        world.until_companions("phone", &["case", "stand", "charger", "phone-b", "film", "case-b", "phone-pro"]).await;
    }

    async fn to_an_anchor_that_runs_low_nothing_is_attached(world: World) {
        attach(&world, HALF).await;
        world.until_companions("phone", &["case", "stand", "charger", "phone-b", "film", "case-b", "phone-pro"]).await;
        world.set_thresholds(100, 1, &["phone"]).await;
        world.until_companions("phone", &LIST).await;
    }

    async fn new_products_and_clearance_are_attached_where_the_surface_says_so(world: World) {
        let new = AttachRules { slow_below: None, new_days: Some(7), ..HALF };
        attach(&world, new).await;
        world.until_companions("phone", &["case", "film", "charger", "case-b", "stand", "phone-b", "phone-pro"]).await;
        let answer = list(&world, of_phone()).await;
        assert_eq!(moved(&answer), [("film", Adjustment::NewArrival, "goes with it, new")]);
        let sold_off = AttachRules { new_days: None, clearance: true, ..new };
        attach(&world, sold_off).await;
        world.until_companions("phone", &["case", "case-b", "charger", "film", "stand", "phone-b", "phone-pro"]).await;
        let answer = list(&world, of_phone()).await;
        assert_eq!(moved(&answer), [("case-b", Adjustment::Clearance, "goes with it, on clearance")]);
    }

    async fn an_explanation_tells_the_place_and_how_it_sells(world: World) {
        attach(&world, HALF).await;
        let request = || ExplainRelatedProductRequest {
            product_id: "phone".into(),
            companion_product_id: "stand".into(),
            ..Default::default()
        };
        let explain = async || {
            let answer = world.related.clone().explain_related_product(request()).await;
            answer.expect("an answer").into_inner()
        };
        let lent = async || explain().await.adjustment() == Adjustment::SlowMover;
        wait_until(LONG, "the place to be lent", lent).await.unwrap();
        let answer = explain().await;
        assert_eq!((answer.position, answer.pace.map(|pace| pace.sold_units)), (2, Some(Some(2))));
        // An edge that is too weak stays where it is.
        attach(&world, AttachRules { min_score_percent: 45, ..HALF }).await;
        // Behind its own place by one: "phone-b" is lent the second one instead.
        let back = async || explain().await.position == 6;
        wait_until(LONG, "the place to be given back", back).await.unwrap();
        assert_eq!(explain().await.adjustment(), Adjustment::Unspecified);
    }
}
