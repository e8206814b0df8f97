//! The admin endpoint over real sockets.

#[path = "lifecycle/http.rs"]
mod http;

use http::get;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use tandem_runtime::admin;
use tandem_runtime::config::RuntimeConfig;
use tandem_runtime::readiness::Readiness;
use tandem_runtime::telemetry::{SECONDS, Telemetry};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

struct Admin {
    address: String,
    readiness: Readiness,
    telemetry: Telemetry,
    _task: JoinSet<std::io::Result<()>>,
}

async fn start() -> Admin {
    let config = RuntimeConfig::default();
    let (telemetry, _) =
        Telemetry::build(&config.telemetry, &config.log, "tandem-test", "1").expect("defaults");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound").to_string();
    let readiness = Readiness::new();
    let mut task = JoinSet::new();
    task.spawn(admin::serve(listener, readiness.clone(), telemetry.metrics()));
    Admin {
        address,
        readiness,
        telemetry,
        _task: task,
    }
}

#[tokio::test]
async fn healthz_answers_while_the_process_lives_even_when_it_is_not_ready() {
    let admin = start().await;
    admin.readiness.check("sql");
    assert_eq!(get(&admin.address, "/healthz").await.unwrap().status, 200);
    assert_eq!(get(&admin.address, "/nothing").await.unwrap().status, 404);
}

#[tokio::test]
async fn readyz_names_every_check_and_its_reason() {
    let admin = start().await;
    let (sql, redis) = (admin.readiness.check("sql"), admin.readiness.check("redis"));
    sql.ready();
    redis.not_ready("connection refused");
    let answer = get(&admin.address, "/readyz").await.unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        r#"{"ready":false,"draining":false,"checks":{"redis":{"ready":false,"reason":"connection refused"},"sql":{"ready":true}}}"#
    );
    redis.ready();
    assert_eq!(get(&admin.address, "/readyz").await.unwrap().status, 200);
    admin.readiness.drain();
    let answer = get(&admin.address, "/readyz").await.unwrap();
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.starts_with(r#"{"ready":false,"draining":true,"#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn metrics_show_instruments_under_prometheus_names() {
    let admin = start().await;
    let meter = admin.telemetry.meters().meter("test");
    let bounds = SECONDS.to_vec();
    let duration = meter
        .f64_histogram("tandem.graph.build.duration")
        .with_unit("s")
        .with_boundaries(bounds)
        .build();
    duration.record(0.002, &[KeyValue::new("kind", "full")]);
    meter.u64_counter("tandem.events").build().add(3, &[]);
    let text = get(&admin.address, "/metrics").await.unwrap().body;
    for line in [
        r#"tandem_graph_build_duration_seconds_bucket{kind="full",le="0.001"} 0"#,
        r#"tandem_graph_build_duration_seconds_bucket{kind="full",le="0.0025"} 1"#,
        "tandem_events_total 3",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}
