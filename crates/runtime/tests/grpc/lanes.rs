//! Lanes: threads that connections are spread over, with limits and an end in common.

use std::time::Duration;

use tandem_runtime::config::ServerConfig;
use tandem_testing::wait_until;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest as Ask;

use super::hand::Client;
use super::reason;
use super::server::{LONG, TestServer};

/// A server on two lanes, with a client on each.
async fn two_lanes(change: impl FnOnce(&mut ServerConfig)) -> (TestServer, Client, Client) {
    let server = TestServer::with(|config| {
        config.lanes = "2".parse().ok();
        change(config);
    })
    .await;
    let (one, other) = (server.client().await, server.client().await);
    (server, one, other)
}

#[tokio::test]
async fn a_lane_that_is_stuck_holds_up_no_other() {
    let (server, mut stuck, mut free) = two_lanes(|_| {}).await;
    let stick = async { stuck.call("Block").await };
    let go_on = async {
        server.hand.begun.notified().await;
        let answer = timeout(LONG, free.call("Fine")).await;
        server.hand.meeting.wait();
        answer.expect("its thread is another").unwrap();
    };
    let (stuck, ()) = tokio::join!(stick, go_on);
    stuck.unwrap();
}

#[tokio::test]
async fn a_panic_on_a_lane_ends_its_call_and_nothing_else() {
    let (_server, mut one, mut other) = two_lanes(|_| {}).await;
    for client in [&mut one, &mut other] {
        assert_eq!(client.call("Panic").await.unwrap_err().code(), Code::Internal);
    }
    one.call("Fine").await.unwrap();
    other.call("Fine").await.unwrap();
}

#[tokio::test]
async fn calls_in_progress_are_counted_over_all_lanes() {
    let (server, mut holder, mut refused) = two_lanes(|config| config.max_in_flight = 1).await;
    let hold = async { holder.call("Hold").await };
    let others = async {
        server.hand.begun.notified().await;
        let status = refused.call("Fine").await.unwrap_err();
        server.hand.release.notify_one();
        status
    };
    let (held, status) = tokio::join!(hold, others);
    held.unwrap();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "OVERLOADED")
    );
    refused.call("Fine").await.unwrap();
}

#[tokio::test]
async fn connections_are_counted_over_all_lanes() {
    let (server, mut one, mut other) = two_lanes(|config| config.max_connections = 2).await;
    one.call("Fine").await.unwrap();
    other.call("Fine").await.unwrap();
    let refused = match server.try_client().await {
        Ok(mut third) => third.call("Fine").await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "a third connection is served");
    drop(one);
    let served = async || match server.try_client().await {
        Ok(mut third) => third.call("Fine").await.is_ok(),
        Err(_) => false,
    };
    wait_until(LONG, "a place for another connection", served)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_soft_stop_lets_the_calls_on_every_lane_end() {
    let (server, mut one, mut other) = two_lanes(|_| {}).await;
    let hold_other = async {
        server.hand.begun.notified().await;
        let stop = async {
            server.hand.begun.notified().await;
            server.shutdown.request("test");
            let refused = async || TcpStream::connect(&server.address).await.is_err();
            wait_until(LONG, "the port to refuse", refused).await.unwrap();
            loop {
                server.hand.release.notify_one();
                tokio::task::yield_now().await;
            }
        };
        let held = tokio::select! {
            held = other.call("Hold") => held,
            () = stop => unreachable!("it has no end"),
        };
        // The other call may be the last.
        server.hand.release.notify_one();
        held
    };
    let (one, other) = timeout(LONG, async { tokio::join!(one.call("Hold"), hold_other) })
        .await
        .unwrap();
    one.unwrap();
    other.unwrap();
    server.ended().await;
}

#[tokio::test]
async fn a_hard_stop_closes_the_connections_of_every_lane() {
    let (server, mut one, mut other) = two_lanes(|_| {}).await;
    let mut streams = Vec::new();
    for client in [&mut one, &mut other] {
        let stream = client.stream("StreamForEver", Request::new(Ask::default())).await;
        streams.push(stream.unwrap());
    }
    for stream in &mut streams {
        stream.message().await.unwrap();
        let next = timeout(Duration::from_millis(50), stream.message()).await;
        assert!(next.is_err(), "the stream goes on");
    }
    server.shutdown.abort("test");
    for stream in &mut streams {
        let end = timeout(LONG, stream.message()).await.unwrap();
        assert!(end.is_err(), "no clean end");
    }
    server.ended().await;
}
