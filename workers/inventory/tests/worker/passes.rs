//! The periodic full pass.

use tandem_domain::catalog::Listing;
use tandem_domain::change::{Change, ListingChange};
use tandem_inventory_worker::reconcile::{Drift, Mode, Reconciled};
use tandem_inventory_worker::{Relay, Settings, Sweep};
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG, on_both};

on_both! {
    a_full_pass_mends_what_the_messages_missed;
    the_worker_makes_full_passes_by_itself;
    a_dry_run_reports_drift_by_kind_and_changes_nothing;
    what_sql_does_not_know_is_reported;
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
