//! Generations that were published before: served again, listed, retired.

use tandem_domain::generation::{GenerationNo, GenerationState};
use tandem_store::{BuildScope, JobKind, JobState, StoreError, Unpublished};

use crate::generation::{
    LEASE, build, build_lease, claim, is_lost, is_missing, look, manifest, publish, retire, rollback_lease,
    serving, start, stats, with_manifests,
};
use crate::house::House;
use crate::still::{NOW, market};

over_both! {
    an_earlier_claim_does_not_replace_what_a_later_one_put_on_serve,
    a_rollback_serves_what_was_published,
    only_what_was_published_can_be_served,
    a_job_whose_generation_is_on_serve_is_not_done_again,
    a_rollback_whose_worker_died_is_not_done_again,
    generations_are_listed_newest_first,
    retiring_keeps_the_newest_and_names_what_nobody_needs,
    what_is_on_serve_is_never_retired,
    marketplaces_retire_for_themselves,
}

/// The operator who rolled back has the last word over a build that began before.
async fn an_earlier_claim_does_not_replace_what_a_later_one_put_on_serve(house: House) {
    let old = build(&house, &[1]).await;
    build(&house, &[2]).await;
    let slow = build_lease(&house).await;
    let no = start(&house, &slow).await;
    let quick = rollback_lease(&house, old).await;
    assert!(quick.fence > slow.fence);
    house
        .store
        .serve_generation(&house.marketplace, old, &quick, NOW)
        .await
        .unwrap();
    assert!(is_lost(publish(&house, no, &slow, &[3]).await));
    assert_eq!(serving(&house).await, Some((old, quick.fence)));
    assert_eq!(look(&house, no).await.state, GenerationState::Building);
}

async fn a_rollback_serves_what_was_published(house: House) {
    let (first, second) = (build(&house, &[1]).await, build(&house, &[2]).await);
    let lease = rollback_lease(&house, first).await;
    let served = house
        .store
        .serve_generation(&house.marketplace, first, &lease, NOW)
        .await
        .unwrap();
    assert_eq!(
        (served.no, served.serving, &served.manifest),
        (first, true, &Some(manifest(first, &[1])))
    );
    assert_eq!(served, look(&house, first).await);
    assert!(!look(&house, second).await.serving);
    assert_eq!(serving(&house).await, Some((first, lease.fence)));
    let told = ("worker".to_owned(), "serve_generation".to_owned(), String::new());
    assert_eq!(house.deeds().await.last(), Some(&told));
}

async fn only_what_was_published_can_be_served(house: House) {
    let place = house.marketplace.clone();
    let kept = build(&house, &[1]).await;
    let lease = build_lease(&house).await;
    let before = serving(&house).await;
    let no = start(&house, &lease).await;
    let refused = house.store.serve_generation(&place, no, &lease, NOW).await;
    assert!(
        matches!(refused, Err(StoreError::NotPublished(named)) if named == no),
        "{refused:?}"
    );
    house
        .store
        .end_generation(&place, no, Unpublished::Refused, &stats(), "", NOW)
        .await
        .unwrap();
    let refused = house.store.serve_generation(&place, no, &lease, NOW).await;
    assert!(matches!(refused, Err(StoreError::NotPublished(_))), "{refused:?}");
    assert!(is_missing(
        house
            .store
            .serve_generation(&place, GenerationNo(99), &lease, NOW)
            .await
    ));
    assert_eq!(serving(&house).await, before);
    let next = start(&house, &lease).await;
    publish(&house, next, &lease, &[2]).await.unwrap();
    retire(&house, 1).await;
    let refused = house.store.serve_generation(&place, kept, &lease, NOW).await;
    assert!(
        matches!(refused, Err(StoreError::NotPublished(_))),
        "its segments may be gone: {refused:?}"
    );
}

async fn a_job_whose_generation_is_on_serve_is_not_done_again(house: House) {
    let kind = JobKind::build(BuildScope::Full);
    let job = house
        .store
        .enqueue_job(&house.context(), kind.clone())
        .await
        .unwrap();
    let died = claim(&house, kind).await;
    let no = start(&house, &died).await;
    publish(&house, no, &died, &[1]).await.unwrap();
    house.leases_age(7_200).await;
    let next = house
        .store
        .claim_job("worker", &["build"], LEASE, NOW)
        .await
        .unwrap();
    assert_eq!(next, None);
    let done = house
        .store
        .job(&house.marketplace, &job.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((done.state, done.generation), (JobState::Succeeded, Some(no)));
}

/// Done again, it would undo what was published since.
async fn a_rollback_whose_worker_died_is_not_done_again(house: House) {
    let old = build(&house, &[1]).await;
    build(&house, &[2]).await;
    let died = rollback_lease(&house, old).await;
    house
        .store
        .serve_generation(&house.marketplace, old, &died, NOW)
        .await
        .unwrap();
    let newest = build(&house, &[3]).await;
    house.leases_age(7_200).await;
    let next = house
        .store
        .claim_job("worker", &["rollback"], LEASE, NOW)
        .await
        .unwrap();
    assert_eq!(next, None);
    assert_eq!(serving(&house).await.unwrap().0, newest);
}

async fn generations_are_listed_newest_first(house: House) {
    let mut made = Vec::new();
    for id in 1..=4 {
        made.push(build(&house, &[id]).await);
    }
    made.reverse();
    assert!(made.is_sorted_by(|a, b| a > b), "{made:?}");
    let page = async |before, limit| {
        let page = house
            .store
            .generations(&house.marketplace, before, limit)
            .await
            .unwrap();
        page.into_iter()
            .map(|generation| generation.no)
            .collect::<Vec<_>>()
    };
    assert_eq!(page(None, 100).await, made);
    assert_eq!(page(None, 2).await, made[..2]);
    assert_eq!(page(Some(made[1]), 2).await, made[2..]);
    assert_eq!(page(Some(made[3]), 2).await, []);
    assert_eq!(
        house
            .store
            .generations(&market("nowhere"), None, 9)
            .await
            .unwrap(),
        []
    );
}

async fn retiring_keeps_the_newest_and_names_what_nobody_needs(house: House) {
    // A base with its deltas, then a new base.
    for segments in [&[1][..], &[2, 1], &[3, 2, 1], &[4]] {
        build(&house, segments).await;
    }
    assert_eq!(retire(&house, 4).await, [0_u64; 0]);
    assert_eq!(
        retire(&house, 2).await,
        [0_u64; 0],
        "the third still needs all that the first had"
    );
    assert_eq!(with_manifests(&house).await, [4, 3]);
    assert_eq!(retire(&house, 1).await, [1, 2, 3]);
    assert_eq!(with_manifests(&house).await, [4]);
    assert_eq!(retire(&house, 1).await, [0_u64; 0], "each is named once");
    assert_eq!(
        look(&house, GenerationNo(1)).await.state,
        GenerationState::Published
    );
}

async fn what_is_on_serve_is_never_retired(house: House) {
    let old = build(&house, &[1]).await;
    for id in 2..=4 {
        build(&house, &[id]).await;
    }
    let lease = rollback_lease(&house, old).await;
    house
        .store
        .serve_generation(&house.marketplace, old, &lease, NOW)
        .await
        .unwrap();
    assert_eq!(retire(&house, 1).await, [2, 3]);
    assert_eq!(with_manifests(&house).await, [4, 1]);
    assert_eq!(retire(&house, 0).await, [4]);
    assert_eq!(serving(&house).await, Some((old, lease.fence)));
    assert_eq!(look(&house, old).await.manifest, Some(manifest(old, &[1])));
}

async fn marketplaces_retire_for_themselves(house: House) {
    build(&house, &[1]).await;
    house.found(&market("other")).await;
    assert_eq!(
        house.store.retire_generations(&market("other"), 0).await.unwrap(),
        []
    );
    assert_eq!(with_manifests(&house).await, [1]);
}
