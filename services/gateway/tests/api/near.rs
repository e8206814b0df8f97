//! What the process keeps says what the cache would say.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use tandem_cache::memory::MemoryCache;
use tandem_domain::catalog::{Listing, ProductCard, Provenance};
use tandem_domain::id::ShopId;
use tandem_domain::link::LinkEffect;
use tandem_domain::relation::Relation;
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, ListRelatedProductsRequest, ListRelatedProductsResponse,
};
use tandem_runtime::config::RuntimeConfig;
use tandem_testing::wait_until;
use tonic::Code;

use crate::shop::{self, PRODUCTS, STORE_EPOCH, marketplace, product};
use crate::slowed::Slowed;
use crate::world::{LONG, NOW, Place, World, on_both};

async fn list(world: &World, request: ListRelatedProductsRequest) -> ListRelatedProductsResponse {
    let answer = world.related.clone().list_related_products(request).await;
    answer.unwrap_or_else(|status| panic!("{status:?}")).into_inner()
}

/// The same request twice as kept, and once as read anew, which a request for reasons always is.
async fn compare(world: &World, request: ListRelatedProductsRequest) {
    let anew = ListRelatedProductsRequest {
        debug: true,
        page_token: String::new(),
        ..request.clone()
    };
    let anew = list(world, anew).await;
    for _ in 0..2 {
        let kept = list(world, request.clone()).await;
        assert_eq!(kept.items, anew.items, "{request:?}");
        assert_eq!(kept.generation, anew.generation);
        assert_eq!(kept.attribution_token, anew.attribution_token);
        assert_eq!(kept.attribution_token.is_empty(), kept.items.is_empty());
        assert_eq!(kept.next_page_token.is_empty(), anew.next_page_token.is_empty());
    }
}

pub(crate) async fn compare_all(world: &World) {
    let named = [
        vec![],
        vec![Relation::Together],
        vec![Relation::Substitute, Relation::Complement],
    ];
    for (id, ..) in PRODUCTS {
        for relations in &named {
            for (page_size, excluded) in [(0, vec![]), (2, vec!["film".to_owned()]), (50, vec![])] {
                let request = ListRelatedProductsRequest {
                    product_id: id.into(),
                    relations: relations
                        .iter()
                        .map(|relation| i32::from(relation.code()))
                        .collect(),
                    page_size,
                    exclude_product_ids: excluded,
                    ..Default::default()
                };
                compare(world, request).await;
            }
        }
    }
}

on_both! {
    async fn what_is_kept_is_what_would_be_read(world: World) {
        compare_all(&world).await;
        world.set_links("phone", &[
            ("stand", LinkEffect::Pin { position: 1 }),
            ("phone-pro", LinkEffect::Pin { position: 3 }),
            ("odd", LinkEffect::Boost { factor: 2.0 }),
            ("film", LinkEffect::Exclude),
        ]).await;
        world.set_stock("case", 0).await;
        world.set_listing("charger", Listing::Delisted).await;
        world.until_companions("phone", &["stand", "case-b", "phone-pro", "odd", "phone-b"]).await;
        compare_all(&world).await;
    }

    async fn a_batch_shows_each_anchor_as_alone(world: World) {
        let ids: Vec<String> = PRODUCTS.iter().map(|(id, ..)| (*id).to_owned()).chain(["nobody".to_owned()]).collect();
        let request = BatchListRelatedProductsRequest { product_ids: ids.clone(), page_size: 4, ..Default::default() };
        for _ in 0..2 {
            let answer = world.related.clone().batch_list_related_products(request.clone()).await.unwrap().into_inner();
            assert_eq!(answer.missing_product_ids, ["nobody"]);
            assert_eq!((answer.lists.len(), answer.generation), (PRODUCTS.len(), 1));
            for own in answer.lists {
                let alone = ListRelatedProductsRequest { product_id: own.product_id, page_size: 4, ..Default::default() };
                assert_eq!(list(&world, alone).await.items, own.items);
            }
        }
    }

    async fn a_product_that_was_missing_is_found_once_its_card_is_announced(world: World) {
        let ask = async || {
            let request = ListRelatedProductsRequest { product_id: "new".into(), ..Default::default() };
            world.related.clone().list_related_products(request).await.map_err(|status| status.code())
        };
        for _ in 0..3 {
            assert_eq!(ask().await.unwrap_err(), Code::NotFound);
        }
        let card = ProductCard {
            id: product("new"),
            shop: ShopId::new("default").unwrap(),
            title: "New".into(),
            ancestors: Vec::new(),
            category: None,
            brand: None,
            series: None,
            price: None,
            image_uri: None,
            listing: Listing::Listed,
            skus: Vec::new(),
            provenance: Provenance::Real,
            version: world.next_version(),
        };
        world.cache.put_cards(&marketplace(), STORE_EPOCH, &[card]).await.unwrap();
        wait_until(LONG, "the new product", async || ask().await.is_ok()).await.unwrap();
    }

    /// Nothing is announced when a link's time comes.
    async fn a_link_begins_and_ends_on_time_in_a_kept_list(world: World) {
        let until = NOW.plus(Duration::from_secs(20));
        world.set_timed_link("phone", "case", LinkEffect::Exclude, NOW.plus(Duration::from_secs(10)), until).await;
        world.set_links("charger", &[("film", LinkEffect::Exclude)]).await;
        let heard = async || !world.companions("charger").await.contains(&"film".to_owned());
        wait_until(LONG, "the announcement", heard).await.unwrap();
        let shown = async || world.companions("phone").await.contains(&"case".to_owned());
        assert!(shown().await && shown().await);
        world.clock.advance(Duration::from_secs(10));
        assert!(!shown().await && !shown().await);
        world.clock.advance(Duration::from_secs(10));
        assert!(shown().await);
        world.clock.set(NOW.plus(Duration::from_secs(15)));
        assert!(!shown().await, "clocks are set back, too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stampede_is_one_read() {
    let cache = MemoryCache::new();
    let slowed = Arc::new(Slowed::new(Arc::new(cache.clone()), Duration::from_millis(80)));
    slowed.asked.store(7, Ordering::SeqCst);
    let limits = RuntimeConfig::default().server;
    let place = Place::Memory(cache.clone());
    let world = World::seeing(Arc::clone(&slowed) as _, place, Arc::new(cache), limits).await;
    let world = world.filled().await;
    shop::catalogue(&*world.cache).await;
    slowed.asked.store(7, Ordering::SeqCst);
    let alone = |id: &'static str| async {
        let request = ListRelatedProductsRequest {
            product_id: id.into(),
            ..Default::default()
        };
        list(&world, request).await.items.len()
    };
    let lengths = join_all((0..64).map(|_| alone("case"))).await;
    assert!(lengths.iter().all(|length| *length == lengths[0]));
    let reads = slowed.asked.load(Ordering::SeqCst) - 7;
    assert!(
        reads <= 2,
        "{reads} reads: the list, and at most once more with bestsellers"
    );
}
