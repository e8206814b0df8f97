//! A database whose schema is not this binary's.

use tandem_proto::v1 as pb;
use tandem_testing::wait_until;

use crate::house::{House, LONG};
use crate::samples::products;
use crate::shown::case;

#[tokio::test(flavor = "multi_thread")]
async fn with_migrations_pending_nothing_is_written_until_they_are_applied() {
    let house = House::sqlite_without_schema().await;
    let control = house
        .control_with(|config| config.database.check_interval = std::time::Duration::from_millis(20))
        .await;
    let mut catalog = control.catalog.clone();
    let refused = catalog.batch_upsert_products(products(&["a"])).await.unwrap_err();
    let text = case("pending", &refused);
    let text: String = text
        .lines()
        .map(|line| line.split("pending:").next().unwrap_or(line).to_owned() + "\n")
        .collect();
    insta::assert_snapshot!("schema_pending", text);
    assert!(!control.readiness.report().is_ready());

    house.store.migrate().await.unwrap();
    wait_until(LONG, "readiness", async || control.readiness.report().is_ready())
        .await
        .unwrap();
    catalog.batch_upsert_products(products(&["a"])).await.unwrap();
    let build = control
        .operations
        .clone()
        .trigger_build(pb::TriggerBuildRequest::default())
        .await;
    assert!(build.is_ok());
}
