//! What folding makes of events, and events whose transactions commit late.

use futures::TryStreamExt as _;
use sqlx::Row as _;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::money::Money;
use tandem_store::Folded;

use crate::house::{House, purchase};

over_both! {
    orders_and_days_are_summed_once_however_batches_fall,
}

/// Rows of a query, each as text with a blank between columns.
async fn rows(house: &House, query: &'static str) -> Vec<String> {
    let columns = |values: Vec<Option<String>>| {
        values
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>()
            .join(" ")
    };
    if house.url.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(&house.url).await.unwrap();
        let rows = sqlx::query(query).fetch_all(&pool).await.unwrap();
        rows.iter()
            .map(|row| columns((0..row.len()).map(|at| row.get(at)).collect()))
            .collect()
    } else {
        let pool = sqlx::PgPool::connect(&house.url).await.unwrap();
        let rows = sqlx::query(query).fetch_all(&pool).await.unwrap();
        rows.iter()
            .map(|row| columns((0..row.len()).map(|at| row.get(at)).collect()))
            .collect()
    }
}

async fn orders_and_days_are_summed_once_however_batches_fall(house: House) {
    let unknown = Event {
        user: None,
        ..purchase("a", "p", "o1", 1)
    };
    let later = purchase("b", "q", "o1", 2);
    let earlier = Event {
        unit_price: None,
        ..purchase("c", "p", "o1", 0)
    };
    let returned = Event {
        kind: EventKind::Return,
        ..purchase("d", "p", "o1", 1)
    };
    let seen = Event {
        kind: EventKind::View,
        group: Some("session".to_owned()),
        ..purchase("e", "p", "", 1)
    };
    let again = Event {
        quantity: 5,
        unit_price: Some(Money::from_minor(10)),
        ..purchase("f", "p", "o2", 1)
    };
    for batch in [
        vec![unknown],
        vec![later, earlier.clone()],
        vec![returned, seen, again, earlier],
    ] {
        house.store.record_events(&house.ctx(), &batch).await.unwrap();
        house
            .store
            .fold_events(&house.marketplace, 10, house.now())
            .await
            .unwrap();
    }
    let orders = rows(
        &house,
        "SELECT order_id, user_id, CAST(day - 19600 AS text), CAST(placed_ms / 86400000 - 19600 AS text),
         CAST(lines AS text) FROM orders ORDER BY order_id",
    );
    assert_eq!(orders.await, ["o1 u1 0 0 3", "o2 u1 1 1 1"]);
    let days = rows(
        &house,
        "SELECT CAST(day - 19600 AS text), product_id, CAST(kind AS text), CAST(events AS text),
         CAST(quantity AS text), CAST(revenue AS text) FROM daily_counts ORDER BY day, product_id, kind",
    );
    assert_eq!(
        days.await,
        [
            "0 p 3 1 2 0",
            "1 p 1 1 2 300",
            "1 p 3 2 7 350",
            "1 p 4 1 2 300",
            "2 q 3 1 2 300"
        ]
    );
}

/// SQLite has one writer at a time: there, chunks commit in the order of their ids.
#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_chunk_that_commits_late_is_not_skipped() {
    let house = House::on_postgres().await;
    let pool = sqlx::PgPool::connect(&house.url).await.unwrap();
    // Makes the partition.
    house
        .store
        .record_events(&house.ctx(), &[purchase("first", "p", "o", 0)])
        .await
        .unwrap();
    let mut late = pool.begin().await.unwrap();
    let chunk: i64 = sqlx::query_scalar(
        "INSERT INTO event_chunks (marketplace_id, events, first_day, last_day, recorded_ms)
         VALUES ('market', 1, 19600, 19600, 0) RETURNING chunk_id",
    )
    .fetch_one(&mut *late)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO events (marketplace_id, day, event_id, kind, product_id, quantity, time_ms, generated, chunk_id)
         VALUES ('market', 19600, 'late', 3, 'late', 1, 0, false, $1)",
    )
    .bind(chunk)
    .execute(&mut *late)
    .await
    .unwrap();
    house
        .store
        .record_events(&house.ctx(), &[purchase("next", "q", "o", 0)])
        .await
        .unwrap();
    let fold = || house.store.fold_events(&house.marketplace, 10, house.now());
    assert_eq!(
        fold().await.unwrap(),
        Folded {
            batches: 2,
            events: 2,
            last_batch: 2
        }
    );
    let seen = house.scan(2).await.products;
    late.commit().await.unwrap();
    // It belongs to no batch that was given out, so a scan up to the same watermark says the same.
    let sorted = |mut products: Vec<String>| {
        products.sort();
        products
    };
    assert_eq!(sorted(house.scan(2).await.products), sorted(seen));
    assert_eq!(
        fold().await.unwrap(),
        Folded {
            batches: 1,
            events: 1,
            last_batch: 3
        }
    );
    assert_eq!(sorted(house.scan(3).await.products), ["late", "p", "q"]);
    let new = house.store.scan_events_between(&house.marketplace, 2, 3);
    let new: Vec<_> = new.try_collect().await.unwrap();
    let new: Vec<_> = new.into_iter().flat_map(|page| page.products).collect();
    assert_eq!(new, ["late"], "an increment over the watermark takes it in");
}
