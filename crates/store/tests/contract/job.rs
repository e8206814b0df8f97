//! Jobs: asked for once, done by one worker at a time, never lost.

use std::time::Duration;

use tandem_domain::clock::{Clock as _, SystemClock};
use tandem_domain::generation::{GenerationKind, GenerationNo, GenerationState};
use tandem_domain::id::{JobId, ProductId};
use tandem_store::{
    BuildScope, ClaimedJob, Job, JobKind, JobOutcome, JobState, Lease, Missing, Store, StoreError,
};

use crate::house::House;
use crate::still::{NOW, after, market, repeatable};

/// Far longer than a test takes.
pub(crate) const LEASE: Duration = Duration::from_secs(3_600);
pub(crate) const KINDS: [&str; 2] = ["build", "rollback"];
pub(crate) const BUILD: JobKind = JobKind::build(BuildScope::Full);
pub(crate) const ACCEPTING: JobKind = JobKind::Build {
    accept_collapse: true,
    scope: BuildScope::Full,
};

pub(crate) fn rollback(no: u64) -> JobKind {
    JobKind::Rollback {
        generation: GenerationNo(no),
    }
}

pub(crate) async fn ask(house: &House, kind: JobKind) -> Job {
    house.store.enqueue_job(&house.context(), kind).await.unwrap()
}

pub(crate) async fn claim_by(store: &Store) -> Option<ClaimedJob> {
    store.claim_job("worker", &KINDS, LEASE, NOW).await.unwrap()
}

pub(crate) async fn claim(house: &House) -> Option<ClaimedJob> {
    claim_by(&house.store).await
}

/// What is left of a lease, about: two clocks and the time between their readings lie in it.
fn left(lease: &Lease) -> Duration {
    let now = SystemClock.now().as_ms();
    let ms = lease.until.as_ms() - now;
    Duration::from_millis(u64::try_from(ms).expect("it has not ended"))
}

pub(crate) async fn look(house: &House, id: &JobId) -> Job {
    house.store.job(&house.marketplace, id).await.unwrap().unwrap()
}

pub(crate) fn is_lost<T: std::fmt::Debug>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::LeaseLost))
}

over_both! {
    a_job_is_followed_from_asking_to_its_end,
    a_failed_job_says_why_and_is_not_tried_again,
    a_job_that_finds_something_leaves_its_report,
    questions_wait_in_a_bounded_line,
    a_lease_of_a_clock_that_stood_ahead_is_over,
    a_worker_whose_clock_jumps_takes_no_job_from_another,
    a_waiting_build_is_not_asked_for_twice,
    a_collapse_that_anybody_accepts_is_accepted,
    rollbacks_are_all_done_in_their_order,
    one_request_asks_once,
    a_job_needs_a_marketplace_and_is_seen_in_its_own_only,
    a_worker_takes_the_kinds_that_it_can_do,
    jobs_of_one_kind_follow_each_other,
    a_lease_that_ran_out_is_taken_over_and_fences_the_first,
    a_renewed_lease_holds_longer,
    a_job_that_three_workers_lost_is_given_up,
    a_job_given_back_is_free_at_once_and_loses_no_attempt,
    what_a_lost_worker_was_building_has_failed,
}

async fn a_job_is_followed_from_asking_to_its_end(house: House) {
    let asked = ask(&house, BUILD).await;
    assert_eq!(
        (asked.state, asked.kind.clone(), asked.created),
        (JobState::Queued, BUILD, NOW)
    );
    assert_eq!(look(&house, &asked.id).await, asked);
    let claimed = claim(&house).await.unwrap();
    assert_eq!(
        claimed.job,
        Job {
            state: JobState::Running,
            ..asked.clone()
        }
    );
    assert_eq!(
        (&claimed.marketplace, &claimed.lease.job),
        (&house.marketplace, &asked.id)
    );
    assert_eq!(claimed.lease.fence, 1);
    let left = left(&claimed.lease);
    assert!(left < LEASE * 2 && left > LEASE / 2, "{left:?}");
    assert_eq!(look(&house, &asked.id).await, claimed.job);
    assert_eq!(claim(&house).await, None, "its lease holds");
    house
        .store
        .finish_job(&claimed.lease, JobOutcome::Succeeded(GenerationNo(4)))
        .await
        .unwrap();
    let done = look(&house, &asked.id).await;
    assert_eq!(
        (done.state, done.generation),
        (JobState::Succeeded, Some(GenerationNo(4)))
    );
    house.leases_age(7_200).await;
    assert_eq!(claim(&house).await, None, "it is done");
    assert_eq!(
        house.deeds().await,
        [("insecure".to_owned(), "trigger_build".to_owned(), String::new())]
    );
}

async fn a_failed_job_says_why_and_is_not_tried_again(house: House) {
    let asked = ask(&house, BUILD).await;
    let lease = claim(&house).await.unwrap().lease;
    house
        .store
        .finish_job(&lease, JobOutcome::Failed("no events".to_owned()))
        .await
        .unwrap();
    let failed = look(&house, &asked.id).await;
    assert_eq!(
        (failed.state, failed.message.as_str()),
        (JobState::Failed, "no events")
    );
    house.leases_age(7_200).await;
    assert_eq!(claim(&house).await, None);
    let again = house
        .store
        .finish_job(&lease, JobOutcome::Succeeded(GenerationNo(1)))
        .await;
    assert!(is_lost(again), "an ended job stays as it ended");
}

async fn a_job_that_finds_something_leaves_its_report(house: House) {
    let pair = |companion| JobKind::ExplainPair {
        anchor: ProductId::new("tea").unwrap(),
        companion: ProductId::new(companion).unwrap(),
    };
    let asked = ask(&house, pair("mug")).await;
    let another = ask(&house, pair("pot")).await;
    assert_eq!((&asked.kind, asked.report.as_str()), (&pair("mug"), ""));
    assert_ne!(asked.id, another.id, "each pair is a job of its own");
    assert_eq!(
        ask(&house, pair("mug")).await.id,
        asked.id,
        "the same question waits once"
    );
    let build = ask(&house, BUILD).await;
    let first = house
        .store
        .claim_job("builder", &["build", "explain_pair"], LEASE, NOW)
        .await;
    assert_eq!(
        first.unwrap().unwrap().job.id,
        build.id,
        "builds go before questions"
    );
    assert_eq!(claim(&house).await, None, "who builds is not asked");
    let claimed = house
        .store
        .claim_job("worker", &["explain_pair"], LEASE, NOW)
        .await;
    let claimed = claimed.unwrap().unwrap();
    assert_eq!((&claimed.job.id, &claimed.job.kind), (&asked.id, &pair("mug")));
    let outcome = JobOutcome::Reported(GenerationNo(3), "{\"both\":7}".to_owned());
    house.store.finish_job(&claimed.lease, outcome).await.unwrap();
    let done = look(&house, &asked.id).await;
    assert_eq!(
        (done.state, done.generation, done.report.as_str()),
        (JobState::Succeeded, Some(GenerationNo(3)), "{\"both\":7}")
    );
}

async fn a_lease_of_a_clock_that_stood_ahead_is_over(house: House) {
    let asked = ask(&house, BUILD).await;
    let ahead = claim(&house).await.unwrap();
    // As a database gave it whose clock was an hour ahead of that of its successor.
    house.leases_age(-3_600).await;
    let taken = claim(&house).await.unwrap();
    assert_eq!((&taken.job.id, &ahead.job.id), (&asked.id, &asked.id));
    let late = house
        .store
        .finish_job(&ahead.lease, JobOutcome::Succeeded(GenerationNo(1)))
        .await;
    assert!(is_lost(late), "its holder is fenced out");
    assert_eq!(claim(&house).await, None, "and the new lease holds");
}

/// Nor does it get one that never ends.
async fn a_worker_whose_clock_jumps_takes_no_job_from_another(house: House) {
    ask(&house, BUILD).await;
    let held = claim(&house).await.unwrap().lease;
    let years = Duration::from_secs(100 * 365 * 24 * 3_600);
    for now in [NOW.plus(years), NOW.minus(years)] {
        let taken = house.store.claim_job("confused", &KINDS, LEASE, now).await;
        assert_eq!(taken.unwrap(), None);
    }
    house.leases_age(7_200).await;
    let confused = house
        .store
        .claim_job("confused", &KINDS, LEASE, NOW.plus(years))
        .await;
    let confused = confused.unwrap().unwrap().lease;
    assert!(confused.fence > held.fence && left(&confused) < LEASE * 2);
}

async fn questions_wait_in_a_bounded_line(house: House) {
    let pair = |number: u32| JobKind::ExplainPair {
        anchor: ProductId::new("tea").unwrap(),
        companion: ProductId::new(format!("mug-{number}")).unwrap(),
    };
    for number in 0..20 {
        ask(&house, pair(number)).await;
    }
    let full = house.store.enqueue_job(&house.context(), pair(20)).await;
    assert!(matches!(full, Err(StoreError::QuestionsFull(20))), "{full:?}");
    ask(&house, pair(7)).await;
    ask(&house, BUILD).await;
}

async fn a_waiting_build_is_not_asked_for_twice(house: House) {
    let first = ask(&house, BUILD).await;
    assert_eq!(ask(&house, BUILD).await, first);
    let claimed = claim(&house).await.unwrap();
    let second = ask(&house, BUILD).await;
    assert_ne!(second.id, first.id, "the first may have read its events already");
    house
        .store
        .finish_job(&claimed.lease, JobOutcome::Succeeded(GenerationNo(1)))
        .await
        .unwrap();
    assert_eq!(claim(&house).await.unwrap().job.id, second.id);
    let other = market("other");
    house.found(&other).await;
    let mut ctx = house.context();
    ctx.principal.marketplace = other;
    let third = ask(&house, BUILD).await;
    assert_ne!(house.store.enqueue_job(&ctx, BUILD).await.unwrap().id, third.id);
}

async fn a_collapse_that_anybody_accepts_is_accepted(house: House) {
    let first = ask(&house, BUILD).await;
    let joined = ask(&house, ACCEPTING).await;
    assert_eq!((&joined.id, joined.kind), (&first.id, ACCEPTING));
    assert_eq!(ask(&house, BUILD).await.kind, ACCEPTING);
    assert_eq!(claim(&house).await.unwrap().job.kind, ACCEPTING);
}

async fn rollbacks_are_all_done_in_their_order(house: House) {
    let asked = [ask(&house, rollback(2)).await, ask(&house, rollback(1)).await];
    assert_ne!(asked[0].id, asked[1].id);
    for job in asked {
        let claimed = claim(&house).await.unwrap();
        assert_eq!((&claimed.job.id, &claimed.job.kind), (&job.id, &job.kind));
        let JobKind::Rollback { generation } = job.kind else {
            panic!("a rollback")
        };
        house
            .store
            .finish_job(&claimed.lease, JobOutcome::Succeeded(generation))
            .await
            .unwrap();
    }
}

async fn one_request_asks_once(house: House) {
    let ctx = repeatable(house.context(), 1);
    let first = house.store.enqueue_job(&ctx, rollback(1)).await.unwrap();
    assert_eq!(house.store.enqueue_job(&ctx, rollback(1)).await.unwrap(), first);
    let other = house
        .store
        .enqueue_job(&repeatable(house.context(), 2), rollback(2))
        .await;
    assert!(matches!(other, Err(StoreError::RequestIdReused)), "{other:?}");
}

async fn a_job_needs_a_marketplace_and_is_seen_in_its_own_only(house: House) {
    let mut ctx = house.context();
    ctx.principal.marketplace = market("nowhere");
    let refused = house.store.enqueue_job(&ctx, BUILD).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound(Missing::Marketplace(_)))),
        "{refused:?}"
    );
    let id = ask(&house, BUILD).await.id;
    assert_eq!(house.store.job(&market("nowhere"), &id).await.unwrap(), None);
}

async fn a_worker_takes_the_kinds_that_it_can_do(house: House) {
    ask(&house, BUILD).await;
    let asked = ask(&house, rollback(1)).await;
    let claimed = house
        .store
        .claim_job("worker", &["rollback"], LEASE, NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claimed.job.id, asked.id);
    assert_eq!(
        house
            .store
            .claim_job("worker", &["rollback"], LEASE, NOW)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        house.store.claim_job("worker", &[], LEASE, NOW).await.unwrap(),
        None
    );
}

/// A rollback does not wait for a build; its fence is the higher one.
async fn jobs_of_one_kind_follow_each_other(house: House) {
    ask(&house, BUILD).await;
    let build = claim(&house).await.unwrap().lease;
    let second = ask(&house, BUILD).await;
    assert_eq!(claim(&house).await, None);
    ask(&house, rollback(1)).await;
    let rollback = claim(&house).await.unwrap().lease;
    assert!(rollback.fence > build.fence);
    house
        .store
        .finish_job(&build, JobOutcome::Failed("stopped".to_owned()))
        .await
        .unwrap();
    assert_eq!(claim(&house).await.unwrap().job.id, second.id);
}

async fn a_lease_that_ran_out_is_taken_over_and_fences_the_first(house: House) {
    let asked = ask(&house, BUILD).await;
    let first = claim(&house).await.unwrap().lease;
    house.leases_age(3_000).await;
    assert_eq!(claim(&house).await, None);
    house.leases_age(600).await;
    let second = claim_by(&house.elsewhere().await).await.unwrap();
    assert_eq!(second.job.id, asked.id);
    assert!(second.lease.fence > first.fence);
    assert!(is_lost(house.store.renew_job(&first, LEASE).await));
    assert!(is_lost(
        house
            .store
            .finish_job(&first, JobOutcome::Succeeded(GenerationNo(1)))
            .await
    ));
    let late = house
        .store
        .start_generation(&house.marketplace, GenerationKind::Epoch, 1, &first, after(10));
    assert!(is_lost(late.await));
    assert_eq!(look(&house, &asked.id).await.state, JobState::Running);
    house
        .store
        .finish_job(&second.lease, JobOutcome::Succeeded(GenerationNo(1)))
        .await
        .unwrap();
}

async fn a_renewed_lease_holds_longer(house: House) {
    ask(&house, BUILD).await;
    let lease = claim(&house).await.unwrap().lease;
    house.leases_age(3_000).await;
    let renewed = house.store.renew_job(&lease, LEASE).await.unwrap();
    assert_eq!(renewed.fence, lease.fence);
    assert!(left(&renewed) > LEASE / 2);
    house.leases_age(3_000).await;
    assert_eq!(claim(&house).await, None);
    // Nobody took it when it was over, so it is still the same worker's.
    house.leases_age(7_200).await;
    house.store.renew_job(&renewed, LEASE).await.unwrap();
    assert_eq!(claim(&house).await, None);
    house.leases_age(3_600).await;
    assert!(claim(&house).await.is_some());
}

async fn a_job_that_three_workers_lost_is_given_up(house: House) {
    let asked = ask(&house, BUILD).await;
    let mut leases = Vec::new();
    for _ in 0..3 {
        leases.push(claim(&house).await.unwrap().lease);
        house.leases_age(3_600).await;
    }
    assert!(leases.is_sorted_by(|a, b| a.fence < b.fence), "{leases:?}");
    let next = ask(&house, BUILD).await;
    let claimed = claim(&house).await.unwrap();
    assert_eq!(claimed.job.id, next.id, "it does not stand in the way");
    let failed = look(&house, &asked.id).await;
    assert_eq!(failed.state, JobState::Failed);
    assert!(
        failed.message.contains("3 attempts") && failed.message.contains("worker"),
        "{}",
        failed.message
    );
    assert!(is_lost(
        house
            .store
            .finish_job(&leases[2], JobOutcome::Succeeded(GenerationNo(1)))
            .await
    ));
}

async fn a_job_given_back_is_free_at_once_and_loses_no_attempt(house: House) {
    ask(&house, BUILD).await;
    for _ in 0..5 {
        let lease = claim(&house).await.unwrap().lease;
        house.store.renew_job(&lease, Duration::ZERO).await.unwrap();
    }
    assert!(claim(&house).await.is_some());
}

async fn what_a_lost_worker_was_building_has_failed(house: House) {
    let asked = ask(&house, BUILD).await;
    let lease = claim(&house).await.unwrap().lease;
    let started = house
        .store
        .start_generation(&house.marketplace, GenerationKind::Epoch, 1, &lease, NOW);
    let no = started.await.unwrap();
    assert_eq!(
        look(&house, &asked.id).await.generation,
        Some(no),
        "an operator sees it being made"
    );
    house.leases_age(3_600).await;
    let again = claim(&house).await.unwrap();
    assert_eq!((again.job.id, again.job.generation), (asked.id, None));
    let lost = house
        .store
        .generation(&house.marketplace, no)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lost.state, GenerationState::Failed);
    assert!(lost.message.contains("worker"), "{}", lost.message);
}
