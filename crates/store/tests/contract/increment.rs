//! Increments: what came between two watermarks, generations over a base, and what of them is kept.

use futures::TryStreamExt as _;
use tandem_domain::generation::{GenerationKind, GenerationNo};
use tandem_store::{BuildScope, JobKind, JobOutcome, Pending, Result};

use crate::generation::{
    build, build_lease, lease, look, manifest, record, retire, rollback_lease, serving, stats, with_manifests,
};
use crate::house::{House, purchase};
use crate::job::{ACCEPTING, ask};
use crate::still::{NOW, after};

over_both! {
    what_came_between_two_watermarks_is_scanned_alone,
    what_waits_is_counted_from_the_first_of_it,
    an_increment_stands_on_what_is_on_serve,
    an_increment_has_the_record_of_its_base,
    of_earlier_bases_the_last_state_is_kept,
    records_go_with_the_last_generation_under_them,
    the_newest_of_a_kind_is_found,
    a_waiting_build_does_what_all_who_asked_want,
}

async fn between(house: &House, after: u64, up_to: u64) -> Vec<String> {
    let scan = house.store.scan_events_between(&house.marketplace, after, up_to);
    let pages: Vec<_> = scan.try_collect().await.unwrap();
    let mut products: Vec<_> = pages.into_iter().flat_map(|page| page.products).collect();
    products.sort();
    products
}

async fn what_came_between_two_watermarks_is_scanned_alone(house: House) {
    // The second batch is of old days and of new ones, the third of more than a page.
    let many: Vec<_> = (0..20_000)
        .map(|n| purchase(&format!("m{n}"), "many", "o", 1))
        .collect();
    for events in [
        vec![purchase("a", "first", "o", 0)],
        vec![purchase("b", "old", "o", -300), purchase("c", "new", "o", 3)],
        many,
        vec![purchase("d", "last", "o", 0)],
    ] {
        house
            .store
            .import_events(&house.marketplace, &events, house.now())
            .await
            .unwrap();
    }
    assert_eq!(between(&house, 0, 9).await, [""; 0], "nothing is numbered yet");
    house
        .store
        .fold_events(&house.marketplace, 100, house.now())
        .await
        .unwrap();
    assert_eq!(between(&house, 1, 2).await, ["new", "old"]);
    assert_eq!(between(&house, 3, 9).await, ["last"]);
    assert_eq!(between(&house, 1, 4).await.len(), 20_003);
    assert_eq!(between(&house, 0, 2).await, ["first", "new", "old"]);
    assert_eq!(between(&house, 4, 4).await, [""; 0]);
}

async fn what_waits_is_counted_from_the_first_of_it(house: House) {
    let pending = async |after| {
        house
            .store
            .pending_events(&house.marketplace, after)
            .await
            .unwrap()
    };
    let mut times = Vec::new();
    for id in ["a", "b", "c"] {
        let events = [
            purchase(id, "p", "o", 0),
            purchase(&format!("{id}2"), "p", "o", 0),
        ];
        times.push(house.now());
        house
            .store
            .import_events(&house.marketplace, &events, times[times.len() - 1])
            .await
            .unwrap();
    }
    assert_eq!(pending(0).await, Pending::default(), "nothing is numbered yet");
    house
        .store
        .fold_events(&house.marketplace, 100, house.now())
        .await
        .unwrap();
    let waits = |events, since| Pending {
        events,
        since: Some(since),
    };
    assert_eq!(pending(0).await, waits(6, times[0]));
    assert_eq!(pending(2).await, waits(2, times[2]));
    assert_eq!(pending(3).await, Pending::default());
}

/// An increment over `over`, from its job to its publication.
async fn try_increment(house: &House, over: GenerationNo, segments: &[u64]) -> (GenerationNo, Result<()>) {
    let lease = lease(house, JobKind::build(BuildScope::Increment)).await;
    let (store, place) = (&house.store, &house.marketplace);
    let no = store
        .start_generation(place, GenerationKind::Increment, 8, &lease, NOW)
        .await
        .unwrap();
    let published = store
        .publish_increment(
            place,
            no,
            &lease,
            &manifest(no, segments),
            &stats(),
            over,
            after(3),
        )
        .await;
    let outcome = match &published {
        Ok(()) => JobOutcome::Succeeded(no),
        Err(error) => JobOutcome::Failed(error.to_string()),
    };
    store.finish_job(&lease, outcome).await.unwrap();
    (no, published)
}

pub(crate) async fn increment(house: &House, over: GenerationNo, segments: &[u64]) -> GenerationNo {
    let (no, published) = try_increment(house, over, segments).await;
    published.unwrap();
    no
}

async fn an_increment_stands_on_what_is_on_serve(house: House) {
    let first = build(&house, &[1]).await;
    let second = build(&house, &[2]).await;
    let (_, refused) = try_increment(&house, first, &[3, 1]).await;
    assert!(crate::generation::is_lost(refused));
    assert_eq!(serving(&house).await.unwrap().0, second);
    let third = increment(&house, second, &[4, 2]).await;
    let generation = look(&house, third).await;
    assert_eq!(
        (generation.kind, generation.serving),
        (GenerationKind::Increment, true)
    );
    assert_eq!(generation.manifest.unwrap().base(), Some(second));

    // Rolled back, it goes on from there.
    let lease = rollback_lease(&house, first).await;
    house
        .store
        .serve_generation(&house.marketplace, first, &lease, NOW)
        .await
        .unwrap();
    let (_, refused) = try_increment(&house, third, &[5, 4, 2]).await;
    assert!(crate::generation::is_lost(refused));
    increment(&house, first, &[6, 1]).await;
}

async fn an_increment_has_the_record_of_its_base(house: House) {
    let base = build(&house, &[1]).await;
    let over = increment(&house, base, &[2, 1]).await;
    let found = house.store.epoch_record(&house.marketplace, over).await.unwrap();
    assert_eq!(found, Some(record()));
}

/// Two bases with two increments each; the segments of generation n bear its number.
async fn two_bases(house: &House) {
    for base in [1, 4] {
        let mut over = build(house, &[base]).await;
        for segments in [&[base + 1, base][..], &[base + 2, base + 1, base]] {
            over = increment(house, over, segments).await;
        }
    }
}

async fn of_earlier_bases_the_last_state_is_kept(house: House) {
    two_bases(&house).await;
    assert_eq!(retire(&house, 5).await, [0_u64; 0]);
    assert_eq!(
        with_manifests(&house).await,
        [6, 5, 4, 3],
        "every state over the newest base, the last one over the base before"
    );
    assert_eq!(retire(&house, 1).await, [1, 2, 3]);
    assert_eq!(with_manifests(&house).await, [6, 5, 4]);
    let named: Vec<_> = house.store.segments(&house.marketplace).await.unwrap();
    let mut named: Vec<_> = named.into_iter().map(|segment| segment.id).collect();
    named.sort_unstable();
    assert_eq!(named, [4, 5, 6]);
}

async fn records_go_with_the_last_generation_under_them(house: House) {
    two_bases(&house).await;
    let has_record = async |no| {
        let record = house
            .store
            .epoch_record(&house.marketplace, GenerationNo(no))
            .await;
        record.unwrap().is_some()
    };
    retire(&house, 2).await;
    assert!(
        has_record(1).await && has_record(3).await,
        "a kept one lies over it"
    );
    assert!(
        !has_record(2).await,
        "a retired one does not say over what it lay"
    );
    retire(&house, 1).await;
    assert!(!has_record(1).await && !has_record(3).await);
    assert!(has_record(4).await && has_record(6).await);
}

async fn the_newest_of_a_kind_is_found(house: House) {
    let last = async |kind| {
        let last = house.store.last_generation(&house.marketplace, kind).await;
        last.unwrap().map(|generation| generation.no)
    };
    assert_eq!(last(GenerationKind::Epoch).await, None);
    let base = build(&house, &[1]).await;
    let over = increment(&house, base, &[2, 1]).await;
    assert_eq!(last(GenerationKind::Epoch).await, Some(base));
    assert_eq!(last(GenerationKind::Increment).await, Some(over));
}

async fn a_waiting_build_does_what_all_who_asked_want(house: House) {
    const INCREMENT: JobKind = JobKind::build(BuildScope::Increment);
    let asked = ask(&house, INCREMENT).await;
    assert_eq!(ask(&house, INCREMENT).await, asked);
    let fuller = ask(&house, JobKind::build(BuildScope::Full)).await;
    assert_eq!(
        (&fuller.id, fuller.kind),
        (&asked.id, JobKind::build(BuildScope::Full))
    );
    assert_eq!(
        ask(&house, INCREMENT).await.kind,
        JobKind::build(BuildScope::Full)
    );
    assert_eq!(ask(&house, ACCEPTING).await.kind, ACCEPTING);
    assert_eq!(ask(&house, INCREMENT).await.kind, ACCEPTING);
    // A job of before there were increments.
    let old: JobKind = serde_json::from_str(r#"{"kind":"build","accept_collapse":true}"#).unwrap();
    assert_eq!(old, ACCEPTING);
    build_lease(&house).await;
}
