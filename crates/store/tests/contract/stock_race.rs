//! Stock under concurrency: nothing is lost, nobody is told of contention.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tandem_domain::stock::{Pool, StockReport};
use tokio::task::JoinSet;

use super::stock::stock_changes;
use crate::house::{House, connect, delta, set, sku};

over_both! {
    deltas_and_sets_of_many_writers_add_up,
    deltas_to_a_pool_that_comes_into_being_add_up,
    sixteen_writers_on_the_same_rows_never_see_contention,
    writers_of_several_processes_never_see_contention,
    a_sku_that_is_created_while_stock_is_reported_does_not_miss_it,
    a_cancelled_write_harms_nobody,
    any_order_and_repetition_of_sets_ends_at_the_highest_version,
}

async fn deltas_and_sets_of_many_writers_add_up(house: House) {
    house.put_product("p", &["k", "l"]).await;
    house.relay().await;
    let house = Arc::new(house);
    let mut writers = JoinSet::new();
    for writer in 0..8_u64 {
        let house = Arc::clone(&house);
        writers.spawn(async move {
            for step in 0..10_u64 {
                let key = format!("{writer}-{step}");
                // Both rows in both orders: locks taken as they come would deadlock.
                let mut reports = vec![
                    delta("k", &key, 1),
                    set("l", writer * 10 + step + 1, 0),
                    delta("l", &key, 1),
                ];
                if writer % 2 == 0 {
                    reports.reverse();
                }
                house.store.report_stock(&house.ctx(), &reports).await.unwrap();
                // Once more: each counts once.
                house
                    .store
                    .report_stock(&house.ctx(), &reports[..1])
                    .await
                    .unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(house.levels(&["k"]).await[0].available, 80);
    // Every version was sent, and the last one says what stands.
    let changes = stock_changes(house.changes().await);
    for sku in ["k", "l"] {
        let level = house.levels(&[sku]).await.remove(0);
        let newest = changes
            .iter()
            .filter(|change| change.sku.as_str() == sku)
            .max_by_key(|change| change.store_version)
            .unwrap();
        assert_eq!(
            (newest.available, newest.store_version),
            (level.available, level.store_version)
        );
    }
}

async fn deltas_to_a_pool_that_comes_into_being_add_up(house: House) {
    let skus: Vec<String> = (0..8).map(|sku| format!("k{sku}")).collect();
    let names: Vec<&str> = skus.iter().map(String::as_str).collect();
    house.put_product("p", &names).await;
    let stocked: Vec<StockReport> = skus.iter().map(|sku| set(sku, 1, 1)).collect();
    house.store.report_stock(&house.ctx(), &stocked).await.unwrap();
    let house = Arc::new(house);
    for sku in &skus {
        let mut writers = JoinSet::new();
        for writer in 0..6 {
            let (house, store) = (Arc::clone(&house), connect(&house.url).await);
            let held = StockReport {
                pool: Pool::Held,
                ..delta(sku, &format!("{writer}"), 1)
            };
            writers.spawn(async move {
                store.report_stock(&house.ctx(), &[held]).await.unwrap();
                store.close().await;
            });
        }
        writers.join_all().await;
        let levels = house.levels(&[sku]).await;
        let held = levels.iter().find(|level| level.pool == Pool::Held).unwrap();
        assert_eq!(held.available, 6, "{levels:?}");
    }
}

async fn sixteen_writers_on_the_same_rows_never_see_contention(house: House) {
    house.put_product("p", &["k"]).await;
    let writes = (0..16_u64).flat_map(|writer| (0..8_u64).map(move |step| (writer, step)));
    let answers = join_all(writes.map(|(writer, step)| {
        let house = &house;
        async move {
            let report = delta("k", &format!("{writer}-{step}"), 1);
            house.store.report_stock(&house.ctx(), &[report]).await
        }
    }))
    .await;
    for answer in answers {
        answer.unwrap();
    }
    assert_eq!(house.levels(&["k"]).await[0].available, 128);
}

async fn writers_of_several_processes_never_see_contention(house: House) {
    house.put_product("p", &["k"]).await;
    let house = Arc::new(house);
    let mut writers = JoinSet::new();
    for process in 0..4 {
        let (house, store) = (Arc::clone(&house), connect(&house.url).await);
        writers.spawn(async move {
            let reports: Vec<StockReport> = (0..10)
                .map(|step| delta("k", &format!("{process}-{step}"), 1))
                .collect();
            let ctx = house.ctx();
            let answers = join_all(
                reports
                    .iter()
                    .map(|report| store.report_stock(&ctx, std::slice::from_ref(report))),
            );
            for answer in answers.await {
                answer.unwrap();
            }
            store.close().await;
        });
    }
    writers.join_all().await;
    assert_eq!(house.levels(&["k"]).await[0].available, 40);
}

async fn a_sku_that_is_created_while_stock_is_reported_does_not_miss_it(house: House) {
    house.put_product("p", &[]).await;
    house.relay().await;
    for round in 0..20 {
        let id = format!("k{round}");
        let (ctx, input, report) = (house.ctx(), sku(&id, "p"), set(&id, 1, 7));
        let (skus, reports) = ([input], [report]);
        let (created, reported) = tokio::join!(
            house.store.upsert_skus(&ctx, &skus),
            house.store.report_stock(&ctx, &reports)
        );
        created.unwrap();
        reported.unwrap();
        let sent = stock_changes(house.changes().await);
        assert!(
            sent.iter()
                .any(|change| change.sku.as_str() == id && change.available == 7),
            "round {round}: {sent:?}"
        );
    }
}

async fn a_cancelled_write_harms_nobody(house: House) {
    house.put_product("p", &["k"]).await;
    let house = Arc::new(house);
    let mut writers = JoinSet::new();
    for writer in 0..12_u64 {
        let house = Arc::clone(&house);
        writers.spawn(async move {
            let mut sure = 0;
            for step in 0..12_u64 {
                let key = format!("{writer}-{step}");
                let report = [delta("k", &key, 1)];
                let ctx = house.ctx();
                let write = house.store.report_stock(&ctx, &report);
                if (writer + step) % 3 == 0 {
                    // Cut off at all sorts of places; whether it counted is not known, so it is said again.
                    let patience = Duration::from_micros(150 * (step + writer));
                    let _ = tokio::time::timeout(patience, write).await;
                    house.store.report_stock(&house.ctx(), &report).await.unwrap();
                } else {
                    write.await.unwrap();
                }
                sure += 1;
            }
            sure
        });
    }
    let sure: i64 = writers.join_all().await.into_iter().sum();
    assert_eq!(house.levels(&["k"]).await[0].available, sure);
    // Another process finds the file free.
    let other = connect(&house.url).await;
    other
        .report_stock(&house.ctx(), &[delta("k", "last", 1)])
        .await
        .unwrap();
}

async fn any_order_and_repetition_of_sets_ends_at_the_highest_version(house: House) {
    house.put_product("p", &["k"]).await;
    let runtime = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config {
        cases: 24,
        ..Config::default()
    });
    let orders = proptest::collection::vec((0..3_usize, 1..12_u64), 1..25);
    let cases = AtomicU64::new(0);
    tokio::task::block_in_place(|| {
        runner
            .run(&orders, |reports| {
                let sku = format!("k{}", cases.fetch_add(1, Ordering::Relaxed));
                let last = runtime.block_on(async {
                    let mut reports_of_case = Vec::new();
                    for (source, version) in &reports {
                        let quantity = (*source as i64 + 1) * 1_000 + *version as i64;
                        reports_of_case.push(StockReport {
                            sku: crate::house::sku_id(&sku),
                            source: format!("source{source}"),
                            ..set("k", *version, quantity)
                        });
                    }
                    // In batches and one by one.
                    let (together, single) = reports_of_case.split_at(reports_of_case.len() / 2);
                    if !together.is_empty() {
                        house.report(together).await;
                    }
                    for report in single {
                        house.report(std::slice::from_ref(report)).await;
                    }
                    house.levels(&[&sku]).await[0].available
                });
                prop_assert_eq!(last, expected(&reports));
                Ok(())
            })
            .unwrap();
    });
}

/// The last report that was news to its source.
fn expected(reports: &[(usize, u64)]) -> i64 {
    let mut newest = [0; 3];
    let mut level = 0;
    for (source, version) in reports {
        if *version > newest[*source] {
            newest[*source] = *version;
            level = (*source as i64 + 1) * 1_000 + *version as i64;
        }
    }
    level
}
