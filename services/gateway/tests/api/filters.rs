//! What companions must be like, and for whom: asked by requests and by surfaces, of every step alike.

use tandem_domain::surface::{Caps, PriceBand, ShopScope};
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, DropReason, DroppedProduct, ListBasketCompanionsRequest,
    ListRelatedProductsRequest, Money, ProductFilter, RelatedProduct, Shopper, ShopperSegment,
};
use tandem_testing::wait_until;

use crate::shop::{self, STORE_EPOCH, marketplace};
use crate::world::{LIST, LONG, World, on_both};

fn names(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn ids(items: &[RelatedProduct]) -> Vec<&str> {
    items.iter().map(|item| item.product_id.as_str()).collect()
}

fn price(amount_minor: i64) -> Option<Money> {
    Some(Money {
        currency_code: String::new(),
        amount_minor,
    })
}

fn categories(ids: &[&str]) -> Option<ProductFilter> {
    Some(ProductFilter {
        category_ids: names(ids),
        ..Default::default()
    })
}

async fn phone(world: &World, filter: Option<ProductFilter>, shopper: Option<Shopper>) -> Vec<String> {
    let request = ListRelatedProductsRequest {
        product_id: "phone".into(),
        filter,
        shopper,
        ..Default::default()
    };
    let answer = world.related.clone().list_related_products(request).await;
    let items = answer.expect("an answer").into_inner().items;
    items.into_iter().map(|item| item.product_id).collect()
}

fn why(dropped: &[DroppedProduct], id: &str) -> Option<DropReason> {
    let found = dropped.iter().find(|dropped| dropped.product_id == id);
    found.map(DroppedProduct::reason)
}

on_both! {
    async fn a_filter_leaves_what_suits_and_kept_answers_stay_whole(world: World) {
        assert_eq!(phone(&world, None, None).await, LIST);
        assert_eq!(phone(&world, categories(&["cases"]), None).await, ["case", "case-b"]);
        let cheap = ProductFilter { max_price: price(1_300), ..Default::default() };
        assert_eq!(phone(&world, Some(cheap), None).await, ["film", "stand"]);
        let brand = ProductFilter { brands: names(&["Nobody"]), ..Default::default() };
        assert_eq!(phone(&world, Some(brand), None).await, [""; 0]);
        let shop = ProductFilter { shop_ids: names(&["default"]), ..Default::default() };
        assert_eq!(phone(&world, Some(shop), None).await, LIST);
        assert_eq!(phone(&world, Some(ProductFilter::default()), None).await, LIST, "it asks nothing");
        assert_eq!(phone(&world, None, None).await, LIST, "what is kept is for everybody");
    }

    async fn a_filtered_list_is_refilled_page_by_page_and_debug_names_the_filter(world: World) {
        world.set_stock("film", 0).await;
        world.until_companions("phone", &["case", "charger", "case-b", "stand", "phone-b", "phone-pro"]).await;
        let mut request = ListRelatedProductsRequest {
            product_id: "phone".into(),
            filter: categories(&["cases", "stands", "films"]),
            page_size: 2,
            debug: true,
            ..Default::default()
        };
        let first = world.related.clone().list_related_products(request.clone()).await.unwrap().into_inner();
        assert_eq!(ids(&first.items), ["case", "case-b"], "a place that is dropped goes to the next that suits");
        assert_eq!(why(&first.dropped, "charger"), Some(DropReason::FilteredCategory));
        assert_eq!(why(&first.dropped, "phone-b"), Some(DropReason::FilteredCategory));
        assert_eq!(why(&first.dropped, "film"), Some(DropReason::OutOfStock));
        assert_eq!(why(&first.dropped, "stand"), Some(DropReason::BelowLimit));
        request.page_token = first.next_page_token;
        let second = world.related.clone().list_related_products(request.clone()).await.unwrap().into_inner();
        assert_eq!((ids(&second.items), second.next_page_token.as_str()), (vec!["stand"], ""));
        request.filter = None;
        let other = world.related.clone().list_related_products(request).await.unwrap_err();
        assert_eq!(other.code(), tonic::Code::InvalidArgument, "the token belongs to the filter");
    }

    async fn batches_and_baskets_are_filtered_too(world: World) {
        let batch = BatchListRelatedProductsRequest {
            product_ids: names(&["phone", "case"]),
            filter: categories(&["films", "stands"]),
            debug: true,
            ..Default::default()
        };
        let lists = world.related.clone().batch_list_related_products(batch).await.unwrap().into_inner().lists;
        assert_eq!([ids(&lists[0].items), ids(&lists[1].items)], [["film", "stand"]; 2]);
        assert_eq!(why(&lists[1].dropped, "phone"), Some(DropReason::FilteredCategory));
        let basket = ListBasketCompanionsRequest {
            product_ids: names(&["phone", "charger"]),
            filter: categories(&["films"]),
            debug: true,
            ..Default::default()
        };
        let answer = world.related.clone().list_basket_companions(basket).await.unwrap().into_inner();
        assert_eq!(ids(&answer.items), ["film"]);
        assert_eq!(why(&answer.dropped, "case"), Some(DropReason::FilteredCategory));
    }

    async fn a_surfaces_rules_hold_once_they_are_announced(world: World) {
        assert_eq!(world.companions("phone").await, LIST);
        let set = async |change: fn(&mut tandem_domain::surface::Surface), expected: &[&str]| {
            world.set_surface("detail_page", change).await;
            world.until_companions("phone", expected).await;
        };
        set(|surface| surface.caps = Caps { per_category: Some(1), ..Caps::default() },
            &["case", "charger", "film", "stand", "phone-b"]).await;
        set(|surface| surface.price_band = PriceBand { min_percent: None, max_percent: Some(3) },
            &["case", "film", "stand"]).await;
        set(|surface| surface.quotas = [(tandem_domain::relation::Relation::Complement, 2)].into(),
            &["case", "charger", "stand", "phone-b", "phone-pro", "film"]).await;
        set(|_| (), &LIST).await;
        set(|surface| surface.shops = ShopScope::SameShop, &LIST).await;
        // A companion that moves to another shop is seen by the next answer.
        let mut card = world.cache.cards(&marketplace(), &[shop::product("case")]).await.unwrap()[0].clone().unwrap();
        (card.shop, card.version) = ("other".parse().unwrap(), world.next_version());
        world.cache.put_cards(&marketplace(), STORE_EPOCH, &[card]).await.unwrap();
        world.until_companions("phone", &LIST[1..]).await;
    }

    async fn a_deleted_surface_serves_nobody(world: World) {
        let request = || ListRelatedProductsRequest { product_id: "phone".into(), surface_id: "mine".into(), ..Default::default() };
        let until = async |known: bool| {
            let as_wanted = async || world.related.clone().list_related_products(request()).await.is_ok() == known;
            wait_until(LONG, "the surface", as_wanted).await.unwrap();
        };
        until(false).await;
        world.set_surface("mine", |_| ()).await;
        until(true).await;
        world.set_surface("mine", |surface| surface.deleted = true).await;
        until(false).await;
    }

    async fn a_shopper_moves_companions_inside_their_relation(world: World) {
        let shopper = |recent: &[&str], bought: &[&str]| Some(Shopper {
            recent_product_ids: names(recent),
            bought_product_ids: names(bought),
            ..Default::default()
        });
        // Film and case-b go with a charger; charger is of its own leaf.
        let looked = ["charger", "film", "case", "case-b", "stand", "phone-b", "phone-pro"];
        assert_eq!(phone(&world, None, shopper(&["nobody", "charger"], &[])).await, looked);
        let bought = ["charger", "film", "case-b", "case", "stand", "phone-b", "phone-pro"];
        assert_eq!(phone(&world, None, shopper(&[], &["case"])).await, bought);
        let segment = ShopperSegment { category_ids: names(&["films"]), usual_price: price(600), ..Default::default() };
        let kind = Some(Shopper { segment: Some(segment), ..Default::default() });
        let liked = ["film", "case", "charger", "case-b", "stand", "phone-b", "phone-pro"];
        // film 0.7 × 1.3 = 0.91 passes case with 0.9.
        assert_eq!(phone(&world, None, kind).await, liked);
        assert_eq!(phone(&world, None, Some(Shopper::default())).await, LIST);
        assert_eq!(phone(&world, None, None).await, LIST);
    }
}
