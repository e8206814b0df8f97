//! Lists, batches, baskets and reasons.

use tandem_domain::link::LinkEffect;
use tandem_domain::relation::Relation;
use tandem_proto::v1::explain_related_product_response::Verdict;
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, DropReason, ExplainRelatedProductRequest, ExplainRelatedProductResponse,
    ListBasketCompanionsRequest, ListRelatedProductsRequest, ListRelatedProductsResponse, RelatedProduct,
    Source, View,
};

use crate::shop;
use crate::shown::reason;
use crate::world::{LIST, World, on_both};

fn of(id: &str) -> ListRelatedProductsRequest {
    ListRelatedProductsRequest {
        product_id: id.into(),
        ..Default::default()
    }
}

async fn list(world: &World, request: ListRelatedProductsRequest) -> ListRelatedProductsResponse {
    let answer = world.related.clone().list_related_products(request).await;
    answer.unwrap_or_else(|status| panic!("{status:?}")).into_inner()
}

fn ids(items: &[RelatedProduct]) -> Vec<&str> {
    items.iter().map(|item| item.product_id.as_str()).collect()
}

fn names(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

on_both! {
    async fn a_list_follows_the_surfaces_relations_and_ends_with_the_chain(world: World) {
        let answer = list(&world, of("phone")).await;
        assert_eq!(ids(&answer.items), LIST);
        assert_eq!(answer.generation, 1);
        assert!(answer.next_page_token.is_empty());
        let freshness = answer.freshness.unwrap();
        assert!(!freshness.stale && !freshness.suppressed);
        let sources: Vec<_> = answer.items.iter().map(RelatedProduct::source).collect();
        use Source::{Attribute, Bestseller, Learned};
        assert_eq!(sources, [Learned, Learned, Learned, Learned, Learned, Attribute, Bestseller]);
        let first = &answer.items[0];
        assert_eq!((first.reason.as_str(), first.sellable_count), ("goes with it", 10));
        assert!(first.card.is_none() && first.evidence.is_none(), "a basic view");
        assert!(answer.items[4].generated);
        assert!(answer.dropped.is_empty(), "nobody asked");
    }

    async fn a_full_view_brings_cards_and_the_counts_in_words(world: World) {
        let answer = list(&world, ListRelatedProductsRequest { view: View::Full.into(), ..of("phone") }).await;
        let case = &answer.items[0];
        let card = case.card.as_ref().unwrap();
        assert_eq!((card.title.as_str(), card.price.as_ref().unwrap().amount_minor), ("The case", 1_500));
        assert_eq!(card.price.as_ref().unwrap().currency_code, "GBP");
        let evidence = case.evidence.as_ref().unwrap();
        assert_eq!((evidence.support, evidence.text.as_str()), (122, "57 % of 214 orders"));
        let series = &answer.items[5];
        assert_eq!(series.evidence.as_ref().unwrap().text, "shared attributes");
        assert!(answer.items[6].evidence.is_none(), "a bestseller is no edge");
    }

    async fn named_relations_are_listed_and_nothing_else(world: World) {
        let only = |relations: &[Relation]| {
            let relations = relations.iter().map(|relation| i32::from(relation.code())).collect();
            list(&world, ListRelatedProductsRequest { relations, ..of("phone") })
        };
        assert_eq!(ids(&only(&[Relation::Substitute]).await.items), ["phone-b"]);
        let both = only(&[Relation::Together, Relation::Complement]).await;
        assert_eq!(ids(&both.items), ["charger", "stand", "case", "film", "case-b"]);
    }

    async fn pages_join_into_the_whole(world: World) {
        let mut request = ListRelatedProductsRequest { page_size: 3, ..of("phone") };
        let mut joined = Vec::new();
        loop {
            let page = list(&world, request.clone()).await;
            assert!(page.items.len() <= 3);
            joined.extend(ids(&page.items).into_iter().map(str::to_owned));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(joined, names(&LIST));
    }

    async fn a_page_of_another_generation_has_to_be_started_over(world: World) {
        let request = ListRelatedProductsRequest { page_size: 3, ..of("phone") };
        let page = list(&world, request.clone()).await;
        shop::publish(&*world.cache, 2).await;
        let serving = async || list(&world, of("phone")).await.generation == 2;
        tandem_testing::wait_until(crate::world::LONG, "the next generation", serving).await.unwrap();
        let next = ListRelatedProductsRequest { page_token: page.next_page_token, ..request };
        let status = world.related.clone().list_related_products(next).await.unwrap_err();
        assert_eq!(reason(&status), (tonic::Code::InvalidArgument, "PAGE_TOKEN_INVALID".to_owned()));
    }

    async fn what_a_request_excludes_is_replaced_and_debug_says_why(world: World) {
        let request = ListRelatedProductsRequest {
            exclude_product_ids: names(&["case", "never-seen"]),
            page_size: 3,
            debug: true,
            ..of("phone")
        };
        let answer = list(&world, request).await;
        assert_eq!(ids(&answer.items), ["charger", "film", "case-b"]);
        let why = |id: &str| answer.dropped.iter().find(|dropped| dropped.product_id == id).map(|d| d.reason());
        assert_eq!(why("case"), Some(DropReason::ExcludedByRequest));
        assert_eq!(why("charger"), Some(DropReason::Duplicate));
        assert_eq!(why("stand"), Some(DropReason::BelowLimit));
        assert_eq!(why("never-seen"), None);
    }

    async fn a_known_product_outside_the_graph_gets_bestsellers_of_its_category_first(world: World) {
        let answer = list(&world, of("cold")).await;
        assert_eq!(ids(&answer.items), ["phone-b", "phone", "phone-pro", "film", "charger"]);
        assert!(answer.items.iter().all(|item| item.source() == Source::Bestseller));
        assert_eq!(ids(&list(&world, of("odd")).await.items), ["film", "phone-b", "charger"], "without a category");
    }

    async fn merchants_links_hold_once_they_are_announced(world: World) {
        world.set_links("phone", &[
            ("stand", LinkEffect::Pin { position: 1 }),
            ("case", LinkEffect::Exclude),
            ("cold", LinkEffect::Boost { factor: 3.0 }),
        ]).await;
        world.until_companions("phone", &["stand", "charger", "film", "case-b", "cold", "phone-b", "phone-pro"]).await;
        let answer = list(&world, of("phone")).await;
        assert_eq!(answer.items[0].source(), Source::Manual);
        assert_eq!(answer.items[0].reason, "chosen by the merchant");
        world.set_links("phone", &[]).await;
        world.until_companions("phone", &LIST).await;
    }

    async fn a_batch_answers_in_order_and_names_what_it_does_not_know(world: World) {
        let request = BatchListRelatedProductsRequest {
            product_ids: names(&["case", "nobody", "phone"]),
            page_size: 2,
            ..Default::default()
        };
        let answer = world.related.clone().batch_list_related_products(request).await.unwrap().into_inner();
        let lists: Vec<_> = answer.lists.iter().map(|list| (list.product_id.as_str(), ids(&list.items))).collect();
        assert_eq!(lists, [("case", vec!["film", "phone"]), ("phone", vec!["case", "charger"])]);
        assert_eq!(answer.missing_product_ids, ["nobody"]);
        assert_eq!(answer.generation, 1);
    }

    async fn a_basket_is_answered_as_a_whole(world: World) {
        let request = ListBasketCompanionsRequest {
            product_ids: names(&["phone", "case", "charger", "nobody", "case"]),
            ..Default::default()
        };
        let answer = world.related.clone().list_basket_companions(request).await.unwrap().into_inner();
        let found = ids(&answer.items);
        assert_eq!(found[0], "film", "all three go with it: {found:?}");
        for own in ["phone", "case", "charger"] {
            assert!(!found.contains(&own), "{own} is in the basket: {found:?}");
        }
        assert_eq!(answer.missing_product_ids, ["nobody"]);
        let distinct: std::collections::BTreeSet<_> = found.iter().collect();
        assert_eq!(distinct.len(), found.len());
    }

    async fn the_recent_product_of_a_basket_weighs_more(world: World) {
        let first = async |basket: &[&str]| {
            let request = ListBasketCompanionsRequest {
                product_ids: names(basket),
                relations: vec![Relation::Together.code().into()],
                view: View::Full.into(),
                exclude_product_ids: names(&["film"]),
                ..Default::default()
            };
            let answer = world.related.clone().list_basket_companions(request).await.unwrap().into_inner();
            (ids(&answer.items)[0].to_owned(), answer.items[0].evidence.clone())
        };
        // case → phone 2.0 (4.0 as a vote), charger → case-b 1.5 (3.0 as a vote); the older one counts 0.9.
        assert_eq!(first(&["charger", "case"]).await.0, "phone");
        let (winner, evidence) = first(&["case", "charger"]).await;
        assert_eq!((winner.as_str(), evidence.unwrap().support), ("phone", 5));
    }
}

async fn explain(world: &World, companion: &str) -> ExplainRelatedProductResponse {
    let request = ExplainRelatedProductRequest {
        product_id: "phone".into(),
        companion_product_id: companion.into(),
        surface_id: String::new(),
        pool: String::new(),
    };
    world
        .related
        .clone()
        .explain_related_product(request)
        .await
        .unwrap()
        .into_inner()
}

on_both! {
    async fn what_is_shown_is_explained_with_place_and_counts(world: World) {
        let answer = explain(&world, "charger").await;
        assert_eq!((answer.verdict(), answer.position), (Verdict::Shown, 2));
        let edges: Vec<_> = answer.edges.iter().map(|edge| (edge.relation, edge.rank)).collect();
        assert_eq!(edges, [(1, 1), (3, 2)]);
        assert_eq!(answer.edges[1].evidence.as_ref().unwrap().text, "57 % of 214 orders");
        let complements = answer.rows.iter().find(|row| row.relation == 3).unwrap();
        assert_eq!((complements.length, complements.refused_support, complements.refused_significance), (4, 7, 3));
    }

    async fn what_is_dropped_is_explained_with_the_reason(world: World) {
        world.set_stock("case", 0).await;
        world.until_companions("phone", &["charger", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        let answer = explain(&world, "case").await;
        assert_eq!((answer.verdict(), answer.position), (Verdict::Dropped, 0));
        assert_eq!(answer.drop_reason(), DropReason::OutOfStock);
        world.set_links("phone", &[("film", LinkEffect::Exclude)]).await;
        world.until_companions("phone", &["charger", "case-b", "stand", "phone-b", "phone-pro"]).await;
        let answer = explain(&world, "film").await;
        assert_eq!(answer.drop_reason(), DropReason::ExcludedByMerchant);
        assert_eq!(answer.link_ids, ["link-0"]);
    }

    async fn what_the_graph_does_not_hold_is_said_with_the_rows(world: World) {
        let answer = explain(&world, "odd").await;
        assert_eq!(answer.verdict(), Verdict::NotInGraph);
        assert!(answer.edges.is_empty());
        assert_eq!(answer.rows.len(), 5);
        world.set_surface("detail_page", |surface| surface.fallback.truncate(2)).await;
        world.until_companions("phone", &["case", "charger", "film", "case-b", "stand"]).await;
        let answer = explain(&world, "phone-pro").await;
        assert_eq!((answer.verdict(), answer.drop_reason()), (Verdict::Dropped, DropReason::NotListed));
    }
}
