//! From a committed report to the feed.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tandem_cache::port::FeedPosition;
use tandem_domain::catalog::Listing;
use tandem_domain::clock::{Clock as _, ManualClock, SharedClock, SystemClock, Timestamp};
use tandem_domain::feed::FeedEvent;
use tandem_domain::stock::{Availability, SellableCount};
use tandem_inventory_worker::{Projector, Relay, Settings};
use tandem_testing::wait_until;
use tokio::time::timeout;

use crate::ground::{Ground, LONG, on_both, product};

on_both! {
    a_stock_report_reaches_the_feed_with_its_trace;
    what_was_appended_and_not_committed_is_appended_again_without_effect;
    two_workers_share_the_changes_and_apply_each;
    heartbeats_reach_the_feed;
    a_delisted_product_leaves;
    a_clock_that_jumps_changes_neither_order_nor_leases;
}

pub(crate) async fn position(ground: &Ground) -> FeedPosition {
    ground
        .deps
        .cache
        .feed_position(&ground.marketplace)
        .await
        .unwrap()
}

/// The first event of the feed after `from` that `pick` wants.
pub(crate) async fn event<T>(
    ground: &Ground,
    from: FeedPosition,
    mut pick: impl FnMut(FeedEvent) -> Option<T>,
) -> T {
    let mut feed = ground.deps.cache.follow(&ground.marketplace, from).await.unwrap();
    let find = async {
        loop {
            let entry = feed.next().await.expect("a feed without end").unwrap();
            if let Some(found) = pick(entry.event) {
                return found;
            }
        }
    };
    timeout(LONG, find).await.expect("an event in the feed")
}

async fn a_stock_report_reaches_the_feed_with_its_trace(ground: Ground) {
    ground.catalogue(1).await;
    let worker = ground.start(Settings::default());
    worker.ready().await;
    let from = position(&ground).await;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut context = ground.context();
    context.traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let report = tandem_domain::stock::StockReport {
        sku: crate::ground::sku(0),
        pool: tandem_domain::stock::Pool::Normal,
        source: "test".to_owned(),
        quantity: tandem_domain::stock::Reported::Set {
            available: 7,
            source_version: 1,
        },
    };
    ground.deps.store.report_stock(&context, &[report]).await.unwrap();

    let (state, traceparent) = event(&ground, from, |event| match event {
        FeedEvent::Availability {
            product: id,
            state,
            traceparent,
            ..
        } if id == product(0) => Some((state, traceparent)),
        _ => None,
    })
    .await;
    assert_eq!(state, Availability::of(SellableCount::saturating(7)));
    assert!(
        traceparent.contains(TRACE),
        "{traceparent:?} is not of the request's trace"
    );
    assert_eq!(ground.cached(0).await, Some(7));
    worker.stop().await;
}

#[tokio::test]
async fn stock_is_put_as_soon_as_its_commit_tells_of_it_though_the_stream_takes_nothing() {
    let mut ground = Ground::servers().await;
    ground.catalogue(1).await;
    let worker = ground.start(Settings::default());
    worker.ready().await;
    let client = redis::Client::open(ground.redis().url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let changes = format!("td:{{{}}}:changes", ground.marketplace);
    let _: () = redis::cmd("SET")
        .arg(&changes)
        .arg("no stream")
        .query_async(&mut connection)
        .await
        .unwrap();

    ground.report(0, 7, 1).await;
    ground.cached_becomes(0, 7).await;

    let _: () = redis::cmd("DEL")
        .arg(&changes)
        .query_async(&mut connection)
        .await
        .unwrap();
    ground.report(0, 3, 2).await;
    ground.cached_becomes(0, 3).await;
    let is_sent = async || {
        ground
            .psql("SELECT count(*) FROM outbox WHERE slot IS NULL")
            .await
            .trim()
            == "0"
    };
    wait_until(LONG, "the outbox to be emptied", is_sent)
        .await
        .unwrap();
    ground.cache_equals_sql(1).await;
    worker.stop().await;
}

/// A relay that dies after the append and before the commit.
async fn what_was_appended_and_not_committed_is_appended_again_without_effect(ground: Ground) {
    ground.catalogue(1).await;
    ground.report(0, 3, 1).await;
    let cache = &ground.deps.cache;
    let died = ground
        .deps
        .store
        .relay_outbox(100, ground.deps.clock.now(), |envelopes| async move {
            cache.append(&envelopes[0].marketplace, &envelopes).await.unwrap();
            Err(io::Error::other("killed before the commit"))
        })
        .await;
    assert!(died.is_err());
    let appended = cache.backlog(&ground.marketplace).await.unwrap();

    let relay = Relay::new(&ground.deps, Settings::default().relay);
    // The dead relay's claim is rolled back a moment after its death, as the database notices it.
    let mut again = 0;
    let all_again = async || {
        again += relay.drain().await.unwrap();
        again == appended
    };
    wait_until(LONG, "the same changes to go again", all_again)
        .await
        .unwrap();
    let projector = projector(&ground, "only");
    while projector.turn().await.unwrap() > 0 {}
    assert_eq!(ground.cached(0).await, Some(3));
    assert_eq!(cache.backlog(&ground.marketplace).await.unwrap(), 0);
    assert_eq!(relay.drain().await.unwrap(), 0, "nothing is left in the outbox");
}

fn projector(ground: &Ground, consumer: &str) -> Projector {
    let settings = Settings::default().projection;
    Projector::new(
        &ground.deps,
        ground.marketplace.clone(),
        consumer.to_owned(),
        settings,
    )
}

async fn two_workers_share_the_changes_and_apply_each(ground: Ground) {
    const SKUS: u32 = 40;
    ground.catalogue(SKUS).await;
    for n in 0..SKUS {
        ground.report(n, i64::from(n) + 1, 1).await;
    }
    Relay::new(&ground.deps, Settings::default().relay)
        .drain()
        .await
        .unwrap();
    let mut settings = Settings::default().projection;
    settings.batch = 5;
    let mut taken = BTreeMap::new();
    let workers = ["a", "b"].map(|name| {
        let marketplace = ground.marketplace.clone();
        (
            name,
            Projector::new(&ground.deps, marketplace, name.to_owned(), settings.clone()),
        )
    });
    loop {
        let mut idle = true;
        for (name, worker) in &workers {
            let count = worker.turn().await.unwrap();
            *taken.entry(*name).or_insert(0) += count;
            idle &= count == 0;
        }
        if idle {
            break;
        }
    }
    assert!(
        taken.values().all(|count| *count > 0),
        "both took part: {taken:?}"
    );
    for n in 0..SKUS {
        assert_eq!(ground.cached(n).await, Some(i64::from(n) + 1));
    }
    assert_eq!(ground.deps.cache.backlog(&ground.marketplace).await.unwrap(), 0);
}

async fn heartbeats_reach_the_feed(ground: Ground) {
    let worker = ground.start(Settings::default());
    let beat = |event| match event {
        FeedEvent::Heartbeat(counter) => Some(counter),
        _ => None,
    };
    let first = event(&ground, position(&ground).await, beat).await;
    let second = event(&ground, position(&ground).await, beat).await;
    assert!(second > first, "{second} comes after {first}");
    worker.stop().await;
}

async fn a_delisted_product_leaves(ground: Ground) {
    ground.catalogue(1).await;
    ground.report(0, 5, 1).await;
    let worker = ground.start(Settings::default());
    ground.cached_becomes(0, 5).await;
    let from = position(&ground).await;
    ground
        .deps
        .store
        .delist_products(&ground.context(), &[product(0)], "test")
        .await
        .unwrap();
    let gone = event(&ground, from, |event| match event {
        FeedEvent::Availability {
            product: id,
            state: Availability::Delisted,
            ..
        } if id == product(0) => Some(()),
        _ => None,
    });
    gone.await;
    let card = async || {
        let cards = ground
            .deps
            .cache
            .cards(&ground.marketplace, &[product(0)])
            .await
            .unwrap();
        cards[0]
            .as_ref()
            .is_some_and(|card| card.listing == Listing::Delisted)
    };
    wait_until(LONG, "the card to follow", card).await.unwrap();
    worker.stop().await;
}

/// A clock that somebody sets forward and back by an hour.
async fn a_clock_that_jumps_changes_neither_order_nor_leases(mut ground: Ground) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    ground.deps.clock = Arc::clone(&clock) as SharedClock;
    ground.catalogue(2).await;
    let worker = ground.start(Settings::default());
    worker.ready().await;
    let begun = clock.now();
    let hour = Duration::from_secs(3_600);
    let ahead = begun.plus(hour);
    let behind = Timestamp::from_ms(begun.as_ms() - i64::try_from(hour.as_millis()).unwrap());
    let beat = |event| match event {
        FeedEvent::Heartbeat(counter) => Some(counter),
        _ => None,
    };
    let mut last = event(&ground, position(&ground).await, beat).await;
    for (version, now) in (1..).zip([ahead, behind, ahead, begun]) {
        clock.set(now);
        let left = i64::try_from(version).unwrap();
        ground.report(0, left, version).await;
        ground.report(1, 9 - left, version).await;
        ground.cached_becomes(0, left).await;
        ground.cached_becomes(1, 9 - left).await;
        let next = event(&ground, position(&ground).await, beat).await;
        assert!(next > last, "signs of life go on: {next} comes after {last}");
        last = next;
    }
    assert!(worker.readiness.report().is_ready());
    worker.stop().await;
}
