//! Stock that other services write into the inbox.

use std::time::Duration;

use tandem_domain::catalog::Marketplace;
use tandem_domain::id::MarketplaceId;
use tandem_store::{DeadLetter, Received, Store, StoreError};

use super::stock::stock_changes;
use crate::house::{House, connect, delta, marketplace, set, shop};

over_both! {
    a_row_is_applied_as_if_it_had_been_reported,
    an_older_or_doubled_row_changes_nothing,
    a_version_with_another_value_is_set_aside_and_the_others_flow,
    rows_that_are_no_reports_are_set_aside,
    a_row_of_no_marketplace_is_shown_to_all_and_settled_by_any,
    a_letter_is_its_marketplaces_alone_once_that_exists,
    what_a_row_says_of_a_sku_to_come_takes_effect_when_it_comes,
    a_letter_goes_back_into_the_inbox,
    what_is_no_report_is_not_replayed,
    two_workers_share_the_rows,
    a_worker_that_dies_in_between_loses_nothing,
    a_row_wakes_the_worker,
}

/// Writes a row of the shop as another service does, by SQL alone.
async fn write(house: &House, columns: &str, values: &str) {
    let statement = format!(
        "INSERT INTO stock_inbox (marketplace_id, shop_id, {columns}) VALUES ('market', 's1', {values})"
    );
    house.execute(&statement).await;
}

async fn write_set(house: &House, sku: &str, version: u64, available: i64) {
    let values = format!("'{sku}', 'wms', {available}, {version}");
    write(house, "sku_id, source, available, source_version", &values).await;
}

async fn write_delta(house: &House, sku: &str, key: &str, change: i64) {
    let values = format!("'{sku}', 'till', {change}, '{key}'");
    write(house, "sku_id, source, change, idempotency_key", &values).await;
}

async fn take(house: &House) -> Received {
    house.store.take_stock_inbox(100, house.now()).await.unwrap()
}

/// How many rows a pass took and set aside; that it was not full.
async fn take_all(house: &House) -> (u64, usize) {
    let pass = take(house).await;
    assert!(!pass.remaining_hint);
    (pass.taken, pass.set_aside.len())
}

async fn available(house: &House, sku: &str) -> i64 {
    house.levels(&[sku]).await[0].available
}

async fn rows_left(house: &House) -> usize {
    house.texts("SELECT sku_id FROM stock_inbox").await.len()
}

async fn a_row_is_applied_as_if_it_had_been_reported(house: House) {
    house.put_product("p", &["k", "l"]).await;
    house.relay().await;
    assert_eq!(take(&house).await, Received::default(), "nothing waits");
    write_set(&house, "k", 4, 7).await;
    write_delta(&house, "k", "a", -2).await;
    write(
        &house,
        "sku_id, pool, available, source_version",
        "'l', 'room:42', 3, 1",
    )
    .await;
    assert_eq!(take_all(&house).await, (3, 0));
    assert_eq!(rows_left(&house).await, 0);
    let levels = house.levels(&["k", "l"]).await;
    let said: Vec<_> = levels
        .iter()
        .map(|level| (level.sku.as_str(), level.pool.to_string(), level.available))
        .collect();
    assert_eq!(
        said,
        [("k", "normal".to_owned(), 5), ("l", "room:42".to_owned(), 3)]
    );
    let sent: Vec<_> = stock_changes(house.changes().await)
        .into_iter()
        .map(|change| (change.sku.to_string(), change.available))
        .collect();
    assert_eq!(sent, [("k".to_owned(), 5), ("l".to_owned(), 3)]);
    // The same sources go on over the API.
    let outcomes = house.report(&[set("k", 3, 99), delta("k", "a", -2)]).await;
    assert!(outcomes.iter().all(|outcome| !outcome.applied), "{outcomes:?}");
}

async fn an_older_or_doubled_row_changes_nothing(house: House) {
    house.put_product("p", &["k"]).await;
    house.report(&[set("k", 5, 10), delta("k", "a", -1)]).await;
    house.relay().await;
    write_set(&house, "k", 4, 99).await;
    write_set(&house, "k", 5, 10).await;
    write_delta(&house, "k", "a", -1).await;
    assert_eq!(take_all(&house).await, (3, 0));
    assert_eq!(available(&house, "k").await, 9);
    assert_eq!(house.changes().await, []);
    assert!(house.letters().await.is_empty());
}

async fn a_version_with_another_value_is_set_aside_and_the_others_flow(house: House) {
    house.put_product("p", &["k", "l"]).await;
    write_set(&house, "k", 1, 5).await;
    write_set(&house, "k", 1, 6).await;
    write_set(&house, "l", 1, 2).await;
    assert_eq!(take_all(&house).await, (2, 1));
    assert_eq!(
        (available(&house, "k").await, available(&house, "l").await),
        (5, 2)
    );
    let letters = house.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].subject(), "inbox: stock of k in normal");
    assert!(
        letters[0].letter.reason.contains("another quantity"),
        "{letters:?}"
    );
    assert_eq!(rows_left(&house).await, 0);
}

async fn rows_that_are_no_reports_are_set_aside(house: House) {
    house.put_product("p", &["k"]).await;
    house.put_product_of("s2", "q", &["foreign"]).await;
    house.relay().await;
    for (columns, values) in [
        ("sku_id, pool, available, source_version", "'k', 'cellar', 1, 1"),
        ("sku_id, available, source_version", "'', 1, 1"),
        ("sku_id, available", "'k', 1"),
        ("sku_id", "'k'"),
        (
            "sku_id, available, source_version, change, idempotency_key",
            "'k', 1, 1, 1, 'a'",
        ),
        ("sku_id, available, source_version", "'k', -1, 1"),
        ("sku_id, available, source_version", "'k', 1, 0"),
        ("sku_id, available, source_version", "'k', 1, -7"),
        ("sku_id, change, idempotency_key", "'k', 0, 'a'"),
        ("sku_id, change, idempotency_key", "'k', 1, ''"),
        ("sku_id, source, available, source_version", "'k', '', 1, 1"),
        ("sku_id, available, source_version", "'foreign', 1, 1"),
    ] {
        write(&house, columns, values).await;
    }
    let statement = "INSERT INTO stock_inbox (marketplace_id, shop_id, sku_id, available, source_version)
                     VALUES ('elsewhere', 's1', 'k', 1, 1), ('market', '', 'k', 1, 1)";
    house.execute(statement).await;
    write_set(&house, "k", 1, 3).await;
    assert_eq!(take_all(&house).await, (1, 14));
    assert_eq!(available(&house, "k").await, 3);
    let elsewhere = MarketplaceId::new("elsewhere").unwrap();
    let strays = house.store.count_dead_letters(&elsewhere).await.unwrap();
    assert_eq!(
        (house.letters().await.len(), strays),
        (14, 1),
        "the stray is shown, too"
    );
    assert_eq!(take(&house).await, Received::default());
}

/// Writes rows of marketplaces that do not exist.
async fn write_strays(house: &House, marketplaces: &[&str]) {
    for marketplace in marketplaces {
        let statement = format!(
            "INSERT INTO stock_inbox (marketplace_id, shop_id, sku_id, available, source_version)
             VALUES ('{marketplace}', 's1', 'k', 1, 1)"
        );
        house.execute(&statement).await;
    }
}

async fn a_row_of_no_marketplace_is_shown_to_all_and_settled_by_any(house: House) {
    write_strays(&house, &["elsewhere", ""]).await;
    let pass = take(&house).await;
    let said: Vec<_> = pass
        .set_aside
        .iter()
        .map(|row| (row.marketplace.as_str(), row.subject.as_str()))
        .collect();
    let subject = "inbox: stock of k in normal";
    assert_eq!(said, [("", subject), ("elsewhere", subject)]);
    assert_eq!(pass.set_aside[1].reason, "there is no marketplace elsewhere");
    let shown = house.letters().await;
    let of: Vec<_> = shown.iter().map(|letter| letter.marketplace.as_str()).collect();
    assert_eq!(of, ["elsewhere", ""]);
    let counted = house.store.count_dead_letters(&house.marketplace).await.unwrap();
    assert_eq!(counted, 2);
    let one = house
        .store
        .dead_letter(&house.marketplace, shown[0].id)
        .await
        .unwrap();
    assert_eq!(one.as_ref(), Some(&shown[0]));
    let replayed = house
        .store
        .replay_dead_letters(&house.ctx(), &[shown[0].id], "it exists now")
        .await;
    assert_eq!(replayed.unwrap(), 1);
    let waits = house.texts("SELECT marketplace_id FROM stock_inbox").await;
    assert_eq!(waits, [Some("elsewhere".to_owned())], "the row is as it was");
    let dropped = house
        .store
        .drop_dead_letters(&house.ctx(), &[shown[1].id], "garbage")
        .await;
    assert_eq!((dropped.unwrap(), house.letters().await.len()), (1, 0));
}

async fn a_letter_is_its_marketplaces_alone_once_that_exists(house: House) {
    write_strays(&house, &["elsewhere"]).await;
    assert_eq!(take_all(&house).await, (0, 1));
    let elsewhere = Marketplace {
        id: MarketplaceId::new("elsewhere").unwrap(),
        ..marketplace()
    };
    let store = &house.store;
    store
        .ensure_marketplace(&elsewhere, &shop("s1"), house.now())
        .await
        .unwrap();
    assert!(house.letters().await.is_empty());
    let own = store.dead_letters(&elsewhere.id, None, 10).await.unwrap();
    assert_eq!(own.len(), 1);
    let refused = store.drop_dead_letters(&house.ctx(), &[own[0].id], "").await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
}

/// PostgreSQL counts the rows that its statements read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn setting_rows_aside_reads_no_more_letters_than_there_are_rows() {
    const ROWS: i64 = 300;
    let house = House::on_postgres().await;
    let statement = format!(
        "INSERT INTO stock_inbox (marketplace_id, shop_id, sku_id, available)
         SELECT 'market', 's1', 'k' || number, 1 FROM generate_series(1, {ROWS}) AS number"
    );
    house.execute(&statement).await;
    let pass = house.store.take_stock_inbox(1_000, house.now()).await.unwrap();
    assert_eq!(pass.set_aside.len(), 300);
    let count = async |what: &str| {
        let query = format!("SELECT ({what})::text FROM pg_stat_user_tables WHERE relname = 'dead_letters'");
        let texts = house.texts(&query).await;
        texts[0].as_ref().unwrap().parse::<i64>().unwrap()
    };
    // They are told together, a moment after the transaction.
    let told = async || count("n_tup_ins").await == ROWS;
    tandem_testing::wait_until(Duration::from_secs(60), "the counts", told)
        .await
        .unwrap();
    let read = count("seq_tup_read + coalesce(idx_tup_fetch, 0)").await;
    assert!(read <= ROWS, "{read} letters were read");
}

/// PostgreSQL takes no text that is none; SQLite does where bytes are cast.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_whose_bytes_are_no_text_is_set_aside_and_holds_nothing_up() {
    let house = House::on_sqlite().await;
    house.put_product("p", &["k"]).await;
    let garbled = "CAST(x'6bff' AS TEXT)";
    for column in [
        "marketplace_id",
        "shop_id",
        "sku_id",
        "pool",
        "source",
        "idempotency_key",
    ] {
        let of = |own: &str, whole: &str| match own == column {
            true => garbled.to_owned(),
            false => format!("'{whole}'"),
        };
        let statement = format!(
            "INSERT INTO stock_inbox
             (marketplace_id, shop_id, sku_id, pool, source, change, idempotency_key)
             VALUES ({}, {}, {}, {}, {}, 1, {})",
            of("marketplace_id", "market"),
            of("shop_id", "s1"),
            of("sku_id", "k"),
            of("pool", "normal"),
            of("source", "till"),
            of("idempotency_key", column),
        );
        house.execute(&statement).await;
    }
    write_set(&house, "k", 1, 3).await;
    assert_eq!(take_all(&house).await, (1, 6));
    assert_eq!(available(&house, "k").await, 3);
    let letters = house.letters().await;
    let subjects: Vec<_> = letters.iter().map(DeadLetter::subject).collect();
    assert!(
        subjects.contains(&"inbox: stock of k\u{fffd} in normal".to_owned()),
        "{subjects:?}"
    );
    for letter in &letters {
        assert!(letter.letter.reason.contains("no text"), "{letter:?}");
        let replayed = house
            .store
            .replay_dead_letters(&house.ctx(), &[letter.id], "")
            .await;
        assert!(
            matches!(replayed, Err(StoreError::Unreplayable { .. })),
            "{replayed:?}"
        );
    }
}

async fn what_a_row_says_of_a_sku_to_come_takes_effect_when_it_comes(house: House) {
    write_set(&house, "k", 1, 6).await;
    assert_eq!(take_all(&house).await, (1, 0));
    house.relay().await;
    house.put_product("p", &["k"]).await;
    let sent = stock_changes(house.changes().await);
    assert_eq!((sent.len(), sent[0].available), (1, 6));
}

async fn a_letter_goes_back_into_the_inbox(house: House) {
    house.put_product_of("s2", "p", &["k"]).await;
    write_set(&house, "k", 1, 6).await;
    assert_eq!(take_all(&house).await, (0, 1));
    // The SKU goes to the shop that the row was meant for.
    house
        .execute("UPDATE products SET shop_id = 's1' WHERE product_id = 'p'")
        .await;
    let ids = [house.letters().await[0].id];
    // An older restore does not matter: versions of the source order it.
    house.execute("UPDATE marketplaces SET store_epoch = 9").await;
    let replayed = house
        .store
        .replay_dead_letters(&house.ctx(), &ids, "moved")
        .await
        .unwrap();
    assert_eq!((replayed, rows_left(&house).await), (1, 1));
    assert_eq!(take_all(&house).await, (1, 0));
    assert_eq!(available(&house, "k").await, 6);
    assert!(house.letters().await.is_empty());
}

async fn what_is_no_report_is_not_replayed(house: House) {
    write(&house, "sku_id, available", "'k', 1").await;
    assert_eq!(take_all(&house).await, (0, 1));
    let ids = [house.letters().await[0].id];
    let refused = house.store.replay_dead_letters(&house.ctx(), &ids, "").await;
    assert!(
        matches!(refused, Err(StoreError::Unreplayable { .. })),
        "{refused:?}"
    );
    assert_eq!((house.letters().await.len(), rows_left(&house).await), (1, 0));
}

async fn two_workers_share_the_rows(house: House) {
    house.put_product("p", &["k"]).await;
    for step in 0..60 {
        write_delta(&house, "k", &step.to_string(), 1).await;
    }
    let now = house.now();
    let worker = async |store: Store| {
        let mut taken = 0;
        // A worker may find everything held by the other one for a moment.
        while !house.texts("SELECT sku_id FROM stock_inbox").await.is_empty() {
            taken += store.take_stock_inbox(4, now).await.unwrap().taken;
        }
        taken
    };
    let other = connect(&house.url).await;
    let (own, others) = tokio::join!(worker(house.store.clone()), worker(other));
    assert_eq!(own + others, 60, "each row was taken by one of the two");
    assert_eq!(available(&house, "k").await, 60);
}

async fn a_worker_that_dies_in_between_loses_nothing(house: House) {
    house.put_product("p", &["k"]).await;
    house.report(&[set("k", 1, 10)]).await;
    house.relay().await;
    write_delta(&house, "k", "a", -3).await;
    // Somebody holds what it needs, so that it dies between its claim and its commit.
    let mut holder = Holder::of(&house).await;
    let died = tokio::time::timeout(Duration::from_millis(200), take(&house)).await;
    assert!(died.is_err(), "{died:?}");
    holder.let_go().await;
    assert_eq!((rows_left(&house).await, available(&house, "k").await), (1, 10));
    let next = async {
        loop {
            // The server rolls the dead one back a moment after it is gone.
            let pass = take(&house).await;
            if pass.taken > 0 {
                return pass;
            }
        }
    };
    let pass = tokio::time::timeout(Duration::from_secs(20), next).await.unwrap();
    assert_eq!((pass.taken, pass.set_aside), (1, Vec::new()));
    assert_eq!((rows_left(&house).await, available(&house, "k").await), (0, 7));
}

/// A transaction on levels of stock, or on the whole file.
enum Holder {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Holder {
    async fn of(house: &House) -> Self {
        use sqlx::{Connection as _, Executor as _};
        if house.url.starts_with("sqlite") {
            let mut file = sqlx::SqliteConnection::connect(&house.url).await.unwrap();
            file.execute("BEGIN IMMEDIATE").await.unwrap();
            Self::Sqlite(file)
        } else {
            let mut server = sqlx::PgConnection::connect(&house.url).await.unwrap();
            server.execute("BEGIN").await.unwrap();
            server
                .execute("SELECT 1 FROM sku_stock FOR UPDATE")
                .await
                .unwrap();
            Self::Postgres(server)
        }
    }

    async fn let_go(&mut self) {
        use sqlx::Executor as _;
        match self {
            Self::Sqlite(file) => file.execute("ROLLBACK").await.map(|_| ()),
            Self::Postgres(server) => server.execute("ROLLBACK").await.map(|_| ()),
        }
        .unwrap();
    }
}

/// Within one long wait: a worker that polled would not pass.
async fn a_row_wakes_the_worker(house: House) {
    house.put_product("p", &["k"]).await;
    let mut wakeups = house.store.stock_inbox_wakeups().await.unwrap();
    write_set(&house, "k", 1, 5).await;
    let woken = async {
        loop {
            wakeups.wait(Duration::from_secs(3_600)).await;
            if take(&house).await.taken > 0 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), woken)
        .await
        .expect("the worker is woken");
}
