//! What surrounds every handler, and the server's end.

#[path = "grpc/hand.rs"]
mod hand;
#[path = "grpc/house.rs"]
mod house;
#[path = "grpc/lanes.rs"]
mod lanes;
#[path = "grpc/server.rs"]
mod server;
#[path = "grpc/tls.rs"]
mod tls;
#[path = "grpc/tokens.rs"]
mod tokens;

use std::time::Duration;

use server::{LONG, TestServer};
use tandem_runtime::grpc::require_loopback;
use tandem_testing::wait_until;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::{Code, Request, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest as Ask;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

fn reason(status: &Status) -> String {
    let info = status
        .get_details_error_info()
        .expect("every error says its reason");
    assert_eq!(info.domain, "tandem");
    info.reason
}

#[tokio::test]
async fn a_panic_in_a_handler_is_internal_and_tells_nothing() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let status = client.call("Panic").await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Internal, "INTERNAL")
    );
    assert!(!status.message().contains("secret"), "{status:?}");
    client.call("Fine").await.unwrap();
}

#[tokio::test]
async fn a_panic_in_a_stream_is_internal_and_no_clean_end() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let mut stream = client
        .stream("StreamPanic", Request::new(Ask::default()))
        .await
        .unwrap();
    assert!(stream.message().await.unwrap().is_some());
    let status = stream.message().await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Internal, "INTERNAL")
    );
    client.call("Fine").await.unwrap();
}

#[tokio::test]
async fn an_error_of_a_handler_keeps_its_code_and_text_and_every_error_has_a_reason() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let status = client.call("Refuse").await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::FailedPrecondition, "not now")
    );
    assert_eq!(reason(&status), "FAILED_PRECONDITION");
    let status = client.call("Missing").await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unimplemented, "UNIMPLEMENTED")
    );
    let mut stream = client
        .stream("StreamRefuse", Request::new(Ask::default()))
        .await
        .unwrap();
    assert!(stream.message().await.unwrap().is_some());
    let status = stream.message().await.unwrap_err();
    assert_eq!(
        (status.message(), reason(&status).as_str()),
        ("no more", "ABORTED")
    );
}

#[tokio::test]
async fn the_callers_deadline_ends_a_handler_with_deadline_exceeded() {
    let server = TestServer::start().await;
    let mut client = server.untimed_client();
    let mut request = Request::new(Ask::default());
    request
        .metadata_mut()
        .insert("grpc-timeout", "50m".parse().unwrap());
    let status = timeout(LONG, client.request("Hold", request))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
}

#[tokio::test]
async fn the_callers_deadline_ends_a_stream_too() {
    let server = TestServer::start().await;
    let mut request = Request::new(Ask::default());
    request
        .metadata_mut()
        .insert("grpc-timeout", "200m".parse().unwrap());
    let mut stream = server
        .client()
        .await
        .stream("StreamForEver", request)
        .await
        .unwrap();
    assert!(stream.message().await.unwrap().is_some());
    let status = timeout(LONG, stream.message()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn the_servers_own_limit_holds_without_a_deadline_of_the_caller() {
    let server = TestServer::with(|config| config.request_timeout = Duration::from_millis(50)).await;
    let status = timeout(LONG, server.client().await.call("Hold"))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn too_many_calls_in_progress_are_refused_at_once_but_health_is_answered() {
    let server = TestServer::with(|config| config.max_in_flight = 1).await;
    let (mut holder, mut client) = (server.client().await, server.client().await);
    let hold = async { holder.call("Hold").await };
    let others = async {
        server.hand.begun.notified().await;
        let status = client.call("Fine").await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unavailable, "OVERLOADED")
        );
        assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
        assert_eq!(health(&server, "").await, ServingStatus::Serving as i32);
        server.hand.release.notify_one();
    };
    let (held, ()) = tokio::join!(hold, others);
    held.unwrap();
    client.call("Fine").await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_until_one_ends() {
    let server = TestServer::with(|config| config.max_connections = 1).await;
    let mut first = server.client().await;
    first.call("Fine").await.unwrap();
    let others = async || {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
        let mut other = hand::Client::new(endpoint.connect_lazy(), &server.address);
        other.call("Fine").await
    };
    // What a client calls a connection that ended before the call began depends on how far it had come.
    let refused = others().await.unwrap_err();
    assert!(
        matches!(
            refused.code(),
            Code::Unavailable | Code::Cancelled | Code::Unknown
        ),
        "{refused:?}"
    );
    first.call("Fine").await.unwrap();
    drop(first);
    let served = async || others().await.is_ok();
    wait_until(LONG, "a place for another connection", served)
        .await
        .unwrap();
}

async fn health(server: &TestServer, service: &str) -> i32 {
    let mut client = HealthClient::new(server.channel().await);
    client
        .check(Ask {
            service: service.into(),
        })
        .await
        .expect("a known service")
        .into_inner()
        .status
}

async fn health_becomes(server: &TestServer, status: ServingStatus) {
    for service in ["", "test.v1.Hand"] {
        let what = format!("{service:?} to be {status}");
        wait_until(LONG, &what, async || {
            health(server, service).await == status as i32
        })
        .await
        .expect("in time");
    }
}

#[tokio::test]
async fn health_follows_readiness_for_each_service() {
    let server = TestServer::start().await;
    let check = server.readiness.check("redis");
    health_becomes(&server, ServingStatus::NotServing).await;
    check.ready();
    health_becomes(&server, ServingStatus::Serving).await;
    check.not_ready("away");
    health_becomes(&server, ServingStatus::NotServing).await;
    let unknown = HealthClient::new(server.channel().await)
        .check(Ask {
            service: "no.Such".into(),
        })
        .await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_soft_stop_says_not_serving_first_and_lets_calls_end() {
    let server = TestServer::start().await;
    let (mut client, mut late) = (server.client().await, server.client().await);
    let mut watch = HealthClient::new(server.channel().await);
    let mut watch = watch
        .watch(Ask {
            service: "test.v1.Hand".into(),
        })
        .await
        .unwrap()
        .into_inner();
    while watch.message().await.unwrap().unwrap().status != ServingStatus::Serving as i32 {}

    let hold = async { client.call("Hold").await };
    let stop = async {
        server.hand.begun.notified().await;
        server.shutdown.request("test");
        let last = timeout(LONG, watch.message()).await.unwrap().unwrap().unwrap();
        assert_eq!(last.status, ServingStatus::NotServing as i32);
        let refused = async || TcpStream::connect(&server.address).await.is_err();
        wait_until(LONG, "the port to refuse", refused).await.unwrap();
        let refused = async || late.call("Fine").await.is_err();
        wait_until(LONG, "new work to be refused", refused).await.unwrap();
        server.hand.release.notify_one();
    };
    let (held, ()) = tokio::join!(hold, stop);
    held.unwrap();
    drop((client, late, watch));
    server.ended().await;
}

#[tokio::test]
async fn during_the_notice_calls_are_still_served_and_health_says_not_serving() {
    let server = TestServer::with(|config| config.notice = Duration::from_secs(3600)).await;
    health_becomes(&server, ServingStatus::Serving).await;
    server.shutdown.request("test");
    health_becomes(&server, ServingStatus::NotServing).await;
    server.client().await.call("Fine").await.unwrap();
}

#[tokio::test]
async fn a_hard_stop_closes_streams_and_idle_connections() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let idle = TcpStream::connect(&server.address).await.unwrap();
    let mut stream = client
        .stream("StreamForEver", Request::new(Ask::default()))
        .await
        .unwrap();
    stream.message().await.unwrap();
    server.shutdown.request("test");
    let refused = async || TcpStream::connect(&server.address).await.is_err();
    wait_until(LONG, "the port to refuse", refused).await.unwrap();
    assert!(
        timeout(Duration::from_millis(50), stream.message())
            .await
            .is_err(),
        "the stream goes on"
    );
    server.shutdown.abort("test");
    assert!(
        timeout(LONG, stream.message()).await.unwrap().is_err(),
        "no clean end"
    );
    server.ended().await;
    drop(idle);
}

#[test]
fn only_loopback_may_be_insecure() {
    for accepted in [
        None,
        Some("127.0.0.1:1"),
        Some("127.9.9.9:1"),
        Some("[::1]:1"),
        Some("[::ffff:127.0.0.1]:1"),
    ] {
        require_loopback(accepted.map(|address| address.parse().unwrap())).unwrap();
    }
    for refused in ["0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[2001:db8::1]:1"] {
        let error = require_loopback(Some(refused.parse().unwrap())).unwrap_err();
        assert!(error.to_string().contains(refused), "{error}");
    }
}
