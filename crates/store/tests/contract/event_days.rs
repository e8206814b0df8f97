//! What the database keeps for a day of events, and lets go with the last of them.

use futures::future::join_all;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::Event;
use tandem_domain::id::MarketplaceId;

use crate::event::{counts, fold};
use crate::house::{House, connect, purchase};
use crate::still::market;

over_both! {
    writers_of_new_days_do_not_get_in_each_others_way,
    days_with_events_stay,
}

/// The day that [`purchase`] counts from.
const FIRST: i32 = 19_600;

async fn writers_of_new_days_do_not_get_in_each_others_way(house: House) {
    let others = [
        connect(&house.url).await,
        connect(&house.url).await,
        house.store.clone(),
    ];
    let writes = (0..9_usize).map(|n| {
        let store = &others[n % 3];
        // The same days from both ends, and one before 1970.
        let mut events: Vec<_> = (0..12)
            .map(|day| purchase(&format!("{n}-{day}"), "p", "o", day))
            .collect();
        events.push(purchase(&format!("{n}-old"), "p", "o", -20_000));
        if n % 2 == 0 {
            events.reverse();
        }
        async move {
            store
                .import_events(&crate::house::marketplace().id, &events, Timestamp::default())
                .await
        }
    });
    for write in join_all(writes).await {
        assert_eq!(write.unwrap(), counts(13, 0));
    }
    assert_eq!(fold(&house).await.events, 117);
    assert_eq!(house.scan(100).await.products.len(), 117);
}

async fn days_with_events_stay(house: House) {
    let events = [purchase("a", "p", "o", 0), purchase("b", "p", "o", 10)];
    record(&house, &house.marketplace, &events).await;
    assert_eq!(drop_before(&house, FIRST + 20).await, 0);
    fold(&house).await;
    assert_eq!(house.scan(1).await.products.len(), 2);
}

async fn record(house: &House, marketplace: &MarketplaceId, events: &[Event]) {
    let counts = house
        .store
        .import_events(marketplace, events, house.now())
        .await
        .unwrap();
    assert_eq!(counts.stored, events.len() as u64);
}

async fn drop_before(house: &House, day: i32) -> u64 {
    house.store.drop_empty_days(day).await.unwrap()
}

async fn partitions(house: &House) -> Vec<Option<String>> {
    house
        .texts(
            "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
             WHERE inhparent = 'events'::regclass ORDER BY relname",
        )
        .await
}

fn named(days: &[i32]) -> Vec<Option<String>> {
    let names = days.iter().map(|day| Some(format!("events_{}", FIRST + day)));
    names.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_day_is_dropped_once_no_marketplace_has_events_of_it() {
    let house = House::on_postgres().await;
    let other = market("other");
    house.found(&other).await;
    record(&house, &house.marketplace, &[0, 1, 2].map(|day| on(day, "mine"))).await;
    record(&house, &other, &[on(1, "theirs")]).await;
    house
        .execute("DELETE FROM events WHERE marketplace_id = 'market'")
        .await;
    assert_eq!(
        drop_before(&house, FIRST + 2).await,
        1,
        "day 1 is the other's, day 2 is not old yet"
    );
    assert_eq!(partitions(&house).await, named(&[1, 2]));
    house.execute("DELETE FROM events").await;
    assert_eq!(drop_before(&house, FIRST + 9).await, 2);
    assert_eq!(partitions(&house).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_day_that_another_process_dropped_is_made_anew() {
    let house = House::on_postgres().await;
    record(&house, &house.marketplace, &[on(0, "a")]).await;
    house.execute("DELETE FROM events").await;
    let elsewhere = house.elsewhere().await;
    for (n, id) in ["b", "c", "d"].into_iter().enumerate() {
        // This process knows the day, and is not told.
        assert_eq!(elsewhere.drop_empty_days(FIRST + 1).await.unwrap(), 1);
        let event = [on(0, id)];
        match n {
            0 => record(&house, &house.marketplace, &event).await,
            1 => drop(house.store.record_events(&house.ctx(), &event).await.unwrap()),
            _ => {
                let calls = [(house.ctx(), event.to_vec())];
                let counts = house.store.record_event_calls(&calls).await.unwrap();
                assert_eq!(counts[0].as_ref().unwrap().stored, 1);
            }
        }
        assert_eq!(
            house.texts("SELECT event_id FROM events").await,
            [Some(format!("{id}-0"))]
        );
        house.execute("DELETE FROM events").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_who_reads_events_for_long_holds_up_nothing_but_the_drop() {
    let house = House::on_postgres().await;
    record(&house, &house.marketplace, &[on(0, "a"), on(5, "b")]).await;
    house.execute("DELETE FROM events WHERE event_id = 'a-0'").await;
    let pool = sqlx::PgPool::connect(&house.url).await.unwrap();
    let mut reader = pool.begin().await.unwrap();
    let read: i64 = sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(&mut *reader)
        .await
        .unwrap();
    assert_eq!(read, 1);
    assert_eq!(drop_before(&house, FIRST + 5).await, 0);
    record(&house, &house.marketplace, &[on(5, "c")]).await;
    reader.rollback().await.unwrap();
    assert_eq!(drop_before(&house, FIRST + 5).await, 1);
    assert_eq!(partitions(&house).await, named(&[5]));
}

fn on(day: i64, id: &str) -> Event {
    purchase(&format!("{id}-{day}"), "p", "o", day)
}
