//! Entries that others wrote, lost or damaged.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use tandem_cache::error::CacheError;
use tandem_cache::port::{Changes as _, FeedPosition, Projects as _, Publishes as _, Reads as _};
use tandem_domain::feed::FeedEvent;
use tandem_domain::id::ShopId;
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::{Availability, SellableCount};
use tandem_testing::RedisServer;

use crate::server::{LONG, connected, gap, next, product, put_stock, raw, uk};

fn beginning() -> FeedPosition {
    FeedPosition("0-0".to_owned())
}

#[tokio::test]
async fn a_change_that_cannot_be_read_is_delivered_with_the_reason_and_can_be_set_aside() {
    let (server, cache) = connected().await;
    raw(&server, "XADD td:{uk}:changes * e nonsense").await;
    raw(&server, "XADD td:{uk}:changes * other field").await;
    let got = cache.receive(&uk(), "w1", 10, LONG).await.unwrap();
    assert_eq!(got.len(), 2);
    assert!(got.iter().all(|delivery| delivery.envelope.is_err()));
    let again = cache.reclaim(&uk(), "w2", Duration::ZERO, 10).await.unwrap();
    assert!(
        again
            .iter()
            .all(|delivery| delivery.attempts == 2 && delivery.envelope.is_err())
    );
    let ids: Vec<_> = again.into_iter().map(|delivery| delivery.id).collect();
    cache.ack(&uk(), &ids).await.unwrap();
    assert_eq!(cache.backlog(&uk()).await.unwrap(), 0);
}

#[tokio::test]
async fn an_event_of_a_later_build_is_passed_over() {
    let (server, cache) = connected().await;
    raw(&server, "XADD td:{uk}:feed 5-1 p 0-0 k later x y").await;
    cache.beat(&uk(), 1, 1).await.unwrap();
    let mut feed = cache.follow(&uk(), beginning()).await.unwrap();
    assert_eq!(next(&mut feed).await.unwrap().event, FeedEvent::Heartbeat(1));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_a_gap() {
    let (server, cache) = connected().await;
    raw(&server, "XADD td:{uk}:feed 5-1 p 0-0 k h n soon").await;
    gap(next(&mut cache.follow(&uk(), beginning()).await.unwrap()).await);
}

/// A failover can lose the last writes; the feed then goes on from an older end.
#[tokio::test]
async fn a_feed_that_lost_its_end_is_a_gap() {
    let (server, cache) = connected().await;
    for counter in 1..=3 {
        cache.beat(&uk(), 1, counter).await.unwrap();
    }
    let mut feed = cache.follow(&uk(), beginning()).await.unwrap();
    let mut positions = Vec::new();
    for _ in 1..=3 {
        positions.push(next(&mut feed).await.unwrap().position);
    }
    raw(&server, &format!("XDEL td:{{uk}}:feed {}", positions[2].0)).await;
    gap(next(&mut feed).await);
    cache.beat(&uk(), 1, 4).await.unwrap();
    gap(next(&mut cache.follow(&uk(), positions[2].clone()).await.unwrap()).await);
    let mut earlier = cache.follow(&uk(), positions[1].clone()).await.unwrap();
    assert_eq!(next(&mut earlier).await.unwrap().event, FeedEvent::Heartbeat(4));
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let (server, cache) = connected().await;
    for version in 1..=3 {
        raw(&server, "SCRIPT FLUSH").await;
        assert_eq!(put_stock(&cache, version, 5).await.unwrap(), [true]);
    }
}

#[tokio::test]
async fn the_backlog_is_told_though_entries_were_deleted_by_hand() {
    let (server, cache) = connected().await;
    raw(&server, "XADD td:{uk}:changes 1-1 e x").await;
    raw(&server, "XADD td:{uk}:changes 1-2 e x").await;
    raw(&server, "XADD td:{uk}:changes 1-3 e x").await;
    assert_eq!(cache.receive(&uk(), "w1", 1, LONG).await.unwrap().len(), 1);
    raw(&server, "XDEL td:{uk}:changes 1-2").await;
    assert_eq!(cache.backlog(&uk()).await.unwrap(), 2);
    assert_eq!(cache.receive(&uk(), "w1", 10, LONG).await.unwrap().len(), 1);
    raw(&server, "XDEL td:{uk}:changes 1-1").await;
    assert_eq!(
        cache
            .reclaim(&uk(), "w2", Duration::ZERO, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

/// Sets a field of a hash to bytes that need not be text.
async fn spoil(server: &RedisServer, key: &str, field: &[u8], value: &[u8]) {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let set = redis::cmd("HSET").arg(key).arg(field).arg(value).to_owned();
    set.exec_async(&mut connection).await.unwrap();
}

/// What no build of this kind wrote: without a version, with one, and no text.
const NONSENSE: [&[u8]; 4] = [b"", b"nonsense", b"1 1 nonsense", b"1 1 \xff\xfe"];

#[tokio::test]
async fn a_record_that_cannot_be_read_is_none_and_spoils_nothing_that_is_read_with_it() {
    let (server, cache) = connected().await;
    let both = [product("b"), product("a")];
    let set = AnchorLinks {
        anchor: product("b"),
        version: 1,
        links: Vec::new(),
    };
    cache.put_links(&uk(), 1, &set).await.unwrap();
    put_stock(&cache, 1, 5).await.unwrap();
    for nonsense in NONSENSE {
        for key in ["cards", "links", "fixed", "surfaces", "thresholds"] {
            spoil(&server, &format!("td:{{uk}}:{key}"), b"a", nonsense).await;
        }
        for field in [b"s\x1fa-L\x1fnormal".as_slice(), b"s\xff"] {
            spoil(&server, "td:{uk}:stock:a", field, nonsense).await;
        }
        spoil(&server, "td:{uk}:states", b"b\x1fnormal", nonsense).await;
        assert_eq!(cache.cards(&uk(), &both).await.unwrap(), [None, None]);
        assert_eq!(
            cache.links(&uk(), &both).await.unwrap(),
            [Some(set.clone()), None]
        );
        assert_eq!(cache.fixed_bundles(&uk(), &both).await.unwrap(), [None, None]);
        assert_eq!(cache.surfaces(&uk()).await.unwrap(), []);
        assert_eq!(cache.all_thresholds(&uk()).await.unwrap(), []);
        let stock = cache.stock(&uk(), &both).await.unwrap();
        assert_eq!((stock[0].len(), stock[1].len()), (0, 1), "{stock:?}");
        let states = cache.availability(&uk()).await.unwrap();
        assert_eq!(states.count().await, 1);
    }
}

/// Taken for default ones, they would sell what a shop keeps back.
#[tokio::test]
async fn thresholds_that_cannot_be_read_are_an_error_to_who_sells_by_them_and_so_is_a_manifest() {
    let (server, cache) = connected().await;
    for nonsense in NONSENSE {
        spoil(&server, "td:{uk}:thresholds", b"s", nonsense).await;
        spoil(&server, "td:{uk}:pointer", b"manifest", nonsense).await;
        let thresholds = cache.thresholds(&uk(), &[ShopId::new("s").unwrap()]).await;
        assert!(
            matches!(thresholds, Err(CacheError::Unreadable { .. })),
            "{thresholds:?}"
        );
        let manifest = cache.manifest(&uk()).await;
        assert!(
            matches!(manifest, Err(CacheError::Unreadable { .. })),
            "{manifest:?}"
        );
    }
}

/// What nobody knows the version of gives way to any.
#[tokio::test]
async fn what_no_script_wrote_is_replaced_and_the_sums_beside_it_are_counted_anew() {
    let (server, cache) = connected().await;
    for (version, nonsense) in (1..).zip(NONSENSE) {
        put_stock(&cache, 10 + version, 9).await.unwrap();
        spoil(&server, "td:{uk}:stock:a", b"s\x1fa-M\x1fnormal", nonsense).await;
        assert_eq!(put_stock(&cache, version, 5).await.unwrap(), [true]);
        let states: Vec<_> = cache
            .availability(&uk())
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(
            states[0].2,
            Availability::Known(SellableCount::saturating(5).into())
        );
        raw(&server, "DEL td:{uk}:stock:a").await;
    }
    spoil(&server, "td:{uk}:links", b"a", b"nonsense").await;
    let set = AnchorLinks {
        anchor: product("a"),
        version: 1,
        links: Vec::new(),
    };
    assert!(cache.put_links(&uk(), 1, &set).await.unwrap());
    assert_eq!(cache.links(&uk(), &[product("a")]).await.unwrap(), [Some(set)]);
}

#[tokio::test]
async fn a_key_of_another_type_is_unreadable() {
    let (server, cache) = connected().await;
    raw(&server, "SET td:{uk}:segments x").await;
    let segments = cache.segments(&uk()).await;
    assert!(
        matches!(segments, Err(CacheError::Unreadable { .. })),
        "{segments:?}"
    );
    raw(&server, "SET td:{uk}:feed x").await;
    let put = put_stock(&cache, 1, 5).await;
    assert!(matches!(put, Err(CacheError::Unreadable { .. })), "{put:?}");
}
