//! Servers that die, pause, or are cut off.

use std::time::Duration;

use futures::future::join_all;
use tandem_cache::port::{Changes as _, Projects as _, Reads as _};
use tandem_cache::redis::{RedisCache, RedisOptions};
use tandem_domain::change::{Change, Envelope};
use tandem_domain::feed::FeedEvent;
use tandem_testing::{Fault, FaultProxy, RedisServer, wait_until};
use tokio::time::timeout;

use crate::server::{
    LONG, answered, connected, gap, impatient, next, product, put_stock, raw, uk, unavailable,
};

fn beat(counter: u64) -> Envelope {
    Envelope {
        marketplace: uk(),
        store_epoch: 1,
        traceparent: String::new(),
        change: Change::Heartbeat { counter },
    }
}

#[tokio::test]
async fn a_server_killed_and_restarted_empty_is_found_again_and_known_to_be_empty() {
    let (mut server, cache) = connected().await;
    cache.mark_rebuilt(&uk(), "1").await.unwrap();
    put_stock(&cache, 1, 5).await.unwrap();
    let from = cache.feed_position(&uk()).await.unwrap();
    let mut feed = cache.follow(&uk(), from.clone()).await.unwrap();
    assert_eq!(cache.receive(&uk(), "w1", 1, Duration::ZERO).await.unwrap(), []);

    server.kill();
    unavailable(cache.ping().await);
    unavailable(put_stock(&cache, 2, 6).await);
    unavailable(cache.receive(&uk(), "w1", 1, LONG).await);
    unavailable(next(&mut feed).await);
    unavailable(cache.follow(&uk(), from.clone()).await.map(|_| ()));

    server.restart_empty().await.unwrap();
    assert_eq!(answered(async || cache.epoch(&uk()).await).await, None);
    let mut feed = answered(async || cache.follow(&uk(), from.clone()).await).await;
    gap(next(&mut feed).await);
    assert_eq!(
        put_stock(&cache, 1, 5).await.unwrap(),
        [true],
        "scripts are sent anew"
    );
    cache.append(&uk(), &[beat(1)]).await.unwrap();
    assert_eq!(cache.receive(&uk(), "w1", 1, LONG).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_paused_server_is_unavailable_in_time_and_holds_nobody_up() {
    let server = RedisServer::start().await.unwrap();
    let cache = RedisCache::connect_with(&server.url(), impatient())
        .await
        .unwrap();
    put_stock(&cache, 1, 5).await.unwrap();
    let from = cache.feed_position(&uk()).await.unwrap();
    let mut feed = cache.follow(&uk(), from.clone()).await.unwrap();
    server.pause().unwrap();

    // Those who come at once wait together; of those who follow, few try anew and the others fail at once.
    let all_at_once = timeout(LONG, join_all((0..500).map(|_| cache.ping())))
        .await
        .unwrap();
    all_at_once.into_iter().for_each(unavailable);
    let one_by_one = async {
        for _ in 0..2_000 {
            unavailable(cache.stock(&uk(), &[product("a")]).await);
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, one_by_one)
        .await
        .expect("two thousand response timeouts would be four hundred seconds");
    unavailable(next(&mut feed).await);

    server.resume().unwrap();
    let stock = answered(async || cache.stock(&uk(), &[product("a")]).await).await;
    assert_eq!(stock[0][0].available, 5);
    let mut feed = answered(async || cache.follow(&uk(), from.clone()).await).await;
    cache.beat(&uk(), 1, 1).await.unwrap();
    assert_eq!(next(&mut feed).await.unwrap().event, FeedEvent::Heartbeat(1));
}

async fn behind_a_proxy(options: RedisOptions) -> (RedisServer, FaultProxy, RedisCache) {
    let server = RedisServer::start().await.unwrap();
    let proxy = FaultProxy::start(server.address()).await.unwrap();
    let url = format!("redis://{}/", proxy.address());
    let cache = RedisCache::connect_with(&url, options).await.unwrap();
    (server, proxy, cache)
}

#[tokio::test]
async fn a_connection_that_goes_silent_is_replaced() {
    let (_server, proxy, cache) = behind_a_proxy(impatient()).await;
    let before = proxy.accepted();
    proxy.set(Fault::BlackHole);
    wait_until(LONG, "a new connection", async || {
        unavailable(cache.ping().await);
        proxy.accepted() > before
    })
    .await
    .unwrap();
    proxy.set(Fault::Pass);
    answered(async || cache.ping().await).await;
}

/// Callers with short deadlines give up before the response timeout can tell.
#[tokio::test]
async fn a_silent_connection_is_replaced_though_every_caller_gives_up() {
    let (_server, proxy, cache) = behind_a_proxy(impatient()).await;
    let before = proxy.accepted();
    proxy.set(Fault::BlackHole);
    wait_until(LONG, "a new connection", async || {
        let _ = timeout(Duration::from_millis(80), cache.ping()).await;
        proxy.accepted() > before
    })
    .await
    .unwrap();
    proxy.set(Fault::Pass);
    answered(async || cache.ping().await).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_is_replaced() {
    let (_server, proxy, cache) = behind_a_proxy(impatient()).await;
    for version in 1..=5 {
        proxy.set(Fault::Cut);
        unavailable(cache.ping().await);
        proxy.set(Fault::Pass);
        answered(async || put_stock(&cache, version, 5).await).await;
    }
}

#[tokio::test]
async fn answers_in_small_pieces_are_put_together() {
    let (_server, proxy, cache) = behind_a_proxy(RedisOptions {
        response_timeout: LONG,
        ..RedisOptions::default()
    })
    .await;
    let pause = Duration::from_micros(100);
    proxy.set(Fault::Slice { bytes: 7, pause });
    put_stock(&cache, 1, 5).await.unwrap();
    let from = tandem_cache::port::FeedPosition("0-0".to_owned());
    let mut feed = cache.follow(&uk(), from).await.unwrap();
    assert!(matches!(
        next(&mut feed).await.unwrap().event,
        FeedEvent::Availability { .. }
    ));
    assert_eq!(
        cache.stock(&uk(), &[product("a")]).await.unwrap()[0][0].available,
        5
    );
}

/// Whoever gives up waiting for changes does not swallow the next ones.
#[tokio::test]
async fn a_receive_that_was_given_up_takes_nothing_along() {
    let (_server, cache) = connected().await;
    let market = uk();
    for counter in 1..=10 {
        let given_up = cache.receive(&market, "gone", 1, LONG);
        assert!(timeout(Duration::from_millis(20), given_up).await.is_err());
        cache.append(&uk(), &[beat(counter)]).await.unwrap();
        let mut got = Vec::new();
        wait_until(LONG, "the change", async || {
            got = cache
                .receive(&uk(), "w1", 1, Duration::from_millis(50))
                .await
                .unwrap();
            if got.is_empty() {
                // The server had answered the closed connection; the change is held and comes back.
                got = cache.reclaim(&uk(), "w1", Duration::ZERO, 1).await.unwrap();
            }
            !got.is_empty()
        })
        .await
        .unwrap();
        assert_eq!(got[0].envelope, Ok(beat(counter)));
        cache.ack(&uk(), &[got[0].id.clone()]).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_sent_them_anew() {
    let (server, cache) = connected().await;
    assert_eq!(put_stock(&cache, 1, 5).await.unwrap(), [true]);
    assert_eq!(raw(&server, "SCRIPT FLUSH").await, redis::Value::Okay);
    assert_eq!(put_stock(&cache, 2, 6).await.unwrap(), [true]);
}
