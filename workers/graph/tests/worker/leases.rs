//! Whoever lost the lease publishes nothing.

use std::sync::mpsc;
use std::time::Duration;

use tandem_graph_worker::{Collapse, Phase, Watcher, WorkError, build_generation};
use tandem_store::{BuildScope, JobKind, JobState};
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG, on_both};

on_both! {
    a_worker_that_lost_its_lease_publishes_nothing;
    two_workers_make_one_generation_per_job;
}

/// The first worker stands still in the middle of its build; its lease runs out, and another one takes the job.
async fn a_worker_that_lost_its_lease_publishes_nothing(ground: Ground) {
    ground.orders(0, 100).await;
    let (reached, at_score) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(Some(gate));
    let watcher = Watcher::new(move |step| {
        if step.phase == Phase::Count
            && let Some(gate) = gate.lock().unwrap().take()
        {
            reached.send(()).unwrap();
            gate.recv().unwrap();
        }
    });
    let (mut deps, request) = (ground.deps.clone(), ground.request(Collapse::Refuse));
    // Not renewed while it stands still.
    deps.settings.jobs.lease = Duration::from_secs(3_600);
    #[expect(
        clippy::disallowed_methods,
        reason = "the test owns this task and waits for it"
    )]
    let slow = tokio::spawn(async move { build_generation(&deps, &request, &watcher).await });
    tokio::task::spawn_blocking(move || at_score.recv_timeout(LONG))
        .await
        .unwrap()
        .unwrap();

    ground.end_leases().await;
    let quick = build_generation(
        &ground.deps,
        &ground.request(Collapse::Refuse),
        &Watcher::nobody(),
    )
    .await
    .unwrap();
    go_on.send(()).unwrap();
    let slow = slow.await.unwrap();
    assert!(matches!(slow, Err(WorkError::LeaseLost)), "{slow:?}");
    assert_eq!(ground.serving().await.unwrap().no, quick.generation);
    assert_eq!(ground.cached().await, Some(quick.generation.0));
}

async fn two_workers_make_one_generation_per_job(ground: Ground) {
    const JOBS: usize = 5;
    ground.orders(0, 60).await;
    let workers = [ground.start(), ground.start()];
    for _ in 0..JOBS {
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
    }
    let generations = ground.generations().await;
    assert_eq!(generations.len(), JOBS, "{generations:?}");
    ground.cached_becomes(generations.last().unwrap().no.0).await;
    for worker in workers {
        worker.stop().await;
    }
}
