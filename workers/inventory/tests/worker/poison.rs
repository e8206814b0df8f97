//! Changes that cannot be read.

use std::time::Duration;

use tandem_inventory_worker::Settings;
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG};

/// As the cache's documentation of its keys names them.
const CHANGES: &str = "td:{test}:changes";
const GROUP: &str = "inventory";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_entry_is_set_aside_and_the_others_flow() {
    let mut ground = Ground::servers().await;
    ground.catalogue(1).await;
    let url = ground.redis().url();
    let mut settings = Settings::default();
    settings.projection.max_attempts = 3;
    settings.projection.reclaim_after = Duration::from_millis(20);
    settings.projection.reclaim_every = Duration::from_millis(20);
    let worker = ground.start(settings);
    worker.ready().await;

    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for garbage in ["not an envelope", ""] {
        let added: Result<String, _> = redis::cmd("XADD")
            .arg(CHANGES)
            .arg("*")
            .arg("e")
            .arg(garbage)
            .query_async(&mut connection)
            .await;
        added.unwrap();
    }
    ground.report(0, 2, 1).await;
    ground.cached_becomes(0, 2).await;

    // Heartbeats come and go; the garbage must not stay pending for ever.
    let none_pending = async || {
        let pending: Vec<redis::Value> = redis::cmd("XPENDING")
            .arg(CHANGES)
            .arg(GROUP)
            .arg("IDLE")
            .arg("200")
            .arg("-")
            .arg("+")
            .arg("10")
            .query_async(&mut connection)
            .await
            .unwrap();
        pending.is_empty()
    };
    wait_until(LONG, "the garbage to be set aside", none_pending)
        .await
        .unwrap();
    worker.ready().await;
    worker.stop().await;
}
