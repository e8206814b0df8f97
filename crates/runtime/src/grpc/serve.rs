//! The server itself: limits, health, and its end.

use std::time::Duration;

use futures::{Stream, StreamExt as _};
use opentelemetry::global;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Error, Server};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::connection::Connection;
use super::{RpcLayer, Services};
use crate::config::ServerConfig;
use crate::lifecycle::Shutdown;
use crate::readiness::Readiness;

/// When the process has no descriptor left for a connection, trying again at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the shutdown. Health says NOT_SERVING until the process is ready and again as soon as it
/// is not. At the soft step: NOT_SERVING, a notice, GOAWAY, then the RPCs in progress end. At the hard step
/// all connections are closed.
///
/// # Errors
/// When the server breaks.
pub async fn serve(
    services: Services,
    listener: TcpListener,
    config: &ServerConfig,
    readiness: &Readiness,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let Services { routes, names } = services;
    let health = HealthReporter::new();
    report(&health, &names, ServingStatus::NotServing).await;
    let routes = routes.add_service(HealthServer::new(HealthService::from_health_reporter(
        health.clone(),
    )));

    // Connections that outlive this function would belong to nobody.
    let cut = shutdown.hard_token().child_token();
    let _cut = cut.clone().drop_guard();
    let goaway = async {
        shutdown.soft().await;
        readiness.drain();
        report(&health, &names, ServingStatus::NotServing).await;
        sleep(config.notice).await;
    };
    let server = Server::builder()
        .max_concurrent_streams(config.max_streams)
        .http2_keepalive_interval(Some(config.keepalive_interval))
        .http2_keepalive_timeout(Some(config.keepalive_timeout))
        .layer(RpcLayer::new(config, &global::meter("tandem")))
        .add_routes(routes)
        .serve_with_incoming_shutdown(connections(listener, cut), goaway);
    tokio::select! {
        served = server => served,
        never = follow(readiness, &health, &names) => match never {},
    }
}

/// Keeps health the same as readiness.
async fn follow(readiness: &Readiness, health: &HealthReporter, names: &[&str]) -> std::convert::Infallible {
    let mut reports = readiness.watch();
    loop {
        let ready = reports.borrow_and_update().is_ready();
        let status = if ready {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        report(health, names, status).await;
        if reports.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Each service by its name, and all of them as "".
async fn report(health: &HealthReporter, names: &[&str], status: ServingStatus) {
    for name in names.iter().copied().chain([""]) {
        health.set_service_status(name, status).await;
    }
}

fn connections(
    listener: TcpListener,
    cut: CancellationToken,
) -> impl Stream<Item = std::io::Result<Connection>> {
    TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .then(move |accepted| {
            let cut = cut.clone();
            async move { connection(accepted, cut).await }
        })
}

async fn connection(
    accepted: std::io::Result<TcpStream>,
    cut: CancellationToken,
) -> std::io::Result<Connection> {
    if let Err(error) = &accepted {
        tracing::warn!(%error, "cannot accept a connection");
        sleep(ACCEPT_PAUSE).await;
    }
    accepted.map(|stream| Connection::new(stream, cut))
}
