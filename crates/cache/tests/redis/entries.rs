//! Entries that others wrote, lost or damaged.

use std::time::Duration;

use tandem_cache::error::CacheError;
use tandem_cache::port::{Changes as _, FeedPosition, Projects as _, Publishes as _, Reads as _};
use tandem_domain::feed::FeedEvent;

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

#[tokio::test]
async fn a_card_that_cannot_be_read_is_none_and_a_manifest_or_links_an_error() {
    let (server, cache) = connected().await;
    raw(&server, "HSET td:{uk}:cards a nonsense").await;
    raw(&server, "HSET td:{uk}:links a nonsense").await;
    raw(&server, "HSET td:{uk}:pointer manifest nonsense").await;
    assert_eq!(cache.cards(&uk(), &[product("a")]).await.unwrap(), [None]);
    let links = cache.links(&uk(), &[product("a")]).await;
    assert!(matches!(links, Err(CacheError::Unreadable { .. })), "{links:?}");
    let manifest = cache.manifest(&uk()).await;
    assert!(
        matches!(manifest, Err(CacheError::Unreadable { .. })),
        "{manifest:?}"
    );
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
