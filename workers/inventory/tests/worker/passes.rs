//! The periodic full pass.

use tandem_inventory_worker::Settings;
use tandem_inventory_worker::reconcile::reconcile;
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG, on_both};

on_both! {
    a_full_pass_mends_what_the_messages_missed;
    the_worker_makes_full_passes_by_itself;
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

async fn a_full_pass_mends_what_the_messages_missed(ground: Ground) {
    ground.catalogue(3).await;
    for n in 0..3 {
        ground.report(n, 4, 1).await;
    }
    let first = reconcile(&ground.deps, &ground.marketplace).await.unwrap();
    assert!(first.newer >= 3, "{first:?}");
    let second = reconcile(&ground.deps, &ground.marketplace).await.unwrap();
    assert_eq!(
        (second.newer, second.checked),
        (0, first.checked),
        "nothing was missed since"
    );
    ground.flush().await;
    assert_eq!(
        reconcile(&ground.deps, &ground.marketplace).await.unwrap().newer,
        first.newer
    );
    ground.cache_equals_sql(3).await;
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
