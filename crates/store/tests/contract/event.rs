//! Events: stored once, numbered without gaps, scanned whole.

use std::sync::Arc;

use futures::TryStreamExt as _;
use futures::future::join_all;
use tandem_domain::attribution::Attribution;
use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{SceneId, SurfaceId};
use tandem_domain::money::Money;
use tandem_store::{AttributedEvent, EventCounts, Folded, StoreError};
use tokio::task::JoinSet;

use crate::house::{House, connect, purchase};

over_both! {
    what_a_token_proved_is_kept_with_the_event,
    attributed_events_are_scanned_alone,
    an_event_counts_once,
    columns_hold_what_was_recorded,
    only_folded_batches_are_scanned,
    batches_have_no_gaps,
    folds_at_the_same_time_share_the_work,
    writers_of_new_days_do_not_get_in_each_others_way,
    many_pages_come_whole,
    batches_outlive_a_restart,
    absurd_totals_are_refused,
    a_marketplace_scans_its_own,
}

const fn counts(stored: u64, duplicates: u64) -> EventCounts {
    EventCounts {
        stored,
        duplicates,
        expired: 0,
    }
}

async fn fold(house: &House) -> Folded {
    house
        .store
        .fold_events(&house.marketplace, 1_000, house.now())
        .await
        .unwrap()
}

async fn an_event_counts_once(house: House) {
    let (a, b, c) = (
        purchase("a", "p", "o", 0),
        purchase("b", "p", "o", 1),
        purchase("c", "q", "o", 0),
    );
    let recorded = house
        .store
        .record_events(&house.ctx(), &[a.clone(), b.clone(), a.clone()])
        .await
        .unwrap();
    assert_eq!(recorded, counts(2, 1));
    let imported = house
        .store
        .import_events(&house.marketplace, &[b, c, a.clone()], house.now())
        .await
        .unwrap();
    assert_eq!(imported, counts(1, 2));
    assert_eq!(
        house.store.record_events(&house.ctx(), &[a]).await.unwrap(),
        counts(0, 1)
    );
    assert_eq!(
        house.store.record_events(&house.ctx(), &[]).await.unwrap(),
        counts(0, 0)
    );
    // Neither does a clock that has moved on make it another event.
    let tomorrow = purchase("a", "p", "o", 1);
    assert_eq!(
        house
            .store
            .record_events(&house.ctx(), std::slice::from_ref(&tomorrow))
            .await
            .unwrap(),
        counts(0, 1)
    );
    let imported = house
        .store
        .import_events(&house.marketplace, &[tomorrow], house.now())
        .await;
    assert_eq!(imported.unwrap(), counts(0, 1));
    // A chunk without rows is none: there is nothing to fold in it.
    assert_eq!(
        fold(&house).await,
        Folded {
            batches: 2,
            events: 3,
            last_batch: 2
        }
    );
}

async fn columns_hold_what_was_recorded(house: House) {
    let full = Event {
        kind: EventKind::Return,
        scene: Some(SceneId::new("live\"1\\").unwrap()),
        quantity: u32::MAX,
        unit_price: Some(Money::from_minor(7)),
        user: Some("ü\tser".to_owned()),
        provenance: Provenance::Generated,
        attribution: Some(shown_at(4)),
        ..purchase("full", "产品", "o 1", 0)
    };
    let bare = Event {
        kind: EventKind::View,
        user: None,
        group: None,
        unit_price: None,
        quantity: 1,
        time: Timestamp::from_ms(full.time.as_ms() + 500),
        ..purchase("bare", "q", "", 0)
    };
    house
        .store
        .record_events(&house.ctx(), &[full.clone(), bare.clone()])
        .await
        .unwrap();
    let last = fold(&house).await.last_batch;
    let columns = house.scan(last).await;
    let mut events = [&bare, &full];
    if columns.kinds[0] == full.kind.code() {
        events.reverse();
    }
    for (at, event) in events.into_iter().enumerate() {
        assert_eq!(columns.kinds[at], event.kind.code());
        assert_eq!(columns.products[at], event.product.as_str());
        assert_eq!(columns.users[at], event.user);
        assert_eq!(columns.groups[at], event.group);
        assert_eq!(
            columns.scenes[at].as_deref(),
            event.scene.as_ref().map(SceneId::as_str)
        );
        assert_eq!(columns.quantities[at], event.quantity);
        assert_eq!(columns.unit_prices[at], event.unit_price.map(Money::minor));
        assert_eq!(columns.times_ms[at], event.time.as_ms());
        assert_eq!(columns.generated[at], event.provenance == Provenance::Generated);
        assert_eq!(columns.attributed[at], event.attribution.is_some());
    }
    assert_eq!(columns.products.len(), 2);
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

async fn writers_of_new_days_do_not_get_in_each_others_way(house: House) {
    let others = [
        connect(&house.url).await,
        connect(&house.url).await,
        house.store.clone(),
    ];
    let writes = (0..9_usize).map(|n| {
        let store = &others[n % 3];
        // The same days from both ends, and one before 1970.
        let mut events: Vec<_> = (0..12)
            .map(|day| purchase(&format!("{n}-{day}"), "p", "o", day))
            .collect();
        events.push(purchase(&format!("{n}-old"), "p", "o", -20_000));
        if n % 2 == 0 {
            events.reverse();
        }
        async move {
            store
                .import_events(&crate::house::marketplace().id, &events, Timestamp::default())
                .await
        }
    });
    for write in join_all(writes).await {
        assert_eq!(write.unwrap(), counts(13, 0));
    }
    assert_eq!(fold(&house).await.events, 117);
    assert_eq!(house.scan(100).await.products.len(), 117);
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

async fn absurd_totals_are_refused(house: House) {
    let absurd = Event {
        quantity: u32::MAX,
        unit_price: Some(Money::MAX_PRICE),
        ..purchase("a", "p", "o", 0)
    };
    let refused = house
        .store
        .record_events(&house.ctx(), &[purchase("b", "p", "o", 0), absurd])
        .await;
    assert!(
        matches!(refused, Err(StoreError::OutOfRange { .. })),
        "{refused:?}"
    );
    assert_eq!(fold(&house).await.events, 0);
}

async fn a_marketplace_scans_its_own(house: House) {
    let other = tandem_domain::catalog::Marketplace {
        id: tandem_domain::id::MarketplaceId::new("other").unwrap(),
        ..crate::house::marketplace()
    };
    house
        .store
        .ensure_marketplace(&other, &crate::house::shop("s1"), house.now())
        .await
        .unwrap();
    house
        .store
        .import_events(&other.id, &[purchase("a", "p", "o", 0)], house.now())
        .await
        .unwrap();
    house
        .store
        .import_events(&house.marketplace, &[purchase("a", "q", "o", 0)], house.now())
        .await
        .unwrap();
    assert_eq!(fold(&house).await.last_batch, 1);
    assert_eq!(
        house
            .store
            .fold_events(&other.id, 9, house.now())
            .await
            .unwrap()
            .last_batch,
        1
    );
    assert_eq!(house.scan(9).await.products, ["q"]);
}

async fn attributed_events_are_scanned_alone(house: House) {
    let shown = |id: &str, day: i64, position: u64| Event {
        attribution: Some(Attribution {
            surface: SurfaceId::new("cart").unwrap(),
            surface_version: 3,
            generation: 7,
            experiment: None,
            anchor: None,
            position,
            explored: None,
        }),
        ..purchase(id, "p", "o", day)
    };
    let events = [
        shown("old", 0, 1),
        shown("a", 5, 2),
        purchase("found", "p", "o", 5),
        Event {
            user: None,
            ..shown("b", 6, 3)
        },
    ];
    house.store.record_events(&house.ctx(), &events).await.unwrap();
    fold(&house).await;
    house
        .store
        .record_events(&house.ctx(), &[shown("late", 6, 4)])
        .await
        .unwrap();
    let scan = async |up_to: u64, days: i64| {
        let first = events[0].time.day() + i32::try_from(days).unwrap();
        let pages = house.store.scan_attributed(&house.marketplace, up_to, first);
        let pages: Vec<Vec<AttributedEvent>> = pages.try_collect().await.unwrap();
        let events = pages.concat().into_iter();
        events
            .map(|event| (event.attribution.position, event.shopper))
            .collect::<Vec<_>>()
    };
    let whom = |event: &Event| event.user.clone().or(event.group.clone());
    let expected = [
        (1, whom(&events[0])),
        (2, whom(&events[1])),
        (3, Some("o".to_owned())),
    ];
    assert_eq!(scan(1, 0).await, expected, "not what no batch has");
    assert_eq!(scan(1, 1).await, expected[1..], "nor what is too old");
    fold(&house).await;
    assert_eq!(scan(2, 6).await.len(), 2);
    assert!(scan(0, 0).await.is_empty());
}

/// A place in an answer.
fn shown_at(position: u64) -> Attribution {
    Attribution {
        surface: SurfaceId::new("cart").unwrap(),
        surface_version: 3,
        generation: 7,
        experiment: None,
        anchor: None,
        position,
        explored: Some(6),
    }
}

async fn what_a_token_proved_is_kept_with_the_event(house: House) {
    let attribution = shown_at(4);
    let shown = Event {
        attribution: Some(attribution.clone()),
        ..purchase("shown", "p", "o", 0)
    };
    let events = [shown, purchase("found", "p", "o", 0)];
    house.store.record_events(&house.ctx(), &events).await.unwrap();
    let kept = house
        .texts("SELECT attribution FROM events ORDER BY event_id DESC")
        .await;
    let kept: Vec<Option<Attribution>> = kept
        .into_iter()
        .map(|text| text.map(|text| serde_json::from_str(&text).unwrap()))
        .collect();
    assert_eq!(kept, [Some(attribution), None]);
}
