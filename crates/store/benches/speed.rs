//! How fast events go in and come out, and what a stock report costs. Measured, not judged:
//! `cargo bench -p tandem-store`.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

#[path = "../tests/contract/house.rs"]
#[expect(dead_code, reason = "the suite uses the rest")]
mod house;

use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use futures::future::join_all;
use tandem_domain::event::Event;

use house::{House, purchase, set};

const EVENTS: usize = 1_000_000;
const PER_CALL: usize = 50_000;

#[tokio::main]
async fn main() {
    for on in ["SQLite", "PostgreSQL"] {
        println!("{on}");
        events(house(on).await).await;
        stock(house(on).await).await;
    }
}

async fn house(on: &str) -> House {
    match on {
        "SQLite" => House::on_sqlite().await,
        _ => House::on_postgres().await,
    }
}

async fn events(house: House) {
    let event = |n: usize| {
        let (id, product) = (
            format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            format!("product-{}", n % 4_000),
        );
        purchase(&id, &product, &format!("order-{}", n / 20), (n / 2_700) as i64)
    };
    let mut importing = Duration::ZERO;
    for from in (0..EVENTS).step_by(PER_CALL) {
        let events: Vec<Event> = (from..from + PER_CALL).map(event).collect();
        let began = Instant::now();
        house
            .store
            .import_events(&house.marketplace, &events, house.now())
            .await
            .unwrap();
        importing += began.elapsed();
    }
    report("import", EVENTS, importing);
    let began = Instant::now();
    let last = house
        .store
        .fold_events(&house.marketplace, 1_000, house.now())
        .await
        .unwrap()
        .last_batch;
    report("fold", EVENTS, began.elapsed());
    for _ in 0..3 {
        let began = Instant::now();
        let mut pages = house.store.scan_events(&house.marketplace, last);
        let mut rows = 0;
        while let Some(page) = pages.try_next().await.unwrap() {
            rows += page.products.len();
        }
        assert_eq!(rows, EVENTS);
        report("scan", rows, began.elapsed());
    }
}

async fn stock(house: House) {
    let skus: Vec<_> = (0..10_000).map(|n| format!("k{n}")).collect();
    for part in skus.chunks(500) {
        let skus: Vec<_> = part.iter().map(String::as_str).collect();
        house.put_product(&format!("of-{}", skus[0]), &skus).await;
    }
    for writers in [1, 16] {
        let began = Instant::now();
        let calls = 100;
        join_all((0..writers).map(|writer| {
            let (house, skus) = (&house, &skus);
            async move {
                for step in 0..calls {
                    let sku = &skus[(writer * 601 + step * 7) % skus.len()];
                    house
                        .report(&[set(sku, 1 + step as u64 * 100 + writers as u64, step as i64)])
                        .await;
                }
            }
        }))
        .await;
        report(
            &format!("single reports of {writers} writers"),
            writers * calls,
            began.elapsed(),
        );
    }
    let began = Instant::now();
    for (round, part) in skus.chunks(1_000).enumerate() {
        let reports: Vec<_> = part
            .iter()
            .map(|sku| set(sku, 1_000_000, round as i64 + 7))
            .collect();
        house.report(&reports).await;
    }
    report("reports in batches of 1,000", skus.len(), began.elapsed());
    let began = Instant::now();
    let sent = house.relay().await.len();
    report("relay", sent, began.elapsed());
}

fn report(what: &str, count: usize, took: Duration) {
    println!(
        "  {what}: {count} in {took:.2?}, {:.0}/s",
        count as f64 / took.as_secs_f64()
    );
}
