//! Many workers and callers at once, and waking them.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use tandem_store::{ClaimedJob, Job, Store};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::house::House;
use crate::job::{BUILD, ask, claim_by};
use crate::still::{LONG, market};

over_both! {
    many_workers_take_each_job_once,
    many_who_ask_at_once_get_the_same_build,
    whoever_waits_is_woken_when_a_job_is_asked_for,
    waiting_ends_without_a_job_too,
}

async fn many_workers_take_each_job_once(house: House) {
    const JOBS: usize = 12;
    let mut asked = HashSet::new();
    for index in 0..JOBS {
        let place = market(&format!("market-{index}"));
        house.found(&place).await;
        let mut ctx = house.context();
        ctx.principal.marketplace = place;
        asked.insert(house.store.enqueue_job(&ctx, BUILD).await.unwrap().id);
    }
    let stores = [house.elsewhere().await, house.elsewhere().await];
    let taken = join_all((0..2 * JOBS).map(|worker| claim_by(&stores[worker % 2]))).await;
    let taken: Vec<_> = taken
        .into_iter()
        .flatten()
        .map(|claimed| claimed.job.id)
        .collect();
    // A claim may pass over a job that another one holds for a moment and then come back empty.
    let rest = join_all((taken.len()..JOBS).map(|_| claim_by(&house.store))).await;
    let all: Vec<_> = taken
        .into_iter()
        .chain(rest.into_iter().flatten().map(|claimed| claimed.job.id))
        .collect();
    assert_eq!(all.len(), JOBS);
    assert_eq!(all.into_iter().collect::<HashSet<_>>(), asked);
}

async fn many_who_ask_at_once_get_the_same_build(house: House) {
    let stores = [house.store.clone(), house.elsewhere().await];
    let ctx = house.context();
    let asked = join_all((0..16).map(|caller| stores[caller % 2].enqueue_job(&ctx, BUILD))).await;
    let ids: HashSet<_> = asked.into_iter().map(|job| job.unwrap().id).collect();
    assert_eq!(ids.len(), 1);
}

async fn whoever_waits_is_woken_when_a_job_is_asked_for(house: House) {
    let (worker, looks) = Worker::over(&house.store);
    let (claimed, asked) = work_and_ask(worker, ask_after(1, looks, &house)).await;
    assert_eq!(claimed.job.id, asked.id);
}

async fn waiting_ends_without_a_job_too(house: House) {
    for _ in 0..3 {
        timeout(LONG, house.store.wait_for_jobs(Duration::from_millis(20)))
            .await
            .expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_wakes_over_postgres() {
    let house = House::on_postgres().await;
    let elsewhere = house.elsewhere().await;
    let (worker, looks) = Worker::over(&elsewhere);
    // The first wait ends once it listens; from the second look on it is woken or never.
    let (claimed, asked) = work_and_ask(worker, ask_after(2, looks, &house)).await;
    assert_eq!(claimed.job.id, asked.id);
}

/// Looks for a job, waits to be woken, and looks again.
struct Worker<'s> {
    store: &'s Store,
    looks: watch::Sender<u32>,
}

impl<'s> Worker<'s> {
    fn over(store: &'s Store) -> (Self, watch::Receiver<u32>) {
        let (looks, seen) = watch::channel(0);
        (Self { store, looks }, seen)
    }

    async fn work(self) -> ClaimedJob {
        loop {
            if let Some(claimed) = claim_by(self.store).await {
                return claimed;
            }
            self.looks.send_modify(|looks| *looks += 1);
            self.store.wait_for_jobs(LONG * 2).await;
        }
    }
}

async fn ask_after(looks: u32, mut seen: watch::Receiver<u32>, house: &House) -> Job {
    seen.wait_for(|seen| *seen >= looks).await.unwrap();
    ask(house, BUILD).await
}

async fn work_and_ask(worker: Worker<'_>, asking: impl Future<Output = Job>) -> (ClaimedJob, Job) {
    timeout(LONG, async { tokio::join!(worker.work(), asking) })
        .await
        .expect("it is woken")
}
