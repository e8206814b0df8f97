//! Databases that fail: writes fail visibly and in time, and what comes after works.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "contract/house.rs"]
#[expect(dead_code, reason = "the suite uses the rest")]
mod house;

use std::error::Error as _;
use std::time::{Duration, Instant};

use tandem_store::{Store, StoreError, StoreOptions};
use tandem_testing::{Fault, FaultProxy, PostgresServer, wait_until};

use house::{House, connect, marketplace, options, set, shop, sku_id};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_rolls_back_by_itself_takes_the_next_write() {
    let house = House::on_sqlite().await;
    house.put_product("p", &["k", "l"]).await;
    // What SQLite does when the disk is full: the whole transaction is gone, whatever the driver thinks.
    let pool = sqlx::SqlitePool::connect(&house.url).await.unwrap();
    sqlx::query(
        "CREATE TRIGGER full_disk BEFORE INSERT ON sku_stock WHEN NEW.sku_id = 'l'
         BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END",
    )
    .execute(&pool)
    .await
    .unwrap();
    for round in 1..=3 {
        let (ctx, good, bad) = (house.ctx(), [set("k", round, round as i64)], [set("l", 1, 1)]);
        let (taken, refused, taken_too) = tokio::join!(
            house.store.report_stock(&ctx, &good),
            house.store.report_stock(&ctx, &bad),
            house.store.beat(&house.marketplace),
        );
        assert!(matches!(refused, Err(StoreError::Internal { .. })), "{refused:?}");
        taken.unwrap();
        assert_eq!(taken_too.unwrap(), round);
        assert_eq!(house.levels(&["k"]).await[0].available, round as i64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_found_again_with_all_it_acknowledged() {
    let mut server = PostgresServer::start().await.unwrap();
    let database = server.create_database().await.unwrap();
    let store = prepared(&options(&database.url())).await;
    let ctx = tandem_store::WriteContext::new(
        tandem_domain::principal::Principal::insecure(marketplace().id, shop("s1")),
        Default::default(),
    );
    let mut wakeups = store.outbox_wakeups().await.unwrap();
    store.report_stock(&ctx, &[set("k", 1, 5)]).await.unwrap();
    server.kill().unwrap();
    let refused = store.report_stock(&ctx, &[set("k", 2, 6)]).await;
    let Err(error) = refused else {
        panic!("nobody was there")
    };
    assert!(
        matches!(error, StoreError::Unavailable { .. } | StoreError::Timeout { .. }),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        !text.contains("127.0.0.1") && !text.contains("refused") && error.source().is_some(),
        "{text}"
    );
    server.restart().await.unwrap();
    wait_until(
        Duration::from_secs(30),
        "the store to find its server",
        async || store.ping().await.is_ok(),
    )
    .await
    .unwrap();
    let levels = store.stock(&ctx.principal, &[sku_id("k")]).await.unwrap();
    assert_eq!(levels[0].available, 5);
    // Wake-ups come again, too.
    wakeups.wait(Duration::from_secs(1)).await;
    wait_until(
        Duration::from_secs(30),
        "a wake-up after the restart",
        async || {
            store.beat(&marketplace().id).await.unwrap();
            let began = Instant::now();
            wakeups.wait(Duration::from_secs(20)).await;
            began.elapsed() < Duration::from_secs(15)
        },
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_costs_no_more_than_was_agreed() {
    let server = PostgresServer::start().await.unwrap();
    let database = server.create_database().await.unwrap();
    let proxy = FaultProxy::start(server.address().unwrap()).await.unwrap();
    let url = database
        .url()
        .replace(&server.address().unwrap(), &proxy.address());
    let patient = StoreOptions {
        acquire_timeout: Duration::from_millis(400),
        statement_timeout: Duration::from_millis(400),
        ..options(&url)
    };
    let store = prepared(&patient).await;
    let ctx = tandem_store::WriteContext::new(
        tandem_domain::principal::Principal::insecure(marketplace().id, shop("s1")),
        Default::default(),
    );
    proxy.set(Fault::BlackHole);
    let began = Instant::now();
    let (reports, skus) = ([set("k", 1, 5)], [sku_id("k")]);
    let (written, read) = tokio::join!(
        store.report_stock(&ctx, &reports),
        store.stock(&ctx.principal, &skus),
    );
    for refused in [written.map(|_| ()), read.map(|_| ())] {
        assert!(
            matches!(
                refused,
                Err(StoreError::Timeout { .. } | StoreError::Unavailable { .. })
            ),
            "{refused:?}"
        );
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    proxy.set(Fault::Pass);
    wait_until(Duration::from_secs(30), "the store to recover", async || {
        store.report_stock(&ctx, &[set("k", 2, 6)]).await.is_ok()
    })
    .await
    .unwrap();
}

async fn prepared(options: &StoreOptions) -> Store {
    let store = Store::connect(options).await.unwrap();
    store.migrate().await.unwrap();
    store
        .ensure_marketplace(&marketplace(), &shop("s1"), Default::default())
        .await
        .unwrap();
    store
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = tandem_testing::sqlite_url(dir.path().join("missing"));
    let port = tandem_testing::free_port();
    for url in [nowhere, format!("postgres://postgres@127.0.0.1:{port}/none")] {
        let quick = StoreOptions {
            acquire_timeout: Duration::from_millis(500),
            ..options(&url)
        };
        let refused = Store::connect(&quick).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable { .. })),
            "{refused:?}"
        );
    }
    let _ = connect;
}
