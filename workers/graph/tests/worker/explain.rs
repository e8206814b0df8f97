//! Telling a pair's counters.

use tandem_domain::edge::Signal;
use tandem_domain::pair::{PairReport, PairVerdict};
use tandem_graph_worker::Collapse;
use tandem_store::{Job, JobKind, JobState};
use tandem_testing::wait_for;

use crate::ground::{Ground, LONG, on_both, product};

on_both! {
    a_pair_is_counted_as_the_generation_on_serve_counts_it;
    a_pair_of_nobody_is_a_failed_job_that_says_why;
}

pub(crate) async fn explained(ground: &Ground, anchor: u32, companion: u32) -> Job {
    let kind = JobKind::ExplainPair {
        anchor: product(anchor),
        companion: product(companion),
    };
    let store = &ground.deps.store;
    let asked = store.enqueue_job(&ground.context(), kind).await.unwrap();
    let worker = ground.start();
    let ended = async || {
        let job = store.job(&ground.marketplace, &asked.id).await.unwrap().unwrap();
        matches!(job.state, JobState::Succeeded | JobState::Failed).then_some(job)
    };
    let job = wait_for(LONG, "the job to end", ended).await.unwrap();
    worker.stop().await;
    job
}

async fn a_pair_is_counted_as_the_generation_on_serve_counts_it(ground: Ground) {
    ground.orders(0, 100).await;
    let first = ground.build(Collapse::Refuse).await.unwrap();
    // Nobody has built these.
    ground.orders(100, 200).await;
    let job = explained(&ground, 1, 2).await;
    assert_eq!(
        (job.state, job.generation),
        (JobState::Succeeded, Some(first.generation)),
        "{job:?}"
    );
    let report: PairReport = serde_json::from_str(&job.report).unwrap();
    let orders = report.counts[0];
    assert_eq!(
        (orders.evidence.signal, orders.verdict),
        (Signal::CoPurchase, PairVerdict::Passes)
    );
    // Of a hundred orders, those of p1 with p2, of p0 with p1, and of p2 with p3.
    let counts = (
        orders.evidence.support,
        orders.evidence.anchor_count,
        orders.evidence.companion_count,
    );
    assert_eq!((counts, orders.evidence.total), ((15, 30, 29), 100));
    assert!(report.places.iter().any(|place| place.rank > 0), "{report:?}");
    assert_eq!(ground.generations().await.len(), 1, "nothing is built for it");
}

async fn a_pair_of_nobody_is_a_failed_job_that_says_why(ground: Ground) {
    let job = explained(&ground, 1, 2).await;
    assert_eq!(job.state, JobState::Failed);
    assert!(job.message.contains("nothing is on serve"), "{}", job.message);
    ground.orders(0, 50).await;
    ground.build(Collapse::Refuse).await.unwrap();
    let job = explained(&ground, 1, 999).await;
    assert_eq!(job.state, JobState::Failed);
    assert!(job.message.contains("p999"), "{}", job.message);
}
