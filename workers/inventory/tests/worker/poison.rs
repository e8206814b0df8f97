//! Changes that cannot be read.

use std::time::Duration;

use tandem_inventory_worker::{Projector, Relay, Settings};
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG};

/// As the cache's documentation of its keys names them.
const CHANGES: &str = "td:{test}:changes";
const GROUP: &str = "inventory";
const STOCK_OF_P0: &str = "td:{test}:stock:p0";

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
    let store = &ground.deps.store;
    let both = async || store.count_dead_letters(&ground.marketplace).await.unwrap() == 2;
    wait_until(LONG, "both to be dead letters", both).await.unwrap();
    let letters = store.dead_letters(&ground.marketplace, None, 10).await.unwrap();
    let texts: Vec<_> = letters.iter().map(|kept| kept.letter.change.as_str()).collect();
    assert_eq!(texts.len(), 2, "{letters:?}");
    assert!(
        texts.contains(&"not an envelope") && texts.contains(&""),
        "{texts:?}"
    );
    assert!(letters.iter().all(|kept| kept.letter.attempts == 3));
    worker.ready().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_cannot_be_applied_is_set_aside_and_can_be_replayed() {
    let mut ground = Ground::servers().await;
    ground.catalogue(2).await;
    let client = redis::Client::open(ground.redis().url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    // Something else stands where the stock of the product belongs.
    let _: () = redis::cmd("SET")
        .arg(STOCK_OF_P0)
        .arg("spoilt")
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut settings = Settings::default();
    settings.projection.max_attempts = 2;
    settings.projection.reclaim_after = Duration::from_millis(20);
    settings.projection.reclaim_every = Duration::from_millis(20);
    let projector = Projector::new(
        &ground.deps,
        ground.marketplace.clone(),
        "only".to_owned(),
        settings.projection,
    );
    let relay = Relay::new(&ground.deps, settings.relay);
    ground.report(0, 4, 1).await;
    ground.report(1, 5, 1).await;
    relay.drain().await.unwrap();
    while projector.turn().await.unwrap() > 0 {}
    let spoilt = async || {
        projector.take_over().await.unwrap();
        let store = &ground.deps.store;
        store.count_dead_letters(&ground.marketplace).await.unwrap() > 0
    };
    wait_until(LONG, "the change to be set aside", spoilt)
        .await
        .unwrap();
    assert_eq!(ground.cached(1).await, Some(5), "the others flow");

    let _: () = redis::cmd("DEL")
        .arg(STOCK_OF_P0)
        .query_async(&mut connection)
        .await
        .unwrap();
    let store = &ground.deps.store;
    let letters = store.dead_letters(&ground.marketplace, None, 10).await.unwrap();
    let ids: Vec<u64> = letters.iter().map(|kept| kept.id).collect();
    store
        .replay_dead_letters(&ground.context(), &ids, "the key is mended")
        .await
        .unwrap();
    relay.drain().await.unwrap();
    while projector.turn().await.unwrap() > 0 {}
    assert_eq!(ground.cached(0).await, Some(4));
    assert_eq!(store.count_dead_letters(&ground.marketplace).await.unwrap(), 0);
}

/// How many scripts the server ran since its statistics were reset.
async fn scripts_run(redis: &mut redis::aio::MultiplexedConnection) -> u64 {
    let info: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(redis)
        .await
        .unwrap();
    let calls = |line: &str| {
        let (name, rest) = line.split_once(":calls=")?;
        let number = rest.split_once(',')?.0;
        matches!(name, "cmdstat_eval" | "cmdstat_evalsha").then(|| number.parse::<u64>().unwrap())
    };
    info.lines().filter_map(calls).sum()
}

/// Each try of a part is a script per 64 changes: gone through one by one, this batch would take as many as it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_spoils_its_batch_is_found_by_halving_it() {
    const CHANGES: u32 = 256;
    let mut ground = Ground::servers().await;
    let client = redis::Client::open(ground.redis().url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("SET")
        .arg(STOCK_OF_P0)
        .arg("spoilt")
        .query_async(&mut redis)
        .await
        .unwrap();
    let envelopes: Vec<_> = (0..CHANGES)
        .map(|n| tandem_domain::change::Envelope {
            marketplace: ground.marketplace.clone(),
            store_epoch: 1,
            traceparent: String::new(),
            // The spoilt one stands in the middle.
            change: stock((n + CHANGES / 2) % CHANGES),
        })
        .collect();
    ground
        .deps
        .cache
        .append(&ground.marketplace, &envelopes)
        .await
        .unwrap();
    let projector = Projector::new(
        &ground.deps,
        ground.marketplace.clone(),
        "only".to_owned(),
        Settings::default().projection,
    );
    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec_async(&mut redis)
        .await
        .unwrap();
    assert_eq!(projector.turn().await.unwrap(), CHANGES as usize);
    let run = scripts_run(&mut redis).await;
    assert!((4..=40).contains(&run), "{run} scripts");
    for n in [1, CHANGES / 2, CHANGES - 1] {
        assert_eq!(ground.cached(n).await, Some(7), "the others flow");
    }
    let backlog = ground.deps.cache.backlog(&ground.marketplace).await.unwrap();
    assert_eq!(backlog, 1, "the spoilt one comes again");
}

fn stock(n: u32) -> tandem_domain::change::Change {
    tandem_domain::change::Change::Stock(tandem_domain::stock::StockChange {
        product: crate::ground::product(n),
        sku: crate::ground::sku(n),
        pool: tandem_domain::stock::Pool::Normal,
        store_version: 1,
        available: 7,
        sellable: 7,
        policy: tandem_domain::catalog::StockPolicy::Tracked,
        shop: None,
    })
}
