//! Batches of events: numbered without gaps, scanned whole.

use std::sync::Arc;

use futures::future::join_all;
use tandem_domain::event::Event;
use tandem_store::Folded;
use tokio::task::JoinSet;

use crate::event::fold;
use crate::house::{House, connect, purchase};

over_both! {
    only_folded_batches_are_scanned,
    batches_have_no_gaps,
    folds_at_the_same_time_share_the_work,
    many_pages_come_whole,
    batches_outlive_a_restart,
}

async fn only_folded_batches_are_scanned(house: House) {
    for (id, product) in [("a", "p"), ("b", "q"), ("c", "r")] {
        house
            .store
            .record_events(&house.ctx(), &[purchase(id, product, "o", 0)])
            .await
            .unwrap();
    }
    assert_eq!(house.store.last_batch(&house.marketplace).await.unwrap(), 0);
    assert_eq!(
        house.scan(u64::MAX).await.products.len(),
        0,
        "nothing is folded yet"
    );
    let folded = house
        .store
        .fold_events(&house.marketplace, 2, house.now())
        .await
        .unwrap();
    assert_eq!(
        folded,
        Folded {
            batches: 2,
            events: 2,
            last_batch: 2
        }
    );
    assert_eq!(house.scan(1).await.products, ["p"]);
    let mut two = house.scan(9).await.products;
    two.sort();
    assert_eq!(two, ["p", "q"]);
    assert_eq!(
        fold(&house).await,
        Folded {
            batches: 1,
            events: 1,
            last_batch: 3
        }
    );
    assert_eq!(
        fold(&house).await,
        Folded {
            batches: 0,
            events: 0,
            last_batch: 3
        }
    );
    assert_eq!(house.store.last_batch(&house.marketplace).await.unwrap(), 3);
}

/// However writers and folds interleave: every stored event is in exactly one batch, and batches are 1 to n.
async fn batches_have_no_gaps(house: House) {
    let house = Arc::new(house);
    let mut writers = JoinSet::new();
    for writer in 0..6 {
        let house = Arc::clone(&house);
        writers.spawn(async move {
            for step in 0..10 {
                let id = format!("{writer}-{step}");
                let events = [purchase(&id, &id, &id, step)];
                house.store.record_events(&house.ctx(), &events).await.unwrap();
            }
        });
    }
    let mut folded = 0;
    while folded < 60 {
        folded += house
            .store
            .fold_events(&house.marketplace, 7, house.now())
            .await
            .unwrap()
            .events;
        tokio::task::yield_now().await;
    }
    writers.join_all().await;
    assert_eq!(
        fold(&house).await,
        Folded {
            batches: 0,
            events: 0,
            last_batch: 60
        }
    );
    for up_to in [1, 30, 60] {
        let mut products = house.scan(up_to).await.products;
        products.sort();
        products.dedup();
        assert_eq!(products.len() as u64, up_to);
    }
}

async fn folds_at_the_same_time_share_the_work(house: House) {
    for n in 0..20 {
        house
            .store
            .record_events(&house.ctx(), &[purchase(&format!("e{n}"), "p", "o", 0)])
            .await
            .unwrap();
    }
    let folds = join_all((0..4).map(|_| house.store.fold_events(&house.marketplace, 6, house.now()))).await;
    let batches: u64 = folds.into_iter().map(|folded| folded.unwrap().batches).sum();
    assert_eq!(batches, 20);
    assert_eq!(house.store.last_batch(&house.marketplace).await.unwrap(), 20);
}

async fn many_pages_come_whole(house: House) {
    let day = |day: i64, events: usize| -> Vec<Event> {
        (0..events)
            .map(|n| purchase(&format!("{day}-{n}"), &format!("p{}", n % 7), "o", day))
            .collect()
    };
    // Full pages, a full page and a bit, an empty day, a page that ends where the day does.
    for events in [day(0, 16_384), day(1, 16_385), day(3, 10), day(90, 40_000)] {
        house
            .store
            .import_events(&house.marketplace, &events, house.now())
            .await
            .unwrap();
    }
    let unfolded = day(200, 10);
    let last = fold(&house).await.last_batch;
    house.store.record_events(&house.ctx(), &unfolded).await.unwrap();
    let columns = house.scan(last).await;
    assert_eq!(columns.products.len(), 16_384 + 16_385 + 10 + 40_000);
    let mut times = columns.times_ms;
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), 4, "each day has one time");
    let first = house.scan(1).await;
    assert_eq!(first.products.len(), 16_384);
}

async fn batches_outlive_a_restart(house: House) {
    house
        .store
        .record_events(&house.ctx(), &[purchase("a", "p", "o", 0)])
        .await
        .unwrap();
    fold(&house).await;
    house
        .store
        .record_events(&house.ctx(), &[purchase("b", "p", "o", 0)])
        .await
        .unwrap();
    house.store.clone().close().await;
    let again = connect(&house.url).await;
    let folded = again
        .fold_events(&house.marketplace, 10, house.now())
        .await
        .unwrap();
    assert_eq!(
        folded,
        Folded {
            batches: 1,
            events: 1,
            last_batch: 2
        }
    );
}
