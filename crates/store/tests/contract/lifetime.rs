//! Sweeping what is kept for a time only.

use std::time::Duration;

use tandem_domain::generation::GenerationNo;
use tandem_store::{BuildScope, JobKind, JobOutcome, Kept, RequestId, Undeliverable, WriteContext};

use super::generation::{build_lease, rollback_lease};
use crate::house::{House, delta, set};

over_both! {
    only_what_is_older_is_swept_in_bounded_batches,
    a_delta_counts_once_as_long_as_its_key_is_kept,
    an_answer_is_repeated_as_long_as_it_is_kept,
    dead_letters_are_swept,
    jobs_are_swept_once_they_have_ended,
    an_import_that_nobody_goes_on_with_is_forgotten,
    rows_of_the_outbox_are_swept_up_to_a_number,
}

async fn only_what_is_older_is_swept_in_bounded_batches(house: House) {
    house.put_product("p", &["k"]).await;
    for key in ["a", "b", "c"] {
        house.report(&[delta("k", key, 1)]).await;
    }
    let between = house.now();
    house.report(&[delta("k", "d", 1)]).await;
    let sweep = async |max| house.store.sweep(Kept::StockDeltas, between, max).await.unwrap();
    assert_eq!((sweep(2).await, sweep(2).await, sweep(2).await), (2, 1, 0));
}

async fn a_delta_counts_once_as_long_as_its_key_is_kept(house: House) {
    house.put_product("p", &["k"]).await;
    let begun = house.now();
    house.report(&[delta("k", "a", 5)]).await;
    house.store.sweep(Kept::StockDeltas, begun, 100).await.unwrap();
    house.report(&[delta("k", "a", 5)]).await;
    assert_eq!(house.levels(&["k"]).await[0].available, 5);
}

async fn an_answer_is_repeated_as_long_as_it_is_kept(house: House) {
    house.put_product("p", &["k"]).await;
    let asked = |id: &str| WriteContext {
        request: Some(RequestId {
            id: id.to_owned(),
            method: "ReportStock",
            body_hash: [1; 32],
        }),
        ..house.ctx()
    };
    let begun = house.now();
    for id in ["r1", "r2"] {
        house
            .store
            .report_stock(&asked(id), &[set("k", 1, 4)])
            .await
            .unwrap();
    }
    let sweep = async |before| house.store.sweep(Kept::RequestIds, before, 10).await.unwrap();
    assert_eq!(sweep(begun).await, 0);
    assert_eq!(sweep(house.now()).await, 2);
}

async fn dead_letters_are_swept(house: House) {
    let letter = Undeliverable {
        store_epoch: 1,
        traceparent: String::new(),
        change: "?".to_owned(),
        attempts: 1,
        reason: "unreadable".to_owned(),
    };
    let set_aside = house.now();
    house
        .store
        .set_aside(&house.marketplace, &letter, set_aside)
        .await
        .unwrap();
    let sweep = async |before| house.store.sweep(Kept::DeadLetters, before, 10).await.unwrap();
    assert_eq!(sweep(set_aside).await, 0);
    assert_eq!(sweep(set_aside.plus(Duration::from_millis(1))).await, 1);
}

async fn jobs_are_swept_once_they_have_ended(house: House) {
    let [running, ended] = [
        build_lease(&house).await,
        rollback_lease(&house, GenerationNo(1)).await,
    ];
    let store = &house.store;
    store
        .finish_job(&ended, JobOutcome::Failed("there is none".to_owned()))
        .await
        .unwrap();
    let waiting = store
        .enqueue_job(&house.context(), JobKind::build(BuildScope::Full))
        .await
        .unwrap();
    let sweep = async |before| store.sweep(Kept::EndedJobs, before, 10).await.unwrap();
    assert_eq!(sweep(ended.until).await, 0);
    assert_eq!(sweep(ended.until.plus(Duration::from_secs(3_600))).await, 1);
    let known = async |id| store.job(&house.marketplace, id).await.unwrap().is_some();
    assert!(!known(&ended.job).await);
    assert!(known(&running.job).await && known(&waiting.id).await);
}

async fn an_import_that_nobody_goes_on_with_is_forgotten(house: House) {
    let (store, marketplace) = (&house.store, &house.marketplace);
    let noted = [house.now(), house.now()];
    for (file, now) in ["old", "young"].into_iter().zip(noted) {
        store
            .note_imported_rows(marketplace, file, 500, now)
            .await
            .unwrap();
    }
    let swept = store.sweep(Kept::ImportProgress, noted[1], 10).await.unwrap();
    assert_eq!(swept, 1);
    let rows = async |file| store.imported_rows(marketplace, file).await.unwrap();
    assert_eq!((rows("old").await, rows("young").await), (0, 500));
}

async fn rows_of_the_outbox_are_swept_up_to_a_number(house: House) {
    house.relay().await;
    assert_eq!(house.store.newest_in_outbox().await.unwrap(), None);
    house.put_product("p", &["k"]).await;
    let newest = house.store.newest_in_outbox().await.unwrap().unwrap();
    house.report(&[set("k", 1, 4)]).await;
    let mut swept = 0;
    while let batch @ 1.. = house.store.sweep_outbox(newest, 1).await.unwrap() {
        swept += batch;
    }
    assert!(swept > 0);
    assert_eq!(house.changes().await.len(), 1, "what came later stays");
}
