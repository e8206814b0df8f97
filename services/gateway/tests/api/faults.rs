//! The cache emptied, killed, paused.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tandem_cache::memory::MemoryCache;
use tandem_cache::port::Cache;
use tandem_domain::link::LinkEffect;
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, ListBasketCompanionsRequest, ListBundleSetsRequest,
    ListRelatedProductsRequest,
};
use tandem_runtime::config::RuntimeConfig;
use tandem_testing::wait_until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::shop::{self, marketplace};
use crate::shown::reason;
use crate::slowed::Slowed;
use crate::world::{LIST, LONG, Place, World, on_both};

async fn ask(world: &World, id: &str) -> Result<usize, Status> {
    let request = ListRelatedProductsRequest {
        product_id: id.into(),
        ..Default::default()
    };
    let answer = world.related.clone().list_related_products(request).await?;
    Ok(answer.into_inner().items.len())
}

on_both! {
    /// A miss proves nothing while the cache is being filled: callers are told to come back, never "not found".
    async fn an_emptied_cache_is_unavailable_until_it_is_rebuilt_and_then_seen_anew(world: World) {
        world.stop_beating().await;
        world.flush().await;
        let status = ask(&world, "case").await.unwrap_err();
        assert_eq!(reason(&status), (Code::Unavailable, "CACHE_UNAVAILABLE".to_owned()));
        assert!(status.get_error_details().retry_info().is_some());
        // What was kept is served until the gateway notices, and not a moment longer.
        let gone = async || match ask(&world, "phone").await {
            Ok(items) => {
                assert_eq!(items, 7, "as it was kept");
                false
            }
            Err(status) => {
                assert_eq!(reason(&status), (Code::Unavailable, "CACHE_UNAVAILABLE".to_owned()));
                true
            }
        };
        wait_until(LONG, "the gateway to notice", gone).await.unwrap();
        let status = ask(&world, "nobody").await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);

        shop::catalogue(&*world.cache).await;
        shop::stock_up(&*world.cache, 1).await;
        world.set_stock("charger", 0).await;
        shop::publish(&*world.cache, 1).await;
        world.cache.mark_rebuilt(&marketplace(), "epoch 2").await.unwrap();
        world.start_beating();
        world.until_companions("phone", &["case", "film", "case-b", "stand", "phone-b", "phone-pro"]).await;
        world.ready().await;
        assert_eq!(ask(&world, "nobody").await.unwrap_err().code(), Code::NotFound);
        assert!(!world.has_failed());
    }

    /// Beats of a relay that lives do not vouch for a view that may have missed something.
    async fn an_emptied_cache_makes_the_view_old_whatever_beats(world: World) {
        world.flush().await;
        shop::catalogue(&*world.cache).await;
        shop::publish(&*world.cache, 1).await;
        let stale = async || {
            let request = ListRelatedProductsRequest { product_id: "phone".into(), ..Default::default() };
            let answer = world.related.clone().list_related_products(request).await;
            answer.is_ok_and(|answer| answer.into_inner().freshness.is_some_and(|freshness| freshness.stale))
        };
        wait_until(LONG, "a stale view", stale).await.unwrap();
        shop::stock_up(&*world.cache, world.next_version()).await;
        world.cache.mark_rebuilt(&marketplace(), "epoch 2").await.unwrap();
        world.ready().await;
    }
}

/// Whatever breaks under a handler: a read for one caller, one that several wait for, a batch.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_is_internal_and_the_process_lives_on() {
    let memory = MemoryCache::new();
    let cache: Arc<dyn Cache> = Arc::new(memory.clone());
    let breaking = Arc::new(Slowed::new(Arc::clone(&cache) as _, Duration::ZERO));
    let limits = RuntimeConfig::default().server;
    let world = World::seeing(Arc::clone(&breaking) as _, Place::Memory(memory), cache, limits).await;
    let world = world.filled().await;
    let all = async || {
        let (mut related, mut bundles) = (world.related.clone(), world.bundles.clone());
        let list = |id: &str, debug| ListRelatedProductsRequest {
            product_id: id.into(),
            debug,
            ..Default::default()
        };
        let batch = BatchListRelatedProductsRequest {
            product_ids: vec!["phone".into(), "cold".into()],
            debug: true,
            ..Default::default()
        };
        let basket = ListBasketCompanionsRequest {
            product_ids: vec!["charger".into(), "stand".into()],
            ..Default::default()
        };
        let sets = ListBundleSetsRequest {
            product_id: "phone".into(),
            ..Default::default()
        };
        [
            related.list_related_products(list("film", false)).await.map(drop),
            related.list_related_products(list("phone", true)).await.map(drop),
            related.batch_list_related_products(batch).await.map(drop),
            related.list_basket_companions(basket).await.map(drop),
            bundles.list_bundle_sets(sets).await.map(drop),
        ]
    };
    breaking.breaks.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        for outcome in all().await {
            let status = outcome.unwrap_err();
            assert_eq!(reason(&status), (Code::Internal, "INTERNAL".to_owned()));
            assert!(!status.message().contains("secret"), "{status:?}");
        }
    }
    breaking.breaks.store(false, Ordering::SeqCst);
    for outcome in all().await {
        outcome.unwrap();
    }
    assert!(!world.has_failed());
}

/// A record that some other hand left where the links of an anchor belong.
#[tokio::test(flavor = "multi_thread")]
async fn links_that_cannot_be_read_are_as_good_as_none_and_the_rest_of_a_batch_is_served() {
    let world = World::on_redis().await;
    world
        .set_links(
            "phone",
            &[
                ("case", LinkEffect::Exclude),
                ("odd", LinkEffect::Pin { position: 1 }),
            ],
        )
        .await;
    world.set_links("case", &[("film", LinkEffect::Exclude)]).await;
    let Place::Redis(server) = &world.place else {
        unreachable!("a world on Redis")
    };
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let spoil = b"HSET td:{default}:links phone nonsense\r\nQUIT\r\n";
    stream.write_all(spoil).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with(":0"), "it stood there: {answer}");
    let request = BatchListRelatedProductsRequest {
        product_ids: vec!["phone".into(), "case".into()],
        debug: true,
        ..Default::default()
    };
    let answer = world.related.clone().batch_list_related_products(request).await;
    let lists = answer.unwrap().into_inner().lists;
    let shown = |at: usize| {
        lists[at]
            .items
            .iter()
            .map(|item| item.product_id.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(0), LIST);
    assert!(
        !shown(1).contains(&"film"),
        "the other anchor's links hold: {lists:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_over_an_empty_cache_gets_ready_when_it_is_filled() {
    let cache = MemoryCache::new();
    let world = World::over(Place::Memory(cache.clone()), Arc::new(cache)).await;
    let waiting = async || {
        let report = world.readiness.report();
        report.checks.get("cache.default") == Some(&None)
    };
    wait_until(LONG, "the cache to answer", waiting).await.unwrap();
    let report = world.readiness.report();
    assert!(
        !report.is_ready() && report.checks["availability.default"].is_some(),
        "{report:?}"
    );
    shop::fill(&*world.cache, 1, "epoch 1").await;
    world.start_beating();
    world.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_redis_is_unavailable_and_a_new_one_is_taken_up() {
    let mut world = World::on_redis().await;
    let Place::Redis(server) = &mut world.place else {
        unreachable!("a world on Redis")
    };
    server.kill();
    let gone = async || {
        ask(&world, "phone")
            .await
            .is_err_and(|status| status.code() == Code::Unavailable)
    };
    wait_until(LONG, "an outage", gone).await.unwrap();
    let status = ask(&world, "phone").await.unwrap_err();
    assert_eq!(
        reason(&status),
        (Code::Unavailable, "CACHE_UNAVAILABLE".to_owned())
    );
    assert!(status.get_error_details().retry_info().is_some());
    let unready = async || !world.readiness.report().is_ready();
    wait_until(LONG, "not ready", unready).await.unwrap();

    let Place::Redis(server) = &mut world.place else {
        unreachable!("a world on Redis")
    };
    server.restart_empty().await.unwrap();
    let filled = async || {
        let cards = world.cache.cards(&marketplace(), &[]).await;
        cards.is_ok() && world.cache.ping().await.is_ok()
    };
    wait_until(LONG, "the client to reconnect", filled).await.unwrap();
    shop::fill(&*world.cache, 1, "epoch 2").await;
    world.ready().await;
    assert_eq!(world.companions("phone").await.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_redis_fails_calls_within_bounds_and_resumes() {
    let world = World::on_redis().await;
    let Place::Redis(server) = &world.place else {
        unreachable!("a world on Redis")
    };
    server.pause().unwrap();
    // Nobody has asked for it yet, so that the answer has to be read.
    let status = ask(&world, "case").await.unwrap_err();
    assert_eq!(
        reason(&status),
        (Code::Unavailable, "CACHE_UNAVAILABLE".to_owned())
    );
    server.resume().unwrap();
    world.ready().await;
    assert_eq!(world.companions("phone").await.len(), 7);
}

/// Kept answers are of use only while announcements are heard.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_not_served_once_it_is_noticed_that_redis_is_silent() {
    let world = World::on_redis().await;
    let Place::Redis(server) = &world.place else {
        unreachable!("a world on Redis")
    };
    server.pause().unwrap();
    let noticed = async || {
        let request = ListRelatedProductsRequest {
            product_id: "phone".into(),
            ..Default::default()
        };
        match world.related.clone().list_related_products(request).await {
            Ok(answer) => {
                assert_eq!(answer.into_inner().items.len(), 7);
                false
            }
            Err(status) => status.code() == Code::Unavailable,
        }
    };
    wait_until(LONG, "the silence to be noticed", noticed)
        .await
        .unwrap();
    server.resume().unwrap();
    world.ready().await;
    assert_eq!(world.companions("phone").await.len(), 7);
}
