//! Serving an earlier generation again.

use tandem_domain::generation::{BuildStats, GenerationKind, GenerationNo};
use tandem_graph_worker::{Collapse, Followed, follow};
use tandem_store::{BuildScope, JobKind, JobOutcome, JobState};
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG, on_both};

on_both! {
    a_rollback_serves_the_old_generation_from_its_file;
    a_rollback_to_what_was_never_published_fails;
    a_publisher_that_died_between_sql_and_cache_is_repaired;
}

async fn roll_back(ground: &Ground, to: GenerationNo) -> JobState {
    let kind = JobKind::Rollback { generation: to };
    let job = ground
        .deps
        .store
        .enqueue_job(&ground.context(), kind)
        .await
        .unwrap();
    let worker = ground.start();
    let state = async || {
        ground
            .deps
            .store
            .job(&ground.marketplace, &job.id)
            .await
            .unwrap()
            .unwrap()
            .state
    };
    let ended = async || matches!(state().await, JobState::Succeeded | JobState::Failed);
    wait_until(LONG, "the rollback to end", ended).await.unwrap();
    let state = state().await;
    worker.stop().await;
    state
}

async fn a_rollback_serves_the_old_generation_from_its_file(ground: Ground) {
    ground.orders(0, 100).await;
    let first = ground.build(Collapse::Refuse).await.unwrap();
    ground.orders(100, 150).await;
    ground.build(Collapse::Refuse).await.unwrap();
    ground.orders(150, 200).await;
    let third = ground.build(Collapse::Refuse).await.unwrap();
    let segments = ground.deps.cache.segments(&ground.marketplace).await.unwrap();
    assert!(
        !segments.contains(&first.manifest.segments[0].id),
        "it left the cache: {segments:?}"
    );

    assert_eq!(roll_back(&ground, first.generation).await, JobState::Succeeded);
    assert_eq!(ground.serving().await.unwrap().no, first.generation);
    assert_eq!(ground.cached().await, Some(first.generation.0));
    assert!(ground.lists_are_served().await);

    let fourth = ground.build(Collapse::Refuse).await.unwrap();
    assert!(fourth.generation > third.generation);
    assert_eq!(
        ground.cached().await,
        Some(fourth.generation.0),
        "a build goes on from there"
    );
}

async fn a_rollback_to_what_was_never_published_fails(ground: Ground) {
    ground.orders(0, 50).await;
    let first = ground.build(Collapse::Refuse).await.unwrap();
    assert_eq!(roll_back(&ground, GenerationNo(99)).await, JobState::Failed);
    assert_eq!(ground.cached().await, Some(first.generation.0));
}

async fn a_publisher_that_died_between_sql_and_cache_is_repaired(ground: Ground) {
    ground.orders(0, 100).await;
    assert_eq!(
        follow(&ground.deps, &ground.marketplace).await.unwrap(),
        Followed::Nothing
    );
    let first = ground.build(Collapse::Refuse).await.unwrap();
    assert_eq!(
        follow(&ground.deps, &ground.marketplace).await.unwrap(),
        Followed::Same
    );

    // The second publisher gets as far as SQL: its segment is the first one's under another number.
    let (store, place, now) = (&ground.deps.store, &ground.marketplace, ground.deps.clock.now());
    store
        .enqueue_job(&ground.context(), JobKind::build(BuildScope::Full))
        .await
        .unwrap();
    let claimed = store
        .claim_job("dead", &["build"], LONG, now)
        .await
        .unwrap()
        .unwrap();
    let no = store
        .start_generation(place, GenerationKind::Epoch, 1, &claimed.lease, now)
        .await
        .unwrap();
    let mut manifest = first.manifest.clone();
    manifest.generation = no;
    let epoch = serde_json::json!({});
    store
        .publish_generation(
            place,
            no,
            &claimed.lease,
            &manifest,
            &BuildStats::default(),
            &epoch,
            now,
        )
        .await
        .unwrap();
    assert_eq!(ground.cached().await, Some(first.generation.0));

    // An emptied cache is the rebuild's to fill; a marked one is behind.
    assert_eq!(follow(&ground.deps, place).await.unwrap(), Followed::Rebuilding);
    ground.deps.cache.mark_rebuilt(place, "1@0").await.unwrap();
    let worker = ground.start();
    ground.cached_becomes(no.0).await;
    assert!(ground.lists_are_served().await);
    assert_eq!(follow(&ground.deps, place).await.unwrap(), Followed::Same);
    worker.stop().await;
    store
        .finish_job(&claimed.lease, JobOutcome::Succeeded(no))
        .await
        .unwrap();
}
