//! Building and publishing.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tandem_cache::port::RecordKey;
use tandem_domain::generation::GenerationState;
use tandem_graph_worker::{CacheState, Collapse, Phase, Watcher, WorkError, build_generation, sweep};
use tandem_store::{BuildScope, JobKind, JobState};
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG, on_both, product};

on_both! {
    a_build_is_counted_published_and_served;
    the_same_events_make_the_same_segment;
    a_collapse_is_refused_until_it_is_accepted;
    records_of_a_former_life_do_not_show_through;
    a_worker_builds_what_is_asked_for;
    a_schedule_builds_without_being_asked;
    old_generations_are_swept;
}

async fn a_build_is_counted_published_and_served(ground: Ground) {
    ground.orders(0, 300).await;
    let steps = Arc::new(Mutex::new(Vec::new()));
    let watcher = Watcher::new({
        let steps = Arc::clone(&steps);
        move |step| steps.lock().unwrap().push(step)
    });
    let outcome = build_generation(&ground.deps, &ground.request(Collapse::Refuse), &watcher)
        .await
        .unwrap();

    assert_eq!(outcome.cache, CacheState::Serving);
    let stats = &outcome.stats;
    assert_eq!((stats.events, stats.baskets), (900, 300), "{stats:?}");
    assert!(
        stats.anchors > 0 && stats.edges >= stats.anchors && stats.pairs > 0,
        "{stats:?}"
    );
    assert!(stats.read_seconds > 0.0 && stats.compute_seconds > 0.0 && stats.publish_seconds > 0.0);
    assert_eq!(stats.peak_rss_bytes > 0, cfg!(target_os = "linux"));

    let serving = ground.serving().await.expect("a generation on serve");
    assert_eq!(
        (serving.no, serving.state),
        (outcome.generation, GenerationState::Published)
    );
    assert_eq!(serving.manifest.as_ref(), Some(&outcome.manifest));
    assert_eq!(serving.stats.edges, stats.edges);
    assert_eq!(
        serving.watermark,
        ground.deps.store.last_batch(&ground.marketplace).await.unwrap()
    );
    assert_eq!(ground.cached().await, Some(outcome.generation.0));
    assert!(ground.lists_are_served().await);
    let epoch = ground
        .deps
        .store
        .epoch_record(&ground.marketplace, outcome.generation)
        .await
        .unwrap();
    let findings = &epoch.unwrap()["tuning"]["findings"];
    assert!(
        findings.as_array().is_some_and(|all| !all.is_empty()),
        "a build tells how it was tuned"
    );

    let steps = steps.lock().unwrap();
    for phase in Phase::ALL {
        let last = steps.iter().rev().find(|step| step.phase == phase);
        let last = last.unwrap_or_else(|| panic!("nothing was told of {}", phase.as_str()));
        assert_eq!(
            Some(last.done),
            last.total,
            "{} was told to its end",
            phase.as_str()
        );
    }
}

async fn the_same_events_make_the_same_segment(ground: Ground) {
    ground.orders(0, 200).await;
    let first = ground.build(Collapse::Refuse).await.unwrap();
    let second = ground.build(Collapse::Refuse).await.unwrap();
    assert!(second.generation > first.generation);
    assert_eq!(
        second.manifest.segments[0].checksum,
        first.manifest.segments[0].checksum
    );
    assert!(first.manifest.segments[0].records > 0);
    ground.orders(200, 260).await;
    let third = ground.build(Collapse::Refuse).await.unwrap();
    assert_ne!(
        third.manifest.segments[0].checksum,
        first.manifest.segments[0].checksum
    );
}

async fn a_collapse_is_refused_until_it_is_accepted(ground: Ground) {
    ground.orders(0, 100).await;
    let whole = ground.build(Collapse::Refuse).await.unwrap();
    // Everything comes back: there are more events than before, and nothing to learn from them.
    ground.returns(0, 100).await;
    let refused = ground.build(Collapse::Refuse).await;
    let Err(WorkError::Refused { generation, why }) = refused else {
        panic!("{refused:?}")
    };
    assert!(why.contains("edges fell from"), "{why}");
    let store = &ground.deps.store;
    let ended = store
        .generation(&ground.marketplace, generation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.state, GenerationState::Refused);
    assert!(ended.message.contains("edges fell from"), "{}", ended.message);
    assert_eq!(ended.stats.events, 600, "what was counted is kept");
    assert_eq!(
        ground.serving().await.unwrap().no,
        whole.generation,
        "the old one stays"
    );
    assert_eq!(ground.cached().await, Some(whole.generation.0));
    assert_eq!(ground.files(), ["1.segment"], "a refused build leaves no file");

    let accepted = ground.build(Collapse::Accept).await.unwrap();
    assert_eq!(ground.cached().await, Some(accepted.generation.0));
}

async fn records_of_a_former_life_do_not_show_through(ground: Ground) {
    ground.orders(0, 60).await;
    // As after a restore of SQL: the number of the next generation was given before, to other records.
    let stale = (RecordKey::Lists(product(999)), Bytes::from_static(b"\x01stale"));
    let (cache, place) = (&ground.deps.cache, &ground.marketplace);
    cache.put_records(place, 1, &[stale]).await.unwrap();
    let built = ground.build(Collapse::Refuse).await.unwrap();
    assert_eq!(built.generation.0, 1);
    let keys = [RecordKey::Lists(product(999)), RecordKey::Lists(product(1))];
    let records = cache.records(place, &built.manifest, &keys).await.unwrap();
    assert_eq!((records[0].is_some(), records[1].is_some()), (false, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_emptied_while_a_build_fills_it_is_filled_again() {
    let ground = Ground::embedded().await;
    ground.orders(0, 60).await;
    ground
        .deps
        .cache
        .mark_rebuilt(&ground.marketplace, "1@0")
        .await
        .unwrap();
    let memory = ground.memory.clone().unwrap();
    let watcher = Watcher::new(move |step| {
        if step.phase == Phase::Publish && Some(step.done) == step.total {
            memory.clear();
        }
    });
    let built = build_generation(&ground.deps, &ground.request(Collapse::Refuse), &watcher)
        .await
        .unwrap();
    assert_eq!(built.cache, CacheState::Serving);
    assert!(ground.lists_are_served().await);
}

async fn a_worker_builds_what_is_asked_for(ground: Ground) {
    ground.orders(0, 100).await;
    let worker = ground.start();
    let kind = JobKind::build(BuildScope::Full);
    let job = ground
        .deps
        .store
        .enqueue_job(&ground.context(), kind)
        .await
        .unwrap();
    let done = async || {
        let job = ground
            .deps
            .store
            .job(&ground.marketplace, &job.id)
            .await
            .unwrap()
            .unwrap();
        job.state == JobState::Succeeded
    };
    wait_until(LONG, "the job to be done", done).await.unwrap();
    let job = ground
        .deps
        .store
        .job(&ground.marketplace, &job.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(job.generation, ground.serving().await.map(|serving| serving.no));
    assert!(ground.lists_are_served().await);
    worker.stop().await;
}

async fn a_schedule_builds_without_being_asked(mut ground: Ground) {
    ground.orders(0, 50).await;
    ground.deps.settings.build.every = std::time::Duration::from_millis(50);
    let worker = ground.start();
    let twice = async || ground.cached().await.is_some_and(|generation| generation >= 2);
    wait_until(LONG, "a second build", twice).await.unwrap();
    worker.stop().await;
}

async fn old_generations_are_swept(mut ground: Ground) {
    ground.deps.settings.build.keep = 2;
    ground.orders(0, 50).await;
    for _ in 0..4 {
        ground.build(Collapse::Refuse).await.unwrap();
    }
    assert_eq!(ground.files(), ["3.segment", "4.segment"]);
    assert_eq!(
        ground
            .deps
            .cache
            .segments(&ground.marketplace)
            .await
            .unwrap()
            .len(),
        2
    );
    // What a worker that died in a sweep or a build left behind.
    let stray = ground.folder.path().join("segments/test/1.segment");
    std::fs::write(&stray, b"left behind").unwrap();
    let swept = sweep(&ground.deps, &ground.marketplace).await.unwrap();
    assert_eq!(swept.files, 1);
    assert!(!stray.exists());
    assert!(ground.lists_are_served().await);
}
