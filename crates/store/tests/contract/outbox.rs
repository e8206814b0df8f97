//! The way of changes out of SQL.

use std::sync::Arc;
use std::time::Duration;

use tandem_domain::change::{Change, Envelope};
use tandem_store::{Backend, StoreError};
use tandem_testing::wait_until;
use tokio::sync::Mutex;

use crate::house::{House, connect, set};

over_both! {
    a_change_stays_until_it_is_published,
    changes_leave_in_the_order_in_which_they_were_made,
    two_relays_lose_nothing,
    unread_beats_become_one,
    a_writer_wakes_the_relay,
    a_relay_of_another_process_is_woken_too,
}

async fn a_change_stays_until_it_is_published(house: House) {
    house.relay().await;
    house.put_product("p", &["k"]).await;
    let refused = house
        .store
        .relay_outbox(10, house.now(), async |_| {
            Err(std::io::Error::other("the stream is away"))
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Publish { .. })), "{refused:?}");
    // As if it had died between publishing and forgetting: what it took is there for the next.
    let mut seen = 0;
    let cut_short = tokio::time::timeout(
        Duration::from_millis(200),
        house.store.relay_outbox(10, house.now(), async |envelopes| {
            seen = envelopes.len();
            std::future::pending::<Result<(), std::io::Error>>().await
        }),
    );
    assert!(cut_short.await.is_err());
    assert!(seen > 0);
    // The server lets go of its rows a moment after it is gone.
    let mut relayed = 0;
    wait_until(
        Duration::from_secs(20),
        "the rows of the dead relay",
        async || {
            relayed += house.relay().await.len();
            relayed >= seen
        },
    )
    .await
    .unwrap();
    assert_eq!(relayed, seen);
    assert_eq!(house.relay().await.len(), 0);
}

async fn changes_leave_in_the_order_in_which_they_were_made(house: House) {
    house.put_product("p", &["k"]).await;
    house.relay().await;
    for version in 1..=30 {
        house.report(&[set("k", version, version as i64)]).await;
    }
    let mut sent = Vec::new();
    loop {
        let relayed = house
            .store
            .relay_outbox(7, house.now(), async |envelopes| {
                sent.extend(envelopes);
                Ok::<_, std::io::Error>(())
            })
            .await
            .unwrap();
        if !relayed.remaining_hint {
            break;
        }
    }
    let versions: Vec<_> = sent
        .into_iter()
        .map(|envelope| match envelope.change {
            Change::Stock(change) => change.store_version,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(versions, (1..=30).collect::<Vec<_>>());
}

async fn two_relays_lose_nothing(house: House) {
    house.put_product("p", &["k"]).await;
    house.relay().await;
    for version in 1..=60 {
        house.report(&[set("k", version, version as i64)]).await;
    }
    let sent = Arc::new(Mutex::new(Vec::new()));
    let now = house.now();
    let relay = |store: tandem_store::Store| {
        let sent = Arc::clone(&sent);
        async move {
            loop {
                let pass = store.relay_outbox(4, now, async |envelopes| {
                    tokio::task::yield_now().await;
                    sent.lock().await.extend(envelopes);
                    Ok::<_, std::io::Error>(())
                });
                if pass.await.unwrap().sent == 0 {
                    return;
                }
            }
        }
    };
    let other = connect(&house.url).await;
    tokio::join!(relay(house.store.clone()), relay(other));
    let sent = sent.lock().await;
    let mut versions: Vec<_> = sent
        .iter()
        .filter_map(|envelope| match &envelope.change {
            Change::Stock(change) => Some(change.store_version),
            _ => None,
        })
        .collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions, (1..=60).collect::<Vec<_>>());
    if house.url.starts_with("postgres") {
        assert_eq!(sent.len(), 60, "each row was claimed by one of the two");
    }
}

async fn unread_beats_become_one(house: House) {
    house.relay().await;
    for beat in 1..=5 {
        assert_eq!(house.store.beat(&house.marketplace).await.unwrap(), beat);
    }
    assert_eq!(house.changes().await, [Change::Heartbeat { counter: 5 }]);
    house.store.beat(&house.marketplace).await.unwrap();
    assert_eq!(house.changes().await, [Change::Heartbeat { counter: 6 }]);
    // While a relay holds the beat, the next one does not wait for it.
    house.store.beat(&house.marketplace).await.unwrap();
    let pass = house.store.relay_outbox(10, house.now(), async |envelopes| {
        let beat = tokio::time::timeout(Duration::from_secs(5), house.store.beat(&house.marketplace));
        assert_eq!(beat.await.expect("a relay holds up no beat").unwrap(), 8);
        assert_eq!(envelopes.len(), 1);
        Ok::<_, std::io::Error>(())
    });
    pass.await.unwrap();
    assert_eq!(house.changes().await, [Change::Heartbeat { counter: 8 }]);
}

async fn a_writer_wakes_the_relay(house: House) {
    house.put_product("p", &["k"]).await;
    let mut wakeups = house.store.outbox_wakeups().await.unwrap();
    house.relay().await;
    let waiting = async || house.store.count_outbox(&house.marketplace).await.unwrap();
    assert_eq!(waiting().await, 0);
    house.report(&[set("k", 1, 5)]).await;
    assert_eq!(waiting().await, 1);
    wait_for_change(&house, &mut wakeups).await;
}

async fn a_relay_of_another_process_is_woken_too(house: House) {
    house.put_product("p", &["k"]).await;
    house.relay().await;
    let elsewhere = connect(&house.url).await;
    let mut wakeups = elsewhere.outbox_wakeups().await.unwrap();
    house.report(&[set("k", 1, 5)]).await;
    let (said, changed) = wait_for_change(&house, &mut wakeups).await;
    // On a file nobody can say it to another process.
    if house.store.backend() == Backend::Postgres {
        assert_eq!(said, changed);
    }
}

/// What was said of the first changes, and what they were. Within one long wait: a relay that polled would not pass.
async fn wait_for_change(
    house: &House,
    wakeups: &mut tandem_store::Wakeups,
) -> (Vec<Envelope>, Vec<Envelope>) {
    let woken = async {
        loop {
            let said = wakeups.wait(Duration::from_secs(3_600)).await;
            let changed = house.relay().await;
            if !changed.is_empty() {
                return (said, changed);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), woken)
        .await
        .expect("the relay is woken")
}
