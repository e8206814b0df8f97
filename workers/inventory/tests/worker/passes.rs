//! The periodic full pass.

use futures::TryStreamExt as _;
use redis::aio::MultiplexedConnection;
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::{Listing, ProductCard};
use tandem_domain::change::{Change, ListingChange};
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::{Availability, StockChange, Thresholds};
use tandem_domain::surface::Surface;
use tandem_inventory_worker::reconcile::{Drift, Mode, Reconciled};
use tandem_inventory_worker::{Relay, Settings, Sweep};
use tandem_testing::wait_until;

use crate::ground::{Backing, Ground, LONG, on_both};

on_both! {
    a_full_pass_mends_what_the_messages_missed;
    the_worker_makes_full_passes_by_itself;
    a_dry_run_reports_drift_by_kind_and_changes_nothing;
    what_sql_does_not_know_is_reported;
    what_differs_under_its_own_version_is_found_by_kind_and_mended;
    a_record_does_not_give_way_to_one_that_is_older;
    changes_that_outlived_the_outbox_are_put_by_a_full_pass;
}

/// Empties the cache without taking its marker: nothing but a full pass can notice.
async fn lose_everything_unnoticed(ground: &Ground) {
    let marker = ground
        .deps
        .cache
        .epoch(&ground.marketplace)
        .await
        .unwrap()
        .expect("a rebuilt cache");
    ground.flush().await;
    ground
        .deps
        .cache
        .mark_rebuilt(&ground.marketplace, &marker)
        .await
        .unwrap();
}

async fn pass(ground: &Ground, mode: Mode) -> Reconciled {
    let (store, cache) = (&ground.deps.store, &*ground.deps.cache);
    tandem_inventory_worker::reconcile::reconcile(store, cache, &ground.marketplace, mode)
        .await
        .unwrap()
}

async fn a_full_pass_mends_what_the_messages_missed(ground: Ground) {
    ground.catalogue(3).await;
    for n in 0..3 {
        ground.report(n, 4, 1).await;
    }
    let first = pass(&ground, Mode::Mend).await;
    assert!(first.mended >= 6, "stock and cards: {first:?}");
    assert_eq!(first.drift.missing, first.mended);
    let second = pass(&ground, Mode::Mend).await;
    assert_eq!(
        (second.drift, second.mended, second.checked),
        (Drift::default(), 0, first.checked),
        "nothing was missed since"
    );
    ground.flush().await;
    assert_eq!(pass(&ground, Mode::Mend).await.mended, first.mended);
    ground.cache_equals_sql(3).await;
}

async fn a_dry_run_reports_drift_by_kind_and_changes_nothing(ground: Ground) {
    ground.catalogue(2).await;
    ground.report(0, 4, 1).await;
    pass(&ground, Mode::Mend).await;
    ground.report(0, 7, 2).await;
    ground.report(1, 1, 1).await;
    for _ in 0..2 {
        let found = pass(&ground, Mode::Report).await;
        assert_eq!((found.drift.stock, found.drift.missing), (1, 1), "{found:?}");
        assert_eq!((found.drift.total(), found.mended), (2, 0));
        assert_eq!((ground.cached(0).await, ground.cached(1).await), (Some(4), None));
    }
    assert_eq!(pass(&ground, Mode::Mend).await.mended, 2);
    assert_eq!(
        (ground.cached(0).await, ground.cached(1).await),
        (Some(7), Some(1))
    );
}

async fn what_sql_does_not_know_is_reported(ground: Ground) {
    ground.catalogue(1).await;
    ground.report(0, 4, 1).await;
    pass(&ground, Mode::Mend).await;
    let stranger = tandem_domain::stock::StockChange {
        product: crate::ground::product(9),
        sku: crate::ground::sku(9),
        pool: tandem_domain::stock::Pool::Normal,
        store_version: 1,
        available: 3,
        sellable: 3,
        policy: tandem_domain::catalog::StockPolicy::Tracked,
        shop: None,
    };
    let off = Change::Listing(ListingChange {
        product: crate::ground::product(0),
        listing: Listing::Delisted,
        version: 1,
    });
    ground.append([Change::Stock(stranger), off]).await;
    let found = pass(&ground, Mode::Report).await;
    assert_eq!((found.drift.surplus, found.drift.listing), (1, 1), "{found:?}");
}

/// Some of every record, in the cache as SQL says; returns what SQL says.
async fn some_of_everything(ground: &Ground) -> Vec<Change> {
    ground.catalogue(3).await;
    ground.report(0, 4, 1).await;
    ground.fixed_bundle().await;
    crate::emptied::link(ground).await;
    let limits = Thresholds {
        low: 2,
        ..Thresholds::default()
    };
    let store = &ground.deps.store;
    store
        .update_thresholds(&ground.context(), limits, None)
        .await
        .unwrap();
    pass(ground, Mode::Mend).await;
    let pages: Vec<_> = store
        .scan_changes(&ground.marketplace)
        .try_collect()
        .await
        .unwrap();
    pages.concat()
}

/// The same version with something else in it.
fn twisted(change: Change) -> Change {
    match change {
        Change::Stock(change) => Change::Stock(StockChange {
            available: 99,
            sellable: 99,
            ..change
        }),
        Change::Listing(change) => Change::Listing(ListingChange {
            listing: Listing::Delisted,
            ..change
        }),
        Change::Card(card) => Change::Card(ProductCard {
            title: "another".to_owned(),
            ..card
        }),
        Change::Links(set) => Change::Links(AnchorLinks {
            links: Vec::new(),
            ..set
        }),
        Change::Bundles(set) => Change::Bundles(AnchorBundles {
            bundles: Vec::new(),
            ..set
        }),
        Change::Surface(surface) => Change::Surface(Surface {
            deleted: true,
            ..surface
        }),
        Change::Thresholds(mut change) => {
            change.of.thresholds.low = 200;
            Change::Thresholds(change)
        }
        beat @ Change::Heartbeat { .. } => beat,
    }
}

/// What shoppers are told of the stock of `product(0)`.
async fn told(ground: &Ground) -> Availability {
    let cache = &ground.deps.cache;
    let states = cache.availability(&ground.marketplace).await.unwrap();
    let states: Vec<_> = states.try_collect().await.unwrap();
    let state = states
        .into_iter()
        .find(|(id, ..)| *id == crate::ground::product(0));
    state.unwrap().2
}

async fn what_differs_under_its_own_version_is_found_by_kind_and_mended(ground: Ground) {
    let said = some_of_everything(&ground).await;
    let before = told(&ground).await;
    ground.flush().await;
    ground.append(said.iter().cloned().map(twisted)).await;
    let surfaces = said.iter().filter(|change| matches!(change, Change::Surface(_)));
    let expected = Drift {
        stock: 1,
        listing: 3,
        card: 3,
        link: 2,
        surface: surfaces.count() as u64,
        thresholds: 1,
        ..Drift::default()
    };
    for _ in 0..2 {
        let found = pass(&ground, Mode::Report).await;
        assert_eq!((found.drift, found.mended), (expected, 0));
    }
    let found = pass(&ground, Mode::Mend).await;
    assert_eq!((found.drift, found.mended), (expected, expected.total()));
    assert_eq!(pass(&ground, Mode::Report).await.drift, Drift::default());
    assert_eq!((ground.cached(0).await, told(&ground).await), (Some(4), before));
}

/// A full pass that read SQL a moment ago must not undo what was projected since.
async fn a_record_does_not_give_way_to_one_that_is_older(ground: Ground) {
    let said = some_of_everything(&ground).await;
    ground.report(0, 7, 2).await;
    Relay::new(&ground.deps, Settings::default().relay)
        .drain()
        .await
        .unwrap();
    ground.append([]).await;
    assert_eq!(ground.cached(0).await, Some(7));
    let cache = &ground.deps.cache;
    cache.step_down(&ground.marketplace, 1, &said).await.unwrap();
    ground.append(said.into_iter().map(twisted)).await;
    assert_eq!(ground.cached(0).await, Some(7), "it is newer than what was read");
}

/// Other hands in Redis.
async fn by_hand(ground: &Ground) -> MultiplexedConnection {
    let Backing::Redis(server) = &ground.backing else {
        panic!("no Redis")
    };
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// A field of a record of this kind, and what stands there; of stock, that of a level.
async fn field(redis: &mut MultiplexedConnection, kind: &str) -> (String, String, Vec<u8>) {
    let key = format!("td:{{test}}:{kind}");
    let fields: Vec<(String, Vec<u8>)> = redis::cmd("HGETALL").arg(&key).query_async(redis).await.unwrap();
    let (field, value) = fields
        .into_iter()
        .find(|(field, _)| kind != STOCK || field.starts_with("s\u{1f}"))
        .unwrap();
    (key, field, value)
}

/// Stock of `product(0)`, as a kind of record.
const STOCK: &str = "stock:p0";

/// Other hands in Redis change what stands under a version and not what is kept beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_level_changed_by_hand_is_mended_with_the_sums_beside_it() {
    let ground = Ground::servers().await;
    some_of_everything(&ground).await;
    let before = told(&ground).await;
    let mut redis = by_hand(&ground).await;
    let (key, field, value) = field(&mut redis, STOCK).await;
    let value = String::from_utf8(value).unwrap();
    let spoilt = value.replace(" 4 4 ", " 9 9 ");
    assert_ne!(value, spoilt);
    let set = redis::cmd("HSET").arg(key).arg(field).arg(spoilt).to_owned();
    set.exec_async(&mut redis).await.unwrap();
    let found = pass(&ground, Mode::Mend).await;
    assert_eq!((found.drift.stock, found.drift.total(), found.mended), (1, 1, 1));
    assert_eq!((ground.cached(0).await, told(&ground).await), (Some(4), before));
}

/// Other hands in Redis leave what no script wrote: without a version, with SQL's own, and no text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_cannot_be_read_is_missing_and_a_pass_goes_on_and_puts_it() {
    let ground = Ground::servers().await;
    some_of_everything(&ground).await;
    let before = told(&ground).await;
    let mut redis = by_hand(&ground).await;
    for nonsense in [b"".as_slice(), b"nonsense", b"VERSION nonsense", b"VERSION \xff"] {
        let mut spoilt = 0;
        for kind in ["cards", "links", "fixed", "surfaces", "thresholds", STOCK] {
            let (key, field, value) = field(&mut redis, kind).await;
            let version: Vec<_> = value.splitn(3, |byte| *byte == b' ').take(2).collect();
            let value = match nonsense.strip_prefix(b"VERSION") {
                Some(rest) => [version.join(&b' ').as_slice(), rest].concat(),
                None => nonsense.to_vec(),
            };
            let set = redis::cmd("HSET").arg(&key).arg(field).arg(value).to_owned();
            set.exec_async(&mut redis).await.unwrap();
            spoilt += 1;
        }
        let expected = Drift {
            missing: spoilt,
            ..Drift::default()
        };
        let found = pass(&ground, Mode::Mend).await;
        assert_eq!((found.drift, found.mended), (expected, spoilt));
        assert_eq!(pass(&ground, Mode::Report).await.drift, Drift::default());
        assert_eq!((ground.cached(0).await, told(&ground).await), (Some(4), before));
    }
}

/// The cache is away for longer than the outbox keeps what it should be told.
async fn changes_that_outlived_the_outbox_are_put_by_a_full_pass(ground: Ground) {
    ground.catalogue(1).await;
    pass(&ground, Mode::Mend).await;
    ground.report(0, 4, 1).await;
    let mut lifetimes = Settings::default().lifetimes;
    lifetimes.outbox = std::time::Duration::from_secs(60);
    let mut sweep = Sweep::new(&ground.deps, lifetimes);
    let now = ground.deps.clock.now();
    assert_eq!(sweep.turn(now).await.unwrap(), 0);
    let later = now.plus(std::time::Duration::from_secs(61));
    assert!(sweep.turn(later).await.unwrap() > 0);
    let relay = Relay::new(&ground.deps, Settings::default().relay);
    assert_eq!(relay.drain().await.unwrap(), 0);
    assert_eq!(pass(&ground, Mode::Mend).await.drift.missing, 1);
    assert_eq!(ground.cached(0).await, Some(4));
}

async fn the_worker_makes_full_passes_by_itself(ground: Ground) {
    ground.catalogue(1).await;
    ground.report(0, 4, 1).await;
    let mut settings = Settings::default();
    settings.reconcile.every = std::time::Duration::from_millis(50);
    let worker = ground.start(settings);
    worker.ready().await;
    ground.cached_becomes(0, 4).await;
    lose_everything_unnoticed(&ground).await;
    wait_until(LONG, "a full pass", async || ground.cached(0).await == Some(4))
        .await
        .unwrap();
    worker.stop().await;
}
