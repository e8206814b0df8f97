//! Stock that another service writes into the inbox, by SQL alone.

use tandem_inventory_worker::Settings;
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG};

/// Rows for `s0`: deltas of 1 with these keys.
fn deltas(keys: impl Iterator<Item = u64>) -> String {
    let rows: Vec<_> = keys
        .map(|key| format!("('test', 'shop', 's0', 1, 'd{key}')"))
        .collect();
    format!(
        "INSERT INTO stock_inbox (marketplace_id, shop_id, sku_id, change, idempotency_key) VALUES {}",
        rows.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_reaches_the_cache_and_a_refused_one_the_dead_letters() {
    let ground = Ground::servers().await;
    ground.catalogue(1).await;
    let mut settings = Settings::default();
    // Far beyond the test: the commits of others wake it.
    settings.inbox.idle = LONG * 10;
    let worker = ground.start(settings);
    worker.ready().await;
    ground.psql(&deltas(0..7)).await;
    ground.cached_becomes(0, 7).await;
    let spoilt = "INSERT INTO stock_inbox (marketplace_id, shop_id, sku_id, available, source_version) \
                  VALUES ('test', 'shop', 's0', 1, 0), ('test', 'shop', 's0', 3, 1)";
    ground.psql(spoilt).await;
    ground.cached_becomes(0, 3).await;
    let store = &ground.deps.store;
    assert_eq!(store.count_dead_letters(&ground.marketplace).await.unwrap(), 1);
    worker.stop().await;
}

/// Rows and kills fall into different moments; what was written counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_many_points_it_takes_each_row_once() {
    const KILLS: u64 = 12;
    const ROWS: u64 = 40;
    let mut ground = Ground::servers().await;
    ground.catalogue(1).await;
    let (mut process, mut admin) = crate::process::start(&mut ground, &["inbox.batch=3"]);
    for kill in 0..KILLS {
        // Some are killed while they start, most in the middle of the rows.
        if kill % 4 != 3 {
            crate::process::becomes_ready(&admin).await;
        }
        ground.psql(&deltas(kill * ROWS..(kill + 1) * ROWS)).await;
        process.kill9().unwrap();
        process.wait(LONG).await.unwrap();
        (process, admin) = crate::process::start(&mut ground, &["inbox.batch=3"]);
    }
    let empty = async || ground.psql("SELECT count(*) FROM stock_inbox").await == "0";
    wait_until(LONG, "the inbox to be taken", empty).await.unwrap();
    ground
        .cached_becomes(0, i64::try_from(KILLS * ROWS).unwrap())
        .await;
    let store = &ground.deps.store;
    assert_eq!(store.count_dead_letters(&ground.marketplace).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_row_is_logged_with_what_it_is_about_and_why() {
    let mut ground = Ground::servers().await;
    let (mut process, admin) = crate::process::start(&mut ground, &[]);
    crate::process::becomes_ready(&admin).await;
    let stray = "INSERT INTO stock_inbox (marketplace_id, shop_id, sku_id, available, source_version) \
                 VALUES ('elsewhere', 'shop', 's0', 1, 1)";
    ground.psql(stray).await;
    let logged = "there is no marketplace elsewhere";
    process.wait_for_output(logged, LONG).await.unwrap();
    let output = process.stdout() + &process.stderr();
    let line = output.lines().find(|line| line.contains(logged)).unwrap();
    assert!(line.contains("ERROR"), "{line}");
    assert!(line.contains("inbox: stock of s0 in normal"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_leaves_what_still_waits() {
    let ground = Ground::servers().await;
    ground.catalogue(1).await;
    ground.psql(&deltas(0..3_000)).await;
    let left = async || {
        ground
            .psql("SELECT count(*) FROM stock_inbox")
            .await
            .parse::<u64>()
            .unwrap()
    };
    let mut settings = Settings::default();
    settings.inbox.batch = 1;
    let worker = ground.start(settings);
    wait_until(LONG, "a row to be taken", async || left().await < 3_000)
        .await
        .unwrap();
    worker.stop().await;
    let left = left().await;
    assert!(left > 0, "it went on until nothing waited");
    let taken = ground.psql("SELECT quantity FROM sku_stock").await;
    assert_eq!(
        taken.parse::<u64>().unwrap(),
        3_000 - left,
        "each row is taken or waits"
    );
}
