//! Merchants' fixed bundles on their way to the cache.

use tandem_domain::feed::FeedEvent;
use tandem_inventory_worker::Settings;
use tandem_inventory_worker::reconcile::{Mode, reconcile};
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG, on_both, product};
use crate::path::{event, position};

on_both! {
    a_fixed_bundle_reaches_the_cache_and_leaves_it_when_it_is_deleted;
    bundles_that_the_messages_missed_are_drift_and_put;
}

async fn a_fixed_bundle_reaches_the_cache_and_leaves_it_when_it_is_deleted(ground: Ground) {
    ground.catalogue(3).await;
    let worker = ground.start(Settings::default());
    worker.ready().await;
    let from = position(&ground).await;
    let made = ground.fixed_bundle().await;
    let told = |event| matches!(event, FeedEvent::Bundles(anchor) if anchor == product(0)).then_some(());
    event(&ground, from, told).await;
    assert_eq!(ground.cached_bundles(0).await, Some(vec![made.clone()]));

    let store = &ground.deps.store;
    assert!(
        store
            .delete_fixed_bundle(&ground.context(), &made.id, "")
            .await
            .unwrap()
    );
    let gone = async || ground.cached_bundles(0).await == Some(Vec::new());
    wait_until(LONG, "the bundle to go", gone).await.unwrap();
    worker.stop().await;
}

async fn bundles_that_the_messages_missed_are_drift_and_put(ground: Ground) {
    ground.catalogue(3).await;
    let (store, cache) = (&ground.deps.store, &*ground.deps.cache);
    let pass = async |mode| reconcile(store, cache, &ground.marketplace, mode).await.unwrap();
    pass(Mode::Mend).await;
    let first = ground.fixed_bundle().await;
    assert_eq!(pass(Mode::Report).await.drift.missing, 1);
    assert_eq!(pass(Mode::Mend).await.mended, 1);
    let second = ground.fixed_bundle().await;
    let found = pass(Mode::Report).await;
    assert_eq!((found.drift.link, found.drift.total()), (1, 1), "{found:?}");
    assert_eq!(ground.cached_bundles(0).await, Some(vec![first.clone()]));
    pass(Mode::Mend).await;
    assert_eq!(ground.cached_bundles(0).await, Some(vec![first, second]));
    assert_eq!(pass(Mode::Report).await.drift.total(), 0);
}
