//! Migrations.

use tandem_store::{SchemaStatus, StoreError};
use tandem_testing::sqlite_url;

use crate::house::{House, connect, marketplace, shop};

over_both! {
    a_migrated_database_is_current_and_stays_as_it_is,
    a_database_from_the_future_is_left_alone,
    a_migration_that_came_after_later_ones_is_applied,
}

async fn a_migrated_database_is_current_and_stays_as_it_is(house: House) {
    assert_eq!(house.store.schema_status().await.unwrap(), SchemaStatus::Current);
    assert!(house.store.migrate().await.unwrap().is_empty());
}

async fn a_migration_that_came_after_later_ones_is_applied(house: House) {
    const LATE: &str = "0004_event_attribution";
    house.execute("DROP INDEX attributed_events").await;
    house.execute("ALTER TABLE events DROP COLUMN attribution").await;
    house
        .execute(&format!("DELETE FROM seaql_migrations WHERE version = '{LATE}'"))
        .await;
    let status = house.store.schema_status().await.unwrap();
    assert_eq!(status, SchemaStatus::Pending(vec![LATE.to_owned()]));
    assert_eq!(house.store.migrate().await.unwrap(), [LATE]);
    assert_eq!(house.store.schema_status().await.unwrap(), SchemaStatus::Current);
    let found = house.texts("SELECT attribution FROM events").await;
    assert!(found.is_empty());
}

async fn a_database_from_the_future_is_left_alone(house: House) {
    let statement = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('9999_future', 0)";
    if house.url.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(&house.url).await.unwrap();
        sqlx::query(statement).execute(&pool).await.unwrap();
        pool.close().await;
    } else {
        let pool = sqlx::PgPool::connect(&house.url).await.unwrap();
        sqlx::query(statement).execute(&pool).await.unwrap();
        pool.close().await;
    }
    let old = connect(&house.url).await;
    let newer = vec!["9999_future".to_owned()];
    assert_eq!(
        old.schema_status().await.unwrap(),
        SchemaStatus::Newer(newer.clone())
    );
    let refused = [
        old.migrate().await.map(|_| ()),
        old.ensure_marketplace(&marketplace(), &shop("s2"), house.now())
            .await,
    ];
    for answer in refused {
        assert!(
            matches!(&answer, Err(StoreError::SchemaNewer(names)) if *names == newer),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn an_empty_sqlite_file_refuses_writes_until_it_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    refuses_until_migrated(&sqlite_url(&dir)).await;
}

#[tokio::test]
async fn an_empty_postgres_database_refuses_writes_until_it_is_migrated() {
    let database = tandem_testing::postgres().await.create_database().await.unwrap();
    refuses_until_migrated(&database.url()).await;
}

async fn refuses_until_migrated(url: &str) {
    let store = connect(url).await;
    let SchemaStatus::Pending(pending) = store.schema_status().await.unwrap() else {
        panic!("nothing is pending")
    };
    let refused = store
        .ensure_marketplace(&marketplace(), &shop("s1"), Default::default())
        .await;
    assert!(
        matches!(&refused, Err(StoreError::SchemaPending(names)) if *names == pending),
        "{refused:?}"
    );
    // Several processes come up at the same time.
    let others = [connect(url).await, connect(url).await, connect(url).await];
    let migrations = futures::future::join_all(others.iter().map(|store| store.migrate())).await;
    let applied: Vec<_> = migrations.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(applied, pending);
    store
        .ensure_marketplace(&marketplace(), &shop("s1"), Default::default())
        .await
        .unwrap();
}
