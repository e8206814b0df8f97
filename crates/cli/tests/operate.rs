//! What an operator does when something was set aside, or the cache may not be what SQL says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/serving.rs"]
mod serving;
#[path = "support/shop.rs"]
mod shop;
#[path = "support/tandem.rs"]
mod tandem;

use serving::Dev;
use shop::Shop;
use tandem_domain::change::Change;
use tandem_domain::clock::{Clock as _, SystemClock};
use tandem_domain::id::MarketplaceId;
use tandem_store::{Store, StoreOptions, Undeliverable};
use tandem_testing::RedisServer;

/// Sets changes aside, as a worker that cannot apply them does.
async fn set_aside(shop: &Shop, changes: &[String]) {
    let options = StoreOptions {
        url: shop.database(),
        ..StoreOptions::default()
    };
    let store = Store::connect(&options).await.unwrap();
    let marketplace = MarketplaceId::new("default").unwrap();
    for change in changes {
        let letter = Undeliverable {
            store_epoch: 1,
            traceparent: String::new(),
            change: change.clone(),
            attempts: 5,
            reason: "a record cannot be read".to_owned(),
        };
        let kept = store.set_aside(&marketplace, &letter, SystemClock.now()).await;
        assert!(kept.unwrap());
    }
    store.close().await;
}

#[tokio::test]
async fn dead_letters_are_listed_shown_replayed_and_dropped() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    let list = || shop.ask(&dev, &["deadletter", "list"])["dead_letters"].clone();
    assert_eq!(list().as_array().unwrap().len(), 0);
    let beat = Change::Heartbeat { counter: 1 }.to_json();
    set_aside(&shop, &[beat, "spoilt".to_owned()]).await;

    let waiting = list();
    assert_eq!(waiting[0]["subject"], "", "{waiting}");
    assert_eq!(waiting[1]["subject"], "heartbeat 1", "{waiting}");
    let ids = [0, 1].map(|place: usize| waiting[place]["dead_letter_id"].to_string());
    let shown = shop.ask(&dev, &["deadletter", "show", &ids[0]]);
    assert_eq!(shown["change_json"], "spoilt", "{shown}");

    let control = ["--control", &dev.control];
    let refused = tandem::run(
        shop.path(),
        &[&["deadletter", "replay", "--all"][..], &control].concat(),
    );
    assert_eq!(refused.status.code(), Some(1));
    let why = tandem::stderr(&refused);
    assert!(why.contains("cannot be read") && why.contains("drop it"), "{why}");

    let replayed = shop.ask(&dev, &["deadletter", "replay", &ids[1], "--reason", "mended"]);
    assert_eq!(replayed["replayed"], 1);
    let dropped = shop.ask(&dev, &["deadletter", "drop", "--all"]);
    assert_eq!(dropped["dropped"], 1);
    let gone = tandem::run(
        shop.path(),
        &[&["deadletter", "show", &ids[0]][..], &control].concat(),
    );
    assert_eq!(gone.status.code(), Some(1));
    assert!(tandem::stderr(&gone).contains("NOT_FOUND"));
    dev.stop().await;
}

#[tokio::test]
async fn reconcile_reports_what_redis_lacks_and_puts_it_unless_it_only_looks() {
    let shop = Shop::new();
    std::fs::create_dir_all(shop.data()).unwrap();
    shop.import();
    let redis = RedisServer::start().await.unwrap();
    let (url, database) = (redis.url(), shop.database());
    let reconcile = |more: &[&str]| {
        let args = ["reconcile", "--redis", &url, "--database", &database];
        tandem::json(shop.path(), &[&args, more].concat())
    };
    let looked = reconcile(&["--dry-run"]);
    // Cards and stock of twelve products, and the surfaces.
    assert!(looked["drift"]["missing"].as_u64().unwrap() >= 24, "{looked}");
    assert_eq!(looked["mended"], 0, "{looked}");
    let mended = reconcile(&[]);
    assert_eq!(mended["mended"], looked["drift"]["missing"], "{mended}");
    let again = reconcile(&[]);
    assert_eq!(again["mended"], 0, "{again}");
    assert!(
        again["drift"]
            .as_object()
            .unwrap()
            .values()
            .all(|count| count == 0),
        "{again}"
    );
}

#[tokio::test]
async fn a_user_is_erased_and_no_longer_counted_after_a_build() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    shop.import();
    shop.ask(&dev, &["build"]);
    let unsure = tandem::run(shop.path(), &["users", "erase", "u7", "--control", &dev.control]);
    let said = tandem::stderr(&unsure);
    assert_eq!(
        (unsure.status.code(), said.contains("--yes")),
        (Some(2), true),
        "{said}"
    );

    let erased = shop.ask(&dev, &["users", "erase", "u7", "--yes", "--reason", "asked for"]);
    assert_eq!(erased["state"], "STATE_ERASED", "{erased}");
    assert_eq!(erased["order_count"], 3, "{erased}");
    assert!(erased["event_count"].as_u64().unwrap() >= 3, "{erased}");
    assert!(erased["stale_product_count"].as_u64().unwrap() > 0, "{erased}");
    let id = erased["user_erasure_id"].to_string();
    shop.ask(&dev, &["build"]);
    let later = shop.ask(&dev, &["users", "erasure", &id]);
    assert_eq!(later["stale_product_count"], 0, "{later}");
    assert_eq!(later["event_count"], erased["event_count"]);
    let unknown = shop.ask(&dev, &["users", "erase", "u7", "--yes"]);
    assert_eq!(
        (&unknown["event_count"], &unknown["order_count"]),
        (&0.into(), &0.into())
    );
    dev.stop().await;
}
