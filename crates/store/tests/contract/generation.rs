//! Generations: published once, by whoever holds the lease, and kept while anything serves them.

use std::time::Duration;

use tandem_domain::generation::{
    BuildStats, Generation, GenerationKind, GenerationNo, GenerationState, Manifest, SegmentRef,
};
use tandem_store::{BuildScope, JobKind, JobOutcome, Lease, Missing, Result, StoreError, Unpublished};

use crate::house::House;
use crate::still::{NOW, after, market};

/// Far longer than a test takes.
pub(crate) const LEASE: Duration = Duration::from_secs(3_600);

pub(crate) fn segment(id: u64) -> SegmentRef {
    let (path, checksum) = (format!("segments/{id}"), format!("{id:064x}"));
    SegmentRef {
        id,
        path,
        checksum,
        bytes: 100 + id,
        records: id,
    }
}

pub(crate) fn manifest(no: GenerationNo, segments: &[u64]) -> Manifest {
    Manifest {
        generation: no,
        segments: segments.iter().copied().map(segment).collect(),
        codec: 1,
    }
}

pub(crate) fn stats() -> BuildStats {
    BuildStats {
        events: 10,
        edges: 7,
        read_seconds: 0.25,
        ..BuildStats::default()
    }
}

pub(crate) fn record() -> serde_json::Value {
    serde_json::json!({"window_days": 90, "total": 12.5})
}

pub(crate) async fn lease(house: &House, kind: JobKind) -> Lease {
    house
        .store
        .enqueue_job(&house.context(), kind.clone())
        .await
        .unwrap();
    claim(house, kind).await
}

pub(crate) async fn claim(house: &House, kind: JobKind) -> Lease {
    house
        .store
        .claim_job("worker", &[kind.name()], LEASE, NOW)
        .await
        .unwrap()
        .expect("a job waits")
        .lease
}

pub(crate) async fn build_lease(house: &House) -> Lease {
    lease(house, JobKind::build(BuildScope::Full)).await
}

pub(crate) async fn rollback_lease(house: &House, to: GenerationNo) -> Lease {
    lease(house, JobKind::Rollback { generation: to }).await
}

pub(crate) async fn start(house: &House, lease: &Lease) -> GenerationNo {
    house
        .store
        .start_generation(&house.marketplace, GenerationKind::Epoch, 7, lease, NOW)
        .await
        .unwrap()
}

pub(crate) async fn publish(house: &House, no: GenerationNo, lease: &Lease, segments: &[u64]) -> Result<()> {
    let (store, place, manifest) = (&house.store, &house.marketplace, manifest(no, segments));
    store
        .publish_generation(place, no, lease, &manifest, &stats(), &record(), after(3))
        .await
}

/// A build from its job to its publication.
pub(crate) async fn build(house: &House, segments: &[u64]) -> GenerationNo {
    let lease = build_lease(house).await;
    let no = start(house, &lease).await;
    publish(house, no, &lease, segments).await.unwrap();
    house
        .store
        .finish_job(&lease, JobOutcome::Succeeded(no))
        .await
        .unwrap();
    no
}

pub(crate) async fn look(house: &House, no: GenerationNo) -> Generation {
    house
        .store
        .generation(&house.marketplace, no)
        .await
        .unwrap()
        .unwrap()
}

pub(crate) async fn serving(house: &House) -> Option<(GenerationNo, u64)> {
    let serving = house.store.serving(&house.marketplace).await.unwrap();
    let plain = house.store.serving_generation(&house.marketplace).await.unwrap();
    assert_eq!(
        serving.as_ref().map(|serving| &serving.generation),
        plain.as_ref()
    );
    assert!(serving.as_ref().is_none_or(|serving| serving.generation.serving));
    serving.map(|serving| (serving.generation.no, serving.fence))
}

pub(crate) async fn retire(house: &House, keep: u32) -> Vec<u64> {
    let segments = house
        .store
        .retire_generations(&house.marketplace, keep)
        .await
        .unwrap();
    for gone in &segments {
        assert_eq!(*gone, segment(gone.id), "as it was published");
    }
    let mut ids: Vec<_> = segments.into_iter().map(|segment| segment.id).collect();
    ids.sort_unstable();
    ids
}

pub(crate) async fn with_manifests(house: &House) -> Vec<u64> {
    let all = house
        .store
        .generations(&house.marketplace, None, 100)
        .await
        .unwrap();
    all.iter()
        .filter(|generation| generation.manifest.is_some())
        .map(|generation| generation.no.0)
        .collect()
}

pub(crate) fn is_lost<T: std::fmt::Debug>(result: Result<T>) -> bool {
    matches!(result, Err(StoreError::LeaseLost))
}

pub(crate) fn is_missing<T: std::fmt::Debug>(result: Result<T>) -> bool {
    matches!(result, Err(StoreError::NotFound(Missing::Generation(_))))
}

over_both! {
    a_generation_is_built_and_then_served_whole,
    a_generation_ends_once,
    a_refused_publication_changes_nothing,
    whoever_lost_the_lease_publishes_and_serves_nothing,
    a_lease_is_good_for_its_own_marketplace,
}

async fn a_generation_is_built_and_then_served_whole(house: House) {
    let lease = build_lease(&house).await;
    let no = start(&house, &lease).await;
    let building = Generation {
        no,
        kind: GenerationKind::Epoch,
        state: GenerationState::Building,
        serving: false,
        watermark: 7,
        manifest: None,
        stats: BuildStats::default(),
        message: String::new(),
        created: NOW,
        published: None,
    };
    assert_eq!(look(&house, no).await, building);
    assert_eq!(serving(&house).await, None);
    assert_eq!(
        house.store.epoch_record(&house.marketplace, no).await.unwrap(),
        None
    );

    publish(&house, no, &lease, &[2, 1]).await.unwrap();
    let published = Generation {
        state: GenerationState::Published,
        serving: true,
        manifest: Some(manifest(no, &[2, 1])),
        stats: stats(),
        published: Some(after(3)),
        ..building
    };
    assert_eq!(look(&house, no).await, published);
    assert_eq!(serving(&house).await, Some((no, lease.fence)));
    assert_eq!(
        house.store.epoch_record(&house.marketplace, no).await.unwrap(),
        Some(record())
    );
    let told = (
        "worker".to_owned(),
        "publish_generation".to_owned(),
        String::new(),
    );
    assert_eq!(house.deeds().await.last(), Some(&told));
}

async fn a_generation_ends_once(house: House) {
    let (place, lease) = (house.marketplace.clone(), build_lease(&house).await);
    for (ending, state) in [
        (Unpublished::Refused, GenerationState::Refused),
        (Unpublished::Failed, GenerationState::Failed),
    ] {
        let no = start(&house, &lease).await;
        house
            .store
            .end_generation(&place, no, ending, &stats(), "collapsed", after(1))
            .await
            .unwrap();
        let ended = look(&house, no).await;
        assert_eq!(
            (ended.state, ended.stats, ended.message.as_str()),
            (state, stats(), "collapsed")
        );
        assert_eq!((ended.manifest, ended.published), (None, None));
        assert!(is_missing(publish(&house, no, &lease, &[1]).await));
        assert!(is_missing(
            house
                .store
                .end_generation(&place, no, ending, &stats(), "", NOW)
                .await
        ));
    }
    let no = start(&house, &lease).await;
    publish(&house, no, &lease, &[1]).await.unwrap();
    assert!(is_missing(publish(&house, no, &lease, &[1]).await));
    let failed = house
        .store
        .end_generation(&place, no, Unpublished::Failed, &stats(), "", NOW)
        .await;
    assert!(is_missing(failed), "what is published stays published");
    let none = GenerationNo(u64::MAX);
    assert!(is_missing(
        house
            .store
            .end_generation(&place, none, Unpublished::Failed, &stats(), "", NOW)
            .await
    ));
    assert_eq!(house.store.generation(&place, none).await.unwrap(), None);
}

async fn a_refused_publication_changes_nothing(house: House) {
    let old = build(&house, &[1]).await;
    let before = serving(&house).await;
    let lease = build_lease(&house).await;
    let no = start(&house, &lease).await;
    let strange = manifest(old, &[2]);
    let refused = house
        .store
        .publish_generation(&house.marketplace, no, &lease, &strange, &stats(), &record(), NOW)
        .await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert!(is_missing(publish(&house, GenerationNo(99), &lease, &[2]).await));
    assert_eq!(serving(&house).await, before);
    assert_eq!(look(&house, no).await.state, GenerationState::Building);
    assert_eq!(
        retire(&house, 1).await,
        [0_u64; 0],
        "the refused segments were never noted"
    );
}

async fn whoever_lost_the_lease_publishes_and_serves_nothing(house: House) {
    let old = build(&house, &[1]).await;
    let before = serving(&house).await;
    let kind = JobKind::build(BuildScope::Full);
    let late = build_lease(&house).await;
    let no = start(&house, &late).await;
    house.leases_age(3_600).await;
    let quick = claim(&house, kind).await;
    assert!(is_lost(publish(&house, no, &late, &[2]).await));
    assert!(is_lost(
        house
            .store
            .serve_generation(&house.marketplace, old, &late, after(10))
            .await
    ));
    assert_eq!(serving(&house).await, before);
    let next = start(&house, &quick).await;
    publish(&house, next, &quick, &[3]).await.unwrap();
    assert_eq!(serving(&house).await, Some((next, quick.fence)));
    assert!(is_lost(publish(&house, no, &late, &[2]).await));
    house
        .store
        .finish_job(&quick, JobOutcome::Succeeded(next))
        .await
        .unwrap();
    assert!(
        is_lost(publish(&house, next, &quick, &[3]).await),
        "the job has ended"
    );
}

async fn a_lease_is_good_for_its_own_marketplace(house: House) {
    let lease = build_lease(&house).await;
    let other = market("other");
    house.found(&other).await;
    assert!(is_lost(
        house
            .store
            .start_generation(&other, GenerationKind::Epoch, 1, &lease, NOW)
            .await
    ));
}
