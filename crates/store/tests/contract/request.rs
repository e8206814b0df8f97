//! Request ids: the first answer, again.

use futures::future::join_all;
use tandem_store::{RequestId, StoreError, WriteContext};

use crate::house::{House, delta, purchase, set, upsert};

over_both! {
    a_repeated_request_gets_the_first_answer,
    another_body_under_the_same_id_is_refused,
    ids_of_other_callers_and_calls_do_not_meet,
    a_request_that_failed_may_come_again,
    calls_at_the_same_time_are_applied_once,
}

fn with_id(ctx: WriteContext, id: &str, method: &'static str, body: u8) -> WriteContext {
    WriteContext {
        request: Some(RequestId {
            id: id.to_owned(),
            method,
            body_hash: [body; 32],
        }),
        ..ctx
    }
}

async fn a_repeated_request_gets_the_first_answer(house: House) {
    house.put_product("p", &["k"]).await;
    let first = with_id(house.ctx(), "r1", "ReportStock", 1);
    let answer = house
        .store
        .report_stock(&first, &[delta("k", "a", 5)])
        .await
        .unwrap();
    assert!(answer[0].applied);
    house.report(&[delta("k", "b", 5)]).await;
    house.relay().await;
    // Its own key aside, the delta would apply again: not the report is recognised but the request.
    let again = with_id(house.ctx(), "r1", "ReportStock", 1);
    assert_eq!(
        house
            .store
            .report_stock(&again, &[delta("k", "c", 5)])
            .await
            .unwrap(),
        answer
    );
    assert_eq!(house.levels(&["k"]).await[0].available, 10);
    assert_eq!(house.changes().await, []);

    let first = with_id(house.ctx(), "r2", "ReportEvents", 1);
    let events = [purchase("e1", "p", "o1", 0)];
    let counts = house.store.record_events(&first, &events).await.unwrap();
    assert_eq!((counts.stored, counts.duplicates), (1, 0));
    assert_eq!(house.store.record_events(&first, &events).await.unwrap(), counts);

    let first = with_id(house.ctx(), "r3", "BatchUpsertProducts", 1);
    let products = house.store.upsert_products(&first, &[upsert("q")]).await.unwrap();
    let other = tandem_store::ProductUpsert {
        etag: Some(99),
        ..upsert("q")
    };
    assert_eq!(
        house.store.upsert_products(&first, &[other]).await.unwrap(),
        products
    );
}

async fn another_body_under_the_same_id_is_refused(house: House) {
    house.put_product("p", &["k"]).await;
    house
        .store
        .report_stock(&with_id(house.ctx(), "r", "ReportStock", 1), &[set("k", 1, 5)])
        .await
        .unwrap();
    let other = with_id(house.ctx(), "r", "ReportStock", 2);
    let refused = house.store.report_stock(&other, &[set("k", 2, 6)]).await;
    assert!(matches!(refused, Err(StoreError::RequestIdReused)), "{refused:?}");
    assert_eq!(house.levels(&["k"]).await[0].available, 5);
}

async fn ids_of_other_callers_and_calls_do_not_meet(house: House) {
    house.put_product("p", &["k"]).await;
    let mine = with_id(house.ctx(), "r", "ReportStock", 1);
    house
        .store
        .report_stock(&mine, &[delta("k", "a", 1)])
        .await
        .unwrap();
    let mut colleague = with_id(house.ctx(), "r", "ReportStock", 2);
    colleague.principal.subject = "colleague".to_owned();
    house
        .store
        .report_stock(&colleague, &[delta("k", "b", 1)])
        .await
        .unwrap();
    let elsewhere = with_id(house.ctx_of("s2"), "r", "ReportStock", 3);
    house
        .store
        .report_stock(&elsewhere, &[delta("l", "a", 1)])
        .await
        .unwrap();
    let other_call = with_id(house.ctx(), "r", "ReportEvents", 4);
    house
        .store
        .record_events(&other_call, &[purchase("e", "p", "o", 0)])
        .await
        .unwrap();
    assert_eq!(house.levels(&["k"]).await[0].available, 2);
}

async fn a_request_that_failed_may_come_again(house: House) {
    house.put_product("p", &["k"]).await;
    house.report(&[set("k", 1, 5)]).await;
    let ctx = with_id(house.ctx(), "r", "ReportStock", 1);
    let refused = house.store.report_stock(&ctx, &[set("k", 1, 6)]).await;
    assert!(
        matches!(refused, Err(StoreError::VersionConflict { .. })),
        "{refused:?}"
    );
    let taken = house.store.report_stock(&ctx, &[set("k", 2, 6)]).await.unwrap();
    assert!(taken[0].applied);
}

async fn calls_at_the_same_time_are_applied_once(house: House) {
    house.put_product("p", &["k"]).await;
    let answers = join_all((0..12).map(|n| {
        let (ctx, report) = (
            with_id(house.ctx(), "r", "ReportStock", 1),
            [delta("k", &format!("d{n}"), 1)],
        );
        let store = &house.store;
        async move { store.report_stock(&ctx, &report).await.unwrap() }
    }))
    .await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(house.levels(&["k"]).await[0].available, 1);
}
