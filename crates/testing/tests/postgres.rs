//! PostgreSQL, shared and private.

use std::process::Command;

use tandem_testing::{PostgresServer, postgres};

fn psql(url: &str, statement: &str) -> Result<String, String> {
    let output = Command::new("psql")
        .args(["-XqAt", "-d", url, "-c", statement])
        .output()
        .expect("psql runs");
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).expect("text").trim().to_owned()),
        false => Err(String::from_utf8(output.stderr).expect("text")),
    }
}

#[tokio::test]
async fn every_database_is_empty_and_its_own() {
    let server = postgres().await;
    let one = server.create_database().await.unwrap();
    let other = server.create_database().await.unwrap();
    psql(&one.url(), "CREATE TABLE here (id int)").unwrap();
    assert!(
        psql(&other.url(), "SELECT * FROM here")
            .unwrap_err()
            .contains("does not exist")
    );
}

#[tokio::test]
async fn a_template_is_copied() {
    let server = postgres().await;
    let template = server.create_database().await.unwrap();
    psql(&template.url(), "CREATE TABLE here AS SELECT 42 AS id").unwrap();
    let copy = server.create_database_from(template.name()).await.unwrap();
    assert_eq!(psql(&copy.url(), "SELECT id FROM here").unwrap(), "42");
}

#[tokio::test]
async fn a_dropped_database_is_gone() {
    let server = postgres().await;
    let database = server.create_database().await.unwrap();
    let present = format!(
        "SELECT count(*) FROM pg_database WHERE datname = '{}'",
        database.name()
    );
    assert_eq!(psql(server.admin_url(), &present).unwrap(), "1");
    drop(database);
    assert_eq!(psql(server.admin_url(), &present).unwrap(), "0");
}

#[tokio::test]
async fn a_killed_private_server_keeps_what_was_committed() {
    let mut server = PostgresServer::start().await.unwrap();
    let database = server.create_database().await.unwrap();
    psql(&database.url(), "CREATE TABLE here AS SELECT 42 AS id").unwrap();
    server.kill().unwrap();
    assert!(psql(&database.url(), "SELECT 1").is_err());
    server.restart().await.unwrap();
    assert_eq!(psql(&database.url(), "SELECT id FROM here").unwrap(), "42");
}

#[tokio::test]
async fn a_missing_template_is_named() {
    let error = postgres()
        .await
        .create_database_from("no_such_template")
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("no_such_template"), "{error:#}");
}
