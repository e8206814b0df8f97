//! The binary as a process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use tandem_domain::catalog::{Marketplace, Provenance};
use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{EventId, MarketplaceId, ProductId, ShopId};
use tandem_domain::money::Currency;
use tandem_store::{Store, StoreOptions};
use tandem_testing::{PostgresServer, Process, free_port, sqlite_url, wait_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LONG: Duration = Duration::from_secs(60);
const BINARY: &str = env!("CARGO_BIN_EXE_tandem-events-worker");
const NOW: Timestamp = Timestamp::from_ms(1_735_689_600_000);

fn start(url: &str) -> (Process, String) {
    let admin = format!("127.0.0.1:{}", free_port());
    let environment = [
        ("TANDEM_DATABASE_URL", url),
        ("TANDEM__ADMIN__LISTEN", admin.as_str()),
        ("TANDEM__FOLD__EVERY", "20ms"),
    ];
    (
        Process::spawn(BINARY, [""; 0], environment).expect("the binary starts"),
        admin,
    )
}

async fn is_ready(admin: &str) -> bool {
    let ask = async || {
        let mut stream = TcpStream::connect(admin).await?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    ask().await.is_ok_and(|answer| answer.starts_with("HTTP/1.0 200"))
}

async fn open(url: String) -> Store {
    let options = StoreOptions {
        url,
        ..StoreOptions::default()
    };
    Store::connect(&options).await.unwrap()
}

async fn found(store: &Store) -> MarketplaceId {
    let id = MarketplaceId::new("m").unwrap();
    let marketplace = Marketplace {
        id: id.clone(),
        currency: Currency {
            code: "USD".to_owned(),
            exponent: 2,
        },
        time_zone: "UTC".to_owned(),
    };
    store
        .ensure_marketplace(&marketplace, &ShopId::new("s").unwrap(), NOW)
        .await
        .unwrap();
    id
}

async fn record(store: &Store, marketplace: &MarketplaceId, id: &str) {
    let event = Event {
        id: EventId::new(id).unwrap(),
        kind: EventKind::View,
        product: ProductId::new("p").unwrap(),
        user: None,
        group: None,
        scene: None,
        quantity: 1,
        unit_price: None,
        time: NOW,
        provenance: Provenance::Real,
        dwell_ms: None,
        attribution: None,
    };
    store.import_events(marketplace, &[event], NOW).await.unwrap();
}

async fn wait_for_batch(store: &Store, marketplace: &MarketplaceId, batch: u64) {
    let folded = async || {
        store
            .last_batch(marketplace)
            .await
            .is_ok_and(|last| last == batch)
    };
    wait_until(LONG, "the fold", folded).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_folds_until_sigterm_and_ends_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(sqlite_url(folder.path())).await;
    store.migrate().await.unwrap();
    let marketplace = found(&store).await;
    let (mut process, admin) = start(&sqlite_url(folder.path()));
    for batch in 1..=5 {
        record(&store, &marketplace, &batch.to_string()).await;
        wait_for_batch(&store, &marketplace, batch).await;
    }
    wait_until(LONG, "readiness", async || is_ready(&admin).await)
        .await
        .unwrap();
    process.terminate().unwrap();
    assert_eq!(
        process.wait(LONG).await.unwrap().code(),
        Some(0),
        "{}",
        process.stderr()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_the_schema_and_survives_its_database() {
    let mut server = PostgresServer::start().await.unwrap();
    let database = server.create_database().await.unwrap();
    let (mut process, admin) = start(&database.url());
    process.wait_for_output("cannot connect yet", LONG).await.unwrap();
    assert!(!is_ready(&admin).await);

    let store = open(database.url()).await;
    store.migrate().await.unwrap();
    let marketplace = found(&store).await;
    record(&store, &marketplace, "before").await;
    wait_for_batch(&store, &marketplace, 1).await;
    wait_until(LONG, "readiness", async || is_ready(&admin).await)
        .await
        .unwrap();

    server.kill().unwrap();
    wait_until(LONG, "not ready", async || !is_ready(&admin).await)
        .await
        .unwrap();
    server.restart().await.unwrap();
    let store = open(database.url()).await;
    record(&store, &marketplace, "after").await;
    wait_for_batch(&store, &marketplace, 2).await;
    wait_until(LONG, "readiness again", async || is_ready(&admin).await)
        .await
        .unwrap();
    process.terminate().unwrap();
    assert_eq!(
        process.wait(LONG).await.unwrap().code(),
        Some(0),
        "{}",
        process.stderr()
    );
}

#[tokio::test]
async fn an_unknown_key_ends_it_with_2_and_a_suggestion() {
    let arguments = ["--set", "fold.chunk=3"];
    let mut process = Process::spawn(BINARY, arguments, [("", ""); 0]).unwrap();
    assert_eq!(process.wait(LONG).await.unwrap().code(), Some(2));
    assert!(process.stderr().contains("fold.chunks"), "{}", process.stderr());
}
