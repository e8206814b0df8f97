//! The feed: order, resumption, gaps.

use std::collections::HashMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use tandem_cache::error::CacheError;
use tandem_cache::port::{FeedPosition, Result};
use tandem_domain::catalog::Listing::Delisted;
use tandem_domain::feed::FeedEvent;
use tandem_domain::generation::GenerationNo;
use tandem_domain::id::SurfaceId;
use tandem_domain::stock::{Availability, Pool};
use tandem_testing::wait_until;
use tokio::time::timeout;

use crate::sample::{card, known, links, listing, manifest, product, stock, surface, uk};
use crate::subject::{LONG, Subject, events, next};

fn gap<T: std::fmt::Debug>(outcome: Result<T>) {
    assert!(matches!(outcome, Err(CacheError::FeedGap(_))), "{outcome:?}");
}

async fn beats(subject: &Subject, counters: std::ops::RangeInclusive<u64>) {
    for counter in counters {
        subject.cache().beat(&uk(), 1, counter).await.unwrap();
    }
}

fn heartbeats(counters: std::ops::RangeInclusive<u64>) -> Vec<FeedEvent> {
    counters.map(FeedEvent::Heartbeat).collect()
}

pub(crate) async fn entries_come_in_order_and_a_follower_resumes_anywhere(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    beats(subject, 1..=700).await;
    let mut feed = cache.follow(&uk(), from).await.unwrap();
    let mut positions = Vec::new();
    for counter in 1..=700 {
        let entry = next(&mut feed).await.unwrap();
        assert_eq!(entry.event, FeedEvent::Heartbeat(counter));
        positions.push(entry.position);
    }
    assert_eq!(cache.feed_position(&uk()).await.unwrap(), positions[699]);
    let mut resumed = cache.follow(&uk(), positions[397].clone()).await.unwrap();
    assert_eq!(events(&mut resumed, 302).await, heartbeats(399..=700));
    beats(subject, 701..=702).await;
    assert_eq!(events(&mut feed, 2).await, heartbeats(701..=702));
    assert_eq!(events(&mut resumed, 2).await, heartbeats(701..=702));
}

pub(crate) async fn a_follower_is_woken(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    let mut feed = cache.follow(&uk(), from).await.unwrap();
    for counter in 1..=20 {
        let (entry, ()) = tokio::join!(next(&mut feed), beats(subject, counter..=counter));
        assert_eq!(entry.unwrap().event, FeedEvent::Heartbeat(counter));
    }
}

pub(crate) async fn every_kind_of_event_comes_through(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    cache.put_stock(&uk(), 1, &[stock("外:1", 1, 3)]).await.unwrap();
    cache
        .put_listing(&uk(), 1, &listing("外:1", 1, Delisted))
        .await
        .unwrap();
    cache
        .publish_manifest(&uk(), 1, &manifest(u64::MAX, &[1]))
        .await
        .unwrap();
    cache.put_links(&uk(), 1, &links("a", 1, 1)).await.unwrap();
    cache.put_cards(&uk(), 1, &[card("b", 1)]).await.unwrap();
    cache.put_surface(&uk(), 1, &surface("cart", 1, 5)).await.unwrap();
    cache.beat(&uk(), 1, u64::MAX).await.unwrap();
    cache.mark_rebuilt(&uk(), "7@1").await.unwrap();
    let availability = |state| FeedEvent::Availability {
        product: product("外:1"),
        pool: Pool::Normal,
        state,
        traceparent: String::new(),
    };
    let expected = vec![
        availability(known(3)),
        availability(Availability::Delisted),
        FeedEvent::Generation(GenerationNo(u64::MAX)),
        FeedEvent::Links(product("a")),
        FeedEvent::Card(product("b")),
        FeedEvent::Surface(SurfaceId::new("cart").unwrap()),
        FeedEvent::Heartbeat(u64::MAX),
        FeedEvent::Rebuilt {
            epoch: "7@1".to_owned(),
        },
    ];
    let mut feed = cache.follow(&uk(), from).await.unwrap();
    assert_eq!(events(&mut feed, expected.len()).await, expected);
}

/// A view begun while a writer is at work ends as the cache does.
pub(crate) async fn a_snapshot_and_the_feed_behind_it_miss_nothing(subject: &Subject) {
    let cache = subject.cache();
    let write = async {
        for version in 1..=40_u32 {
            let batch: Vec<_> = (0..20)
                .map(|at| stock(&format!("p{at}"), version.into(), (version + at) % 5))
                .collect();
            cache.put_stock(&uk(), 1, &batch).await.unwrap();
            tokio::task::yield_now().await;
        }
        cache.beat(&uk(), 1, 1).await.unwrap();
    };
    let view = async {
        let from = cache.feed_position(&uk()).await.unwrap();
        let snapshot = cache.availability(&uk()).await.unwrap();
        let snapshot: Vec<_> = snapshot.try_collect().await.unwrap();
        let mut view: HashMap<_, _> = snapshot
            .into_iter()
            .map(|(id, pool, state)| ((id, pool), state))
            .collect();
        let mut feed = cache.follow(&uk(), from).await.unwrap();
        loop {
            match next(&mut feed).await.unwrap().event {
                FeedEvent::Availability {
                    product, pool, state, ..
                } => view.insert((product, pool), state),
                FeedEvent::Heartbeat(_) => return view,
                other => panic!("{other:?}"),
            };
        }
    };
    let ((), view) = tokio::join!(write, view);
    assert_eq!(view.len(), 20);
    for at in 0..20_u32 {
        let state = view[&(product(&format!("p{at}")), Pool::Normal)];
        assert_eq!(state, known(u8::try_from((40 + at) % 5).unwrap()));
    }
}

pub(crate) async fn an_empty_feed_can_be_followed(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    let mut feed = cache.follow(&uk(), from.clone()).await.unwrap();
    // Longer than a follower waits before it looks around.
    assert!(timeout(Duration::from_millis(1_500), feed.next()).await.is_err());
    assert_eq!(cache.feed_position(&uk()).await.unwrap(), from);
    beats(subject, 1..=1).await;
    assert_eq!(events(&mut feed, 1).await, heartbeats(1..=1));
}

async fn trim_to_one(subject: &Subject) {
    // Entries of this very millisecond are not older than nothing.
    wait_until(LONG, "the feed to be trimmed", async || {
        subject.cache().trim_feed(&uk(), Duration::ZERO).await.unwrap();
        let beginning = FeedPosition("0-0".to_owned());
        next(&mut subject.cache().follow(&uk(), beginning).await.unwrap())
            .await
            .is_err()
    })
    .await
    .unwrap();
}

pub(crate) async fn a_trimmed_position_is_a_gap(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    beats(subject, 1..=5).await;
    let mut feed = cache.follow(&uk(), from.clone()).await.unwrap();
    let second = (next(&mut feed).await.unwrap(), next(&mut feed).await.unwrap())
        .1
        .position;
    trim_to_one(subject).await;
    gap(next(&mut cache.follow(&uk(), from).await.unwrap()).await);
    gap(next(&mut cache.follow(&uk(), second).await.unwrap()).await);
}

pub(crate) async fn trimming_leaves_young_entries_and_the_newest(subject: &Subject) {
    let cache = subject.cache();
    assert_eq!(cache.trim_feed(&uk(), Duration::ZERO).await.unwrap(), 0);
    let from = cache.feed_position(&uk()).await.unwrap();
    beats(subject, 1..=5).await;
    assert_eq!(
        cache.trim_feed(&uk(), Duration::from_secs(3_600)).await.unwrap(),
        0
    );
    let mut feed = cache.follow(&uk(), from).await.unwrap();
    assert_eq!(events(&mut feed, 5).await, heartbeats(1..=5));

    trim_to_one(subject).await;
    let newest = cache.feed_position(&uk()).await.unwrap();
    let mut late = cache.follow(&uk(), newest).await.unwrap();
    beats(subject, 6..=6).await;
    assert_eq!(
        events(&mut feed, 1).await,
        heartbeats(6..=6),
        "who has read everything goes on"
    );
    assert_eq!(events(&mut late, 1).await, heartbeats(6..=6));
}

pub(crate) async fn an_emptied_feed_is_a_gap_though_nothing_is_written(subject: &Subject) {
    let cache = subject.cache();
    beats(subject, 1..=3).await;
    let from = cache.feed_position(&uk()).await.unwrap();
    let mut feed = cache.follow(&uk(), from.clone()).await.unwrap();
    assert!(timeout(Duration::from_millis(50), feed.next()).await.is_err());
    subject.empty().await;
    gap(timeout(Duration::from_secs(5), next(&mut feed))
        .await
        .expect("noticed soon"));
    gap(next(&mut cache.follow(&uk(), from).await.unwrap()).await);
}

pub(crate) async fn an_emptied_feed_is_a_gap_though_it_goes_on(subject: &Subject) {
    let cache = subject.cache();
    beats(subject, 1..=3).await;
    let from = cache.feed_position(&uk()).await.unwrap();
    let mut feed = cache.follow(&uk(), from.clone()).await.unwrap();
    let (outcome, ()) = tokio::join!(next(&mut feed), async {
        subject.empty().await;
        beats(subject, 1..=50).await;
    });
    gap(outcome);
    gap(next(&mut cache.follow(&uk(), from).await.unwrap()).await);
}

pub(crate) async fn a_position_that_never_was_is_a_gap(subject: &Subject) {
    let cache = subject.cache();
    beats(subject, 1..=3).await;
    for never in ["", "soon", "0-99999999999999", "99999999999999-0", "-", "1-2-3"] {
        let mut feed = cache.follow(&uk(), FeedPosition(never.to_owned())).await.unwrap();
        gap(next(&mut feed).await);
    }
}

pub(crate) async fn nothing_follows_a_gap(subject: &Subject) {
    let cache = subject.cache();
    beats(subject, 1..=3).await;
    let mut feed = cache
        .follow(&uk(), FeedPosition("soon".to_owned()))
        .await
        .unwrap();
    gap(next(&mut feed).await);
    assert!(timeout(LONG, feed.next()).await.unwrap().is_none());
}
