//! Passes over real databases.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use tandem_domain::catalog::{Marketplace, Provenance};
use tandem_domain::clock::{ManualClock, Timestamp};
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{EventId, MarketplaceId, ProductId, ShopId};
use tandem_domain::money::Currency;
use tandem_domain::principal::Principal;
use tandem_events_worker::config::RetentionConfig;
use tandem_events_worker::{Config, Eraser, Folder, Pass, Retention};
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{Store, StoreOptions, WriteContext};
use tandem_testing::{postgres, sqlite_url};

const NOW: Timestamp = Timestamp::from_ms(1_735_689_600_000);

async fn open(url: String) -> Store {
    let options = StoreOptions {
        url,
        ..StoreOptions::default()
    };
    let store = Store::connect(&options).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn found(store: &Store, marketplace: &str) -> MarketplaceId {
    let id = MarketplaceId::new(marketplace).unwrap();
    let marketplace = Marketplace {
        id: id.clone(),
        currency: Currency {
            code: "USD".to_owned(),
            exponent: 2,
        },
        time_zone: "UTC".to_owned(),
    };
    store
        .ensure_marketplace(&marketplace, &ShopId::new("default").unwrap(), NOW)
        .await
        .unwrap();
    id
}

/// So many chunks of two events each.
async fn record(store: &Store, marketplace: &MarketplaceId, chunks: usize) {
    for chunk in 0..chunks {
        let events: Vec<_> = (0..2)
            .map(|n| purchase(&format!("{marketplace}-{chunk}-{n}")))
            .collect();
        store.import_events(marketplace, &events, NOW).await.unwrap();
    }
}

fn purchase(id: &str) -> Event {
    Event {
        id: EventId::new(id).unwrap(),
        kind: EventKind::Purchase,
        product: ProductId::new("p").unwrap(),
        user: None,
        group: Some(format!("order of {id}")),
        scene: None,
        quantity: 1,
        unit_price: None,
        time: NOW,
        provenance: Provenance::Real,
        dwell_ms: None,
        attribution: None,
    }
}

fn folder(store: &Store) -> Folder {
    let mut config = Config::default().fold;
    config.chunks = 3;
    Folder::new(store.clone(), Arc::new(ManualClock::at(NOW)), config)
}

async fn a_pass_folds_everything_that_is_committed(store: Store) {
    let (one, other) = (found(&store, "one").await, found(&store, "other").await);
    record(&store, &one, 7).await;
    record(&store, &other, 2).await;
    let (folder, shutdown) = (folder(&store), Shutdown::new());
    assert_eq!(
        folder.pass(&shutdown).await.unwrap(),
        Pass {
            batches: 9,
            events: 18
        }
    );
    assert_eq!(store.last_batch(&one).await.unwrap(), 7);
    assert_eq!(store.last_batch(&other).await.unwrap(), 2);
    assert_eq!(folder.pass(&shutdown).await.unwrap(), Pass::default());
    record(&store, &found(&store, "third").await, 1).await;
    assert_eq!(
        folder.pass(&shutdown).await.unwrap(),
        Pass {
            batches: 1,
            events: 2
        }
    );
}

async fn two_workers_give_every_batch_one_number(store: Store) {
    let marketplace = found(&store, "one").await;
    record(&store, &marketplace, 20).await;
    let (first, second, shutdown) = (folder(&store), folder(&store), Shutdown::new());
    let (first, second) = tokio::join!(first.pass(&shutdown), second.pass(&shutdown));
    assert_eq!(first.unwrap().batches + second.unwrap().batches, 20);
    assert_eq!(store.last_batch(&marketplace).await.unwrap(), 20);
}

/// Days 0, 1 and 3, and the newest on day 10; only what was folded can go.
async fn raw_events_go_when_they_are_old_and_folded(store: Store) {
    let marketplace = found(&store, "one").await;
    let on_day = |day: u64| Event {
        time: Timestamp::from_ms(0).plus(Duration::from_secs(86_400 * (20_000 + day))),
        ..purchase(&format!("day-{day}"))
    };
    let days = [0, 1, 3, 10].map(on_day);
    for day in &days {
        store
            .import_events(&marketplace, std::slice::from_ref(day), NOW)
            .await
            .unwrap();
    }
    let shutdown = Shutdown::new();
    // Day 10 is ahead of the clock, which stands at the start of day 7: days 3 to 7 are five.
    let clock = Arc::new(ManualClock::at(
        days[0].time.plus(Duration::from_secs(86_400 * 7)),
    ));
    let config = RetentionConfig {
        raw_days: 5,
        ..Config::default().retention
    };
    let retention = Retention::new(store.clone(), clock.clone(), config);
    assert_eq!(
        retention.pass(&shutdown).await.unwrap(),
        0,
        "nothing was folded yet"
    );
    folder(&store).pass(&shutdown).await.unwrap();
    assert_eq!(retention.pass(&shutdown).await.unwrap(), 2);
    assert_eq!(retention.pass(&shutdown).await.unwrap(), 0);
    clock.advance(Duration::from_secs(86_400 * 1_000));
    assert_eq!(
        retention.pass(&shutdown).await.unwrap(),
        1,
        "days count back from the newest event"
    );
    let left: Vec<_> = store.scan_events(&marketplace, 4).try_collect().await.unwrap();
    assert_eq!(left.iter().map(|page| page.products.len()).sum::<usize>(), 1);
    // Their ids went with them; sent again they count no second time, nor does what is as old and new.
    let late = Event {
        time: days[1].time,
        ..purchase("late")
    };
    let all = [&days[..], &[late]].concat();
    let again = store.import_events(&marketplace, &all, NOW).await.unwrap();
    assert_eq!((again.stored, again.duplicates, again.expired), (0, 1, 4));
    assert_eq!(folder(&store).pass(&shutdown).await.unwrap(), Pass::default());
    assert_eq!(
        retention.pass(&shutdown).await.unwrap(),
        0,
        "there is nothing to let go"
    );
}

async fn users_of_every_marketplace_are_erased(store: Store) {
    let marketplaces = [found(&store, "one").await, found(&store, "other").await];
    for marketplace in &marketplaces {
        let events = ["u1", "u2"].map(|user| Event {
            user: Some(user.to_owned()),
            ..purchase(user)
        });
        store.import_events(marketplace, &events, NOW).await.unwrap();
    }
    folder(&store).pass(&Shutdown::new()).await.unwrap();
    let eraser = Eraser::new(
        store.clone(),
        Arc::new(ManualClock::at(NOW)),
        Config::default().erasure,
    );
    assert_eq!(eraser.pass(&Shutdown::new()).await.unwrap(), 0);
    let shop = ShopId::new("default").unwrap();
    for marketplace in &marketplaces {
        let caller = Principal::insecure(marketplace.clone(), shop.clone());
        let ctx = WriteContext::new(caller, NOW);
        store.erase_user(&ctx, "u1", "").await.unwrap();
    }
    assert_eq!(eraser.pass(&Shutdown::new()).await.unwrap(), 2);
    for marketplace in &marketplaces {
        let left: Vec<_> = store.scan_events(marketplace, 9).try_collect().await.unwrap();
        let users: Vec<_> = left.into_iter().flat_map(|page| page.users).collect();
        assert_eq!(users, [Some("u2".to_owned())]);
    }
}

macro_rules! on_both {
    ($($test:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                super::$test(super::open(super::sqlite_url(folder.path())).await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let database = super::postgres().await.create_database().await.unwrap();
                super::$test(super::open(database.url()).await).await;
            })+
        }
    };
}

on_both! {
    a_pass_folds_everything_that_is_committed
    two_workers_give_every_batch_one_number
    raw_events_go_when_they_are_old_and_folded
    users_of_every_marketplace_are_erased
}
