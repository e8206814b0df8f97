//! The binary as a process: what it refuses to start with, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;
use tandem_proto::v1 as pb;
use tandem_proto::v1::events_client::EventsClient;
use tandem_proto::v1::stock_client::StockClient;
use tandem_store::{Store, StoreOptions};
use tandem_testing::{
    Fault, FaultProxy, PostgresServer, Process, free_port, never_begun, sqlite_url, wait_until,
};
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

const LONG: Duration = Duration::from_secs(60);
const NOW: Timestamp = Timestamp::from_ms(1_735_689_600_000);
const BINARY: &str = env!("CARGO_BIN_EXE_tandem-control");

fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Process {
    Process::spawn(BINARY, arguments, environment.iter().copied()).expect("the binary starts")
}

/// A process on a free port over `url`, and a channel to it.
async fn serve(url: &str) -> (Process, Channel) {
    let listen = format!("127.0.0.1:{}", free_port());
    let environment = [
        ("TANDEM_DATABASE_URL", url),
        ("TANDEM__SERVER__LISTEN", listen.as_str()),
        ("TANDEM__ADMIN__LISTEN", ""),
        ("TANDEM__SERVER__REQUEST_TIMEOUT", "3s"),
    ];
    let process = start(&["--insecure"], &environment);
    let endpoint = Endpoint::from_shared(format!("http://{listen}")).expect("an address");
    let channel = endpoint.connect_lazy();
    let mut stock = StockClient::new(channel.clone());
    let answers = async || {
        let request = pb::BatchGetStockRequest {
            sku_ids: vec!["s".to_owned()],
        };
        stock.batch_get_stock(request).await.is_ok()
    };
    wait_until(LONG, "the control plane", answers)
        .await
        .unwrap_or_else(|error| panic!("{error}: {}", process.stderr()));
    (process, channel)
}

fn set(sku: &str, version: u64) -> pb::ReportStockRequest {
    let quantity = pb::stock_report::Quantity::Set(pb::StockSet {
        available: 1,
        source_version: version,
    });
    let report = pb::StockReport {
        sku_id: sku.to_owned(),
        quantity: Some(quantity),
        ..Default::default()
    };
    pb::ReportStockRequest {
        reports: vec![report],
        ..Default::default()
    }
}

fn views(ids: impl IntoIterator<Item = String>) -> pb::ReportEventsRequest {
    let view = |event_id| pb::Event {
        event_id,
        r#type: pb::EventType::View.into(),
        product_id: "p".to_owned(),
        event_time: Some(prost_types::Timestamp {
            seconds: NOW.as_ms() / 1_000,
            nanos: 0,
        }),
        ..Default::default()
    };
    pb::ReportEventsRequest {
        events: ids.into_iter().map(view).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_wrong_start_ends_with_2_before_it_listens_and_says_what_is_wrong() {
    let cases: [(&[&str], &str); 7] = [
        (&[], "`server.auth.issuer` is not set"),
        (&["--insecure", "--set", "server.listen=0.0.0.0:0"], "loopback"),
        (
            &["--insecure", "--set", "events.group_comit_rows=1"],
            "events.group_commit_rows",
        ),
        (
            &["--insecure", "--set", "events.group_commit_rows=0"],
            "events.group_commit_rows",
        ),
        (
            &["--insecure", "--set", "marketplace.currency=pounds"],
            "marketplace.currency",
        ),
        (
            &["--insecure", "--set", "marketplace.time_zone=Mars/North"],
            "marketplace.time_zone",
        ),
        (
            &["--insecure", "--set", "database.check_interval=soon"],
            "database.check_interval",
        ),
    ];
    for (arguments, named) in cases {
        let mut process = start(arguments, &[]);
        let status = process.wait(LONG).await.unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}: {}", process.stderr());
        assert!(
            process.stderr().contains(named),
            "{arguments:?}: {}",
            process.stderr()
        );
        assert!(!process.stderr().contains("listening"), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_effective_configuration_is_shown_without_the_password() {
    let environment = [("TANDEM_DATABASE_URL", "postgres://me:secret@db/tandem")];
    let mut process = start(&["--dump-config"], &environment);
    assert_eq!(process.wait(LONG).await.unwrap().code(), Some(0));
    let shown = process.stdout();
    assert!(
        shown.contains("group_commit_rows") && shown.contains("postgres://me:***@db/tandem"),
        "{shown}"
    );
    assert!(!shown.contains("secret"));
}

/// What the process has taken in it answers. Only a call that no handler has seen may fail.
fn gone(refused: &tonic::Status) {
    assert!(never_begun(refused), "{refused:?}");
}

/// Callers report until they are cut off; whatever was acknowledged must be there afterwards.
async fn load(channel: Channel, over: Arc<AtomicBool>) -> (BTreeSet<String>, BTreeMap<String, u64>) {
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let (channel, over) = (channel.clone(), Arc::clone(&over));
        callers.spawn(async move {
            let (mut events, mut stock) = (EventsClient::new(channel.clone()), StockClient::new(channel));
            let (mut acknowledged, mut version) = (BTreeSet::new(), 0);
            while !over.load(Ordering::SeqCst) {
                let ids: Vec<_> = (0..3)
                    .map(|n| format!("{caller}-{}-{n}", acknowledged.len()))
                    .collect();
                match events.report_events(views(ids.clone())).await {
                    Ok(_) => acknowledged.extend(ids),
                    Err(refused) => gone(&refused),
                }
                match stock.report_stock(set(&format!("s{caller}"), version + 1)).await {
                    Ok(_) => version += 1,
                    Err(refused) => gone(&refused),
                }
            }
            (acknowledged, (format!("s{caller}"), version))
        });
    }
    let mut total = (BTreeSet::new(), BTreeMap::new());
    while let Some(caller) = callers.join_next().await {
        let (acknowledged, version) = caller.expect("a caller ends in order");
        total.0.extend(acknowledged);
        total.1.extend([version]);
    }
    total
}

/// Stops the process in the middle of load and looks for what it acknowledged.
async fn stop_under_load(url: String) {
    let (mut process, channel) = serve(&url).await;
    let over = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    running.spawn(load(channel, Arc::clone(&over)));

    let options = StoreOptions {
        url,
        ..StoreOptions::default()
    };
    let store = Store::connect(&options).await.unwrap();
    let marketplace = MarketplaceId::new("default").unwrap();
    let folds = async || {
        let folded = store.fold_events(&marketplace, 1_000, NOW).await.unwrap();
        folded.last_batch >= 10
    };
    wait_until(LONG, "some load", folds).await.unwrap();
    process.terminate().unwrap();
    let status = process.wait(LONG).await.unwrap();
    assert_eq!(status.code(), Some(0), "{}", process.stderr());
    over.store(true, Ordering::SeqCst);
    let (acknowledged, versions) = running.join_next().await.unwrap().unwrap();
    assert!(!acknowledged.is_empty() && versions.values().all(|version| *version > 0));

    // Reporting again what was acknowledged finds it all stored.
    let (_again, channel) = serve(&options.url).await;
    let mut events = EventsClient::new(channel.clone());
    for ids in acknowledged.into_iter().collect::<Vec<_>>().chunks(1_000) {
        let answer = events
            .report_events(views(ids.iter().cloned()))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            (answer.stored_count, answer.duplicate_count as usize),
            (0, ids.len())
        );
    }
    let mut stock = StockClient::new(channel);
    for (sku, version) in versions {
        let answer = stock.report_stock(set(&sku, version)).await.unwrap().into_inner();
        assert!(
            !answer.outcomes[0].applied,
            "{sku} is behind version {version}, which was acknowledged"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_nothing_that_was_acknowledged_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    stop_under_load(sqlite_url(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_nothing_that_was_acknowledged_on_postgres() {
    let database = tandem_testing::postgres().await.create_database().await.unwrap();
    stop_under_load(database.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_is_said_without_its_words_and_comes_back_by_itself() {
    let mut server = PostgresServer::start().await.unwrap();
    let database = server.create_database().await.unwrap();
    let (mut process, channel) = serve(&database.url()).await;
    let (mut stock, mut events) = (StockClient::new(channel.clone()), EventsClient::new(channel));
    stock.report_stock(set("s", 1)).await.unwrap();

    server.kill().unwrap();
    for version in 2..6 {
        refused_for_now(stock.report_stock(set("s", version)).await.unwrap_err());
        refused_for_now(
            events
                .report_events(views([format!("e{version}")]))
                .await
                .unwrap_err(),
        );
    }

    server.restart().await.unwrap();
    let works = async || stock.report_stock(set("s", 9)).await.is_ok();
    wait_until(LONG, "the control plane to work again", works)
        .await
        .unwrap();
    let answer = events
        .report_events(views(["e9".to_owned()]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.stored_count, 1);
    process.terminate().unwrap();
    assert_eq!(
        process.wait(LONG).await.unwrap().code(),
        Some(0),
        "{}",
        process.stderr()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_costs_a_deadline_and_no_more() {
    let server = PostgresServer::start().await.unwrap();
    let database = server.create_database().await.unwrap();
    let address = server.address().unwrap();
    let proxy = FaultProxy::start(address.clone()).await.unwrap();
    let (_process, channel) = serve(&database.url().replace(&address, &proxy.address())).await;
    let (mut stock, mut events) = (StockClient::new(channel.clone()), EventsClient::new(channel));

    proxy.set(Fault::BlackHole);
    let (report, events_report) = (set("s", 1), views(["e1".to_owned()]));
    let (stock_answer, events_answer) =
        tokio::join!(stock.report_stock(report), events.report_events(events_report));
    for refused in [stock_answer.unwrap_err(), events_answer.unwrap_err()] {
        let code = refused.code();
        assert!(
            matches!(code, Code::DeadlineExceeded | Code::Unavailable),
            "{refused:?}"
        );
        assert!(!refused.details().is_empty(), "it says why: {refused:?}");
    }

    proxy.set(Fault::Pass);
    let works = async || stock.report_stock(set("s", 2)).await.is_ok();
    wait_until(LONG, "the control plane to work again", works)
        .await
        .unwrap();
    let works = async || events.report_events(views(["e2".to_owned()])).await.is_ok();
    wait_until(LONG, "events to be taken again", works).await.unwrap();
}

fn refused_for_now(refused: tonic::Status) {
    use tonic_types::StatusExt as _;
    let details = refused.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    assert_eq!(
        (refused.code(), reason.as_deref()),
        (Code::Unavailable, Some("STORE_UNAVAILABLE")),
        "{refused}"
    );
    assert!(
        details
            .retry_info()
            .is_some_and(|info| info.retry_delay.is_some())
    );
    let words = refused.message().to_lowercase();
    assert!(
        !words.contains("postgres") && !words.contains("sql") && !words.contains("127.0.0.1"),
        "{words}"
    );
}
