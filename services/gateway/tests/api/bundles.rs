//! Bundle sets and quotes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tandem_cache::memory::MemoryCache;
use tandem_cache::port::Traced;
use tandem_domain::bundle::{AnchorBundles, BundleMember, FixedBundle, FixedBundleInput};
use tandem_domain::change::ThresholdsChange;
use tandem_domain::id::{FixedBundleId, ShopId};
use tandem_domain::link::LinkEffect;
use tandem_domain::stock::{Pool, ShopThresholds, Thresholds};
use tandem_proto::v1::{
    BundleSet, DropReason, ListBundleSetsRequest, ListBundleSetsResponse, QuoteBundleRequest,
    QuoteBundleResponse, QuoteItem, View,
};
use tandem_runtime::config::RuntimeConfig;
use tandem_testing::wait_until;

use crate::shop::{self, STORE_EPOCH, marketplace, product};
use crate::shown::reason;
use crate::slowed::Slowed;
use crate::world::{LONG, NOW, Place, World, on_both};

fn of_phone() -> ListBundleSetsRequest {
    ListBundleSetsRequest {
        product_id: "phone".into(),
        ..Default::default()
    }
}

async fn sets(world: &World, request: ListBundleSetsRequest) -> ListBundleSetsResponse {
    let answer = world.bundles.clone().list_bundle_sets(request).await;
    answer.unwrap_or_else(|status| panic!("{status:?}")).into_inner()
}

fn parts(set: &BundleSet) -> Vec<&str> {
    set.items.iter().map(|item| item.product_id.as_str()).collect()
}

/// Waits until the first set of the phone holds these parts.
async fn until_first_set(world: &World, expected: &[&str]) -> BundleSet {
    until_first(world, of_phone(), expected).await
}

/// Waits until the first set answered to `request` holds these parts.
async fn until_first(world: &World, request: ListBundleSetsRequest, expected: &[&str]) -> BundleSet {
    let first = async || sets(world, request.clone()).await.sets.into_iter().next();
    let same = async || first().await.is_some_and(|set| parts(&set) == expected);
    wait_until(LONG, "the expected set", same).await.unwrap();
    first().await.unwrap()
}

const LEARNED: [&str; 4] = ["phone", "case", "charger", "film"];

/// A set of the phone that its merchant put together: one charger, two films.
async fn put_fixed(world: &World, bundles: usize) {
    let member = |id: &str, quantity, stand_in: &str| BundleMember {
        product: product(id),
        role: id.to_owned(),
        quantity,
        support: 0,
        alternates: vec![product(stand_in)],
    };
    let fixed = FixedBundle {
        id: FixedBundleId::new("fixed-1").unwrap(),
        input: FixedBundleInput {
            anchor: product("phone"),
            title: "Starter set".into(),
            members: vec![member("charger", 1, "charger-b"), member("film", 2, "film-b")],
        },
        shop: ShopId::new("default").unwrap(),
        author: "someone".into(),
        created: NOW,
    };
    let set = AnchorBundles {
        anchor: product("phone"),
        version: world.next_version(),
        bundles: vec![fixed; bundles],
    };
    assert!(
        world
            .cache
            .put_bundles(&marketplace(), STORE_EPOCH, &set)
            .await
            .unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_of_parts_that_were_shown_before_are_read_along_with_the_sets() {
    let cache = MemoryCache::new();
    let slowed = Arc::new(Slowed::new(Arc::new(cache.clone()), Duration::ZERO));
    let (place, limits) = (Place::Memory(cache.clone()), RuntimeConfig::default().server);
    let world = World::seeing(Arc::clone(&slowed) as _, place, Arc::new(cache), limits).await;
    let world = world.filled().await;
    let first_alone = || ListBundleSetsRequest {
        page_size: 1,
        ..of_phone()
    };
    // The first set, and how often cards were read behind what sets are made of.
    let first = async || {
        let before = slowed.cards.load(Ordering::SeqCst);
        let set = sets(&world, first_alone()).await.sets.remove(0);
        (set, slowed.cards.load(Ordering::SeqCst) - before)
    };
    let (set, reads) = first().await;
    assert_eq!((parts(&set).as_slice(), reads), (&LEARNED[..], 1));
    assert_eq!(first().await, (set.clone(), 0));

    let mut dearer = shop::card("case", "cases", 9_900);
    dearer.version = world.next_version();
    world
        .cache
        .put_cards(&marketplace(), STORE_EPOCH, &[dearer])
        .await
        .unwrap();
    let (dear, reads) = first().await;
    assert_eq!(reads, 0);
    assert_ne!(
        dear.total_price, set.total_price,
        "what is hinted at is read anew"
    );

    world.set_stock("case", 0).await;
    let stand_in = ["phone", "case-b", "charger", "film"];
    let mended = until_first(&world, first_alone(), &stand_in).await;
    assert!(mended.total_price.is_some(), "the stand-in's card was read, too");
    assert_eq!(first().await, (mended, 0));
}

on_both! {
    async fn a_merchants_set_comes_first_mended_and_priced_by_its_quantities(world: World) {
        put_fixed(&world, 1).await;
        let first = async || sets(&world, of_phone()).await.sets.remove(0);
        let set = first().await;
        assert_eq!(parts(&set), ["phone", "charger", "film"]);
        assert_eq!((set.fixed_bundle_id.as_str(), set.title.as_str()), ("fixed-1", "Starter set"));
        assert_eq!((set.items[2].quantity, set.sellable_count), (2, 5), "ten films are five pairs");
        assert_eq!(set.total_price.as_ref().unwrap().amount_minor, 50_000 + 2_500 + 2 * 500);
        assert_eq!(set.evidence, "put together by the merchant");
        world.set_stock("film", 1).await;
        let mended = until_first_set(&world, &["phone", "charger", "film-b"]).await;
        assert_eq!(mended.items[2].replaces_reason(), DropReason::OutOfStock, "one is not enough for a pair");
        world.set_stock("film-b", 0).await;
        until_first_set(&world, &LEARNED).await;
        world.set_stock("film", 10).await;
        until_first_set(&world, &["phone", "charger", "film"]).await;
        put_fixed(&world, 0).await;
        assert_eq!(first().await.fixed_bundle_id, "");
    }

    async fn sets_come_with_prices_counts_and_words(world: World) {
        let answer = sets(&world, ListBundleSetsRequest { view: View::Full.into(), ..of_phone() }).await;
        assert_eq!(answer.sets.len(), 2);
        let set = &answer.sets[0];
        assert_eq!(parts(set), LEARNED);
        assert_eq!(set.items[0].role, "anchor");
        assert_eq!(set.total_price.as_ref().unwrap().amount_minor, 54_500);
        assert_eq!(set.bundle_price, set.total_price);
        assert_eq!(set.saving.as_ref().unwrap().amount_minor, 0);
        assert_eq!((set.sellable_count, set.support, set.anchor_count), (10, 41, 214));
        assert_eq!(set.evidence, "all 4 in 41 of 214 orders");
        assert_eq!(set.items[1].card.as_ref().unwrap().title, "The case");
        assert_eq!(answer.sets[1].evidence, "inferred from pairs in 214 orders");
        assert_ne!(set.bundle_id, answer.sets[1].bundle_id);
    }

    async fn a_sold_out_part_is_replaced_and_comes_back_with_its_stock(world: World) {
        let before = sets(&world, of_phone()).await.sets.remove(0);
        world.set_stock("case", 0).await;
        let mended = until_first_set(&world, &["phone", "case-b", "charger", "film"]).await;
        assert_eq!(mended.items[1].replaces_product_id, "case");
        assert_eq!(mended.items[1].role, "cases");
        assert_eq!(mended.evidence, "before mending: all 4 in 41 of 214 orders");
        assert_ne!(mended.bundle_id, before.bundle_id);
        world.set_stock("case-b", 0).await;
        until_first_set(&world, &["phone", "charger", "film"]).await;
        world.set_stock("case-b", 10).await;
        world.set_stock("case", 10).await;
        let restored = until_first_set(&world, &LEARNED).await;
        assert_eq!(restored.bundle_id, before.bundle_id);
    }

    async fn the_scarcest_part_counts_and_a_sold_out_anchor_has_no_sets(world: World) {
        world.set_stock("film", 3).await;
        let scarce = async || sets(&world, of_phone()).await.sets[0].sellable_count == 3;
        wait_until(LONG, "the new count", scarce).await.unwrap();
        for sku in ["phone-black", "phone-white"] {
            let change = shop::stock("phone", sku, Pool::Normal, 0, world.next_version());
            world.cache.put_stock(&marketplace(), STORE_EPOCH, &[change]).await.unwrap();
        }
        let none = async || sets(&world, of_phone()).await.sets.is_empty();
        wait_until(LONG, "no sets", none).await.unwrap();
    }

    async fn what_a_merchant_or_a_caller_excludes_is_in_no_set(world: World) {
        world.set_links("phone", &[("charger", LinkEffect::Exclude)]).await;
        let without_film = ListBundleSetsRequest { exclude_product_ids: vec!["film".into()], ..of_phone() };
        until_first(&world, without_film, &["phone", "case", "charger-b", "film-b"]).await;
    }

    async fn sets_come_in_pages_and_a_product_without_sets_has_none(world: World) {
        let first = sets(&world, ListBundleSetsRequest { page_size: 1, ..of_phone() }).await;
        assert_eq!(parts(&first.sets[0]), LEARNED);
        let second = ListBundleSetsRequest { page_size: 1, page_token: first.next_page_token, ..of_phone() };
        let second = sets(&world, second).await;
        assert_eq!(parts(&second.sets[0]), ["phone", "case-b", "stand"]);
        assert!(second.next_page_token.is_empty());
        let cold = ListBundleSetsRequest { product_id: "cold".into(), ..Default::default() };
        assert!(sets(&world, cold).await.sets.is_empty());
    }
}

fn item(product: &str, sku: &str, quantity: u32) -> QuoteItem {
    QuoteItem {
        product_id: product.into(),
        sku_id: sku.into(),
        quantity,
    }
}

async fn quote(world: &World, items: Vec<QuoteItem>, pool: &str) -> QuoteBundleResponse {
    let request = QuoteBundleRequest {
        items,
        pool: pool.into(),
    };
    world
        .bundles
        .clone()
        .quote_bundle(request)
        .await
        .unwrap()
        .into_inner()
}

on_both! {
    async fn a_quote_is_exact(world: World) {
        let answer = quote(&world, vec![item("phone", "", 0), item("film", "", 3)], "").await;
        let lines: Vec<_> = answer
            .items
            .iter()
            .map(|line| (line.sku_id.as_str(), line.quantity, line.unit_price.as_ref().unwrap().amount_minor, line.available))
            .collect();
        assert_eq!(lines, [("phone-black", 1, 50_000, 12), ("film-sku", 3, 500, 10)]);
        assert_eq!(answer.total_price.as_ref().unwrap().amount_minor, 51_500);
        assert_eq!(answer.sellable_count, 3);
        let white = quote(&world, vec![item("phone", "phone-white", 1), item("case", "", 1)], "").await;
        assert_eq!((white.total_price.unwrap().amount_minor, white.sellable_count), (52_500, 8));
        let unpriced = quote(&world, vec![item("odd", "", 1), item("case", "", 1)], "").await;
        assert!(unpriced.total_price.is_none(), "no price of a part, no sum");
    }

    async fn a_rooms_pool_adds_to_the_normal_one(world: World) {
        let room = Pool::Room("42".into());
        let change = |pool, units| shop::stock("film", "film-sku", pool, units, world.next_version());
        let changes = [change(room, 5), change(Pool::Held, 1_000)];
        world.cache.put_stock(&marketplace(), STORE_EPOCH, &changes).await.unwrap();
        let items = || vec![item("film", "", 1), item("charger", "", 1)];
        assert_eq!(quote(&world, items(), "").await.items[0].available, 10);
        assert_eq!(quote(&world, items(), "room:42").await.items[0].available, 15);
        assert_eq!(quote(&world, items(), "room:43").await.items[0].available, 10);
    }

    async fn what_a_shop_keeps_back_is_not_quoted(world: World) {
        let change = ThresholdsChange {
            of: ShopThresholds {
                shop: ShopId::new("default").unwrap(),
                thresholds: Thresholds { buffer: 4, ..Thresholds::default() },
                version: world.next_version(),
            },
            products: vec![product("film"), product("phone")],
        };
        let change = Traced { change, traceparent: String::new() };
        assert!(world.cache.put_thresholds(&marketplace(), STORE_EPOCH, &change).await.unwrap());
        let answer = quote(&world, vec![item("film", "", 3), item("phone", "", 1)], "").await;
        assert_eq!(answer.items[0].available, 6, "four of ten are kept back");
        assert_eq!(answer.sellable_count, 2);
        assert_eq!(answer.items[1].available, 12, "of twenty phones sixteen may be sold, twelve of them black");
        let room = shop::stock("film", "film-sku", Pool::Room("42".into()), 5, world.next_version());
        world.cache.put_stock(&marketplace(), STORE_EPOCH, &[room]).await.unwrap();
        let answer = quote(&world, vec![item("film", "", 1), item("phone", "", 1)], "room:42").await;
        assert_eq!(answer.items[0].available, 7, "and four of the room's five");
    }

    async fn what_lists_take_for_sold_out_is_not_quoted_until_it_is_back(world: World) {
        let change = ThresholdsChange {
            of: ShopThresholds {
                shop: ShopId::new("default").unwrap(),
                thresholds: Thresholds { hysteresis: 4, ..Thresholds::default() },
                version: world.next_version(),
            },
            products: vec![product("film")],
        };
        let change = Traced { change, traceparent: String::new() };
        assert!(world.cache.put_thresholds(&marketplace(), STORE_EPOCH, &change).await.unwrap());
        let becomes = async |units: u64| {
            let quoted = async || {
                let items = vec![item("film", "", 1), item("phone", "", 1)];
                quote(&world, items, "").await.items[0].available == units
            };
            wait_until(LONG, "the quote to follow", quoted).await.unwrap();
        };
        world.set_stock("film", 0).await;
        becomes(0).await;
        // Some are there again, and lists still say that it is out.
        world.set_stock("film", 4).await;
        let exact = world.cache.stock(&marketplace(), &[product("film")]).await.unwrap();
        assert_eq!(exact[0][0].sellable, 4);
        becomes(0).await;
        assert!(!world.companions("phone").await.contains(&"film".to_owned()));
        world.set_stock("film", 5).await;
        becomes(5).await;
    }

    async fn a_pool_that_live_rooms_do_not_sell_from_is_refused(world: World) {
        let request = QuoteBundleRequest {
            items: vec![item("film", "", 1), item("case", "", 1)],
            pool: "promotion".into(),
        };
        let status = world.bundles.clone().quote_bundle(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
    }

    async fn an_unknown_sku_is_named(world: World) {
        let request = QuoteBundleRequest {
            items: vec![item("phone", "case-sku", 1), item("case", "", 1)],
            pool: String::new(),
        };
        let status = world.bundles.clone().quote_bundle(request).await.unwrap_err();
        assert_eq!(reason(&status), (tonic::Code::NotFound, "SKU_NOT_FOUND".to_owned()));
    }
}
