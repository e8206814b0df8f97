//! Traces that cross processes, and metrics, against a real collector.
//!
//! One test, because a process sets up its telemetry once.

#[path = "grpc/hand.rs"]
#[expect(dead_code, reason = "the rest is for tests/grpc.rs")]
mod hand;
#[path = "grpc/server.rs"]
#[expect(dead_code, reason = "the rest is for tests/grpc.rs")]
mod server;

use opentelemetry::trace::TraceContextExt as _;
use server::{LONG, TestServer};
use tandem_runtime::config::RuntimeConfig;
use tandem_runtime::telemetry::{Telemetry, propagation};
use tandem_testing::otlp::Collector;
use tandem_testing::{free_port, wait_until};
use tonic::Request;
use tonic_health::pb::HealthCheckRequest as Ask;
use tracing::{Instrument as _, info_span};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_through_calls_and_stored_rows_and_every_call_is_measured() {
    let collector = Collector::start().await.unwrap();
    let mut config = RuntimeConfig::default();
    config.telemetry.otlp_endpoint = Some(collector.endpoint());
    // Traces that begin here are not kept, those of callers are; a quiet log changes nothing.
    config.telemetry.sample_ratio = 0.0;
    config.log.level = "off".to_owned();
    let telemetry = Telemetry::init(&config.telemetry, &config.log, "tandem-test", "1.2.3").unwrap();
    let server = TestServer::start().await;
    let mut client = server.client().await;

    let mut request = Request::new(Ask::default());
    request
        .metadata_mut()
        .insert("traceparent", PARENT.parse().unwrap());
    client.request("Fine", request).await.unwrap();
    let mut request = Request::new(Ask::default());
    request
        .metadata_mut()
        .insert("traceparent", UNSAMPLED.parse().unwrap());
    client.request("Unsampled", request).await.unwrap();
    client.call("Refuse").await.unwrap_err();
    client.call("Panic").await.unwrap_err();
    client.call("Missing").await.unwrap_err();

    // As an outbox row would carry it: written inside one span, read by the next one.
    let work = info_span!("work");
    propagation::follow(&work, Some(PARENT));
    let row = async { propagation::current() }.instrument(work).await.unwrap();
    let later = info_span!("later");
    propagation::follow(&later, Some(&row));
    async {
        let mut request = Request::new(Ask::default());
        propagation::inject_metadata(request.metadata_mut());
        client.request("Other", request).await.unwrap();
    }
    .instrument(later)
    .await;

    let metrics = telemetry.metrics();
    let measured = async || metrics.render().contains(r#"rpc_method="Other""#);
    wait_until(LONG, "the last call to be measured", measured)
        .await
        .unwrap();
    let text = metrics.render();
    telemetry.shutdown().await;

    let called = collector.span("test.v1.Hand/Fine", LONG).await.unwrap();
    assert_eq!(called.service, "tandem-test");
    assert_eq!(called.trace_id, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(called.parent_span_id, "b7ad6b7169203331");
    for (key, value) in [
        ("rpc.system", "grpc"),
        ("rpc.service", "test.v1.Hand"),
        ("rpc.method", "Fine"),
        ("rpc.grpc.status_code", "0"),
    ] {
        assert_eq!(
            called.attributes.get(key).map(String::as_str),
            Some(value),
            "{called:?}"
        );
    }
    let work = collector.span("work", LONG).await.unwrap();
    let later = collector.span("later", LONG).await.unwrap();
    let other = collector.span("test.v1.Hand/Other", LONG).await.unwrap();
    assert!(
        [&work, &later, &other]
            .iter()
            .all(|span| span.trace_id == called.trace_id)
    );
    assert_eq!(
        (&later.parent_span_id, &other.parent_span_id),
        (&work.span_id, &later.span_id)
    );
    let names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names.len(), 4, "the rest was not to be kept: {names:?}");
    assert!(collector.metrics().contains(&"rpc.server.duration".to_owned()));

    for (method, code) in [("Fine", 0), ("Refuse", 9), ("Panic", 13), ("other", 12)] {
        let count = text.lines().find(|line| {
            line.starts_with("rpc_server_duration_seconds_count{")
                && line.contains(&format!("rpc_method=\"{method}\""))
                && line.contains(&format!("rpc_grpc_status_code=\"{code}\""))
        });
        assert!(count.is_some_and(|line| line.ends_with(" 1")), "{method}: {text}");
    }
    assert!(
        text.contains(r#"service_name="tandem-test""#) && text.contains(r#"service_version="1.2.3""#),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_stops_nothing() {
    let mut config = RuntimeConfig::default();
    config.telemetry.otlp_endpoint = Some(format!("http://127.0.0.1:{}", free_port()));
    let (telemetry, dispatch) = Telemetry::build(&config.telemetry, &config.log, "tandem-test", "1").unwrap();
    tracing::dispatcher::with_default(&dispatch, || info_span!("work").in_scope(|| ()));
    tokio::time::timeout(LONG, telemetry.shutdown()).await.unwrap();
}

#[test]
fn a_traceparent_survives_the_round_trip_and_nonsense_is_no_trace() {
    let context = propagation::extract(PARENT);
    assert!(context.span().span_context().is_remote());
    assert_eq!(propagation::inject(&context).as_deref(), Some(PARENT));
    for nonsense in [
        "",
        "00",
        "00-0-0-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    ] {
        assert_eq!(
            propagation::inject(&propagation::extract(nonsense)),
            None,
            "{nonsense:?}"
        );
    }
}
