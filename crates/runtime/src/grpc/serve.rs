//! The server itself: limits, health, and its end.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use futures::{FutureExt as _, Stream, StreamExt as _};
use opentelemetry::global;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tonic_web::GrpcWebLayer;

use super::accept::{Accepted, Slots, accepted, connections};
use super::{RpcLayer, Services, lanes};
use crate::config::ServerConfig;
use crate::lifecycle::Shutdown;
use crate::readiness::Readiness;
use crate::tls::{Acceptor, Follower, TlsError};

/// What clients may speak under TLS; HTTP/1.1 is for web pages alone.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A server that did not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It broke.
    #[error("the gRPC server broke")]
    Transport(#[from] tonic::transport::Error),
    /// A lane could not be started.
    #[error("a lane cannot be started")]
    Lane(#[from] io::Error),
    /// A lane ended in a panic of its own, not of a handler.
    #[error("a lane panicked")]
    Panicked,
}

/// Serves until the shutdown. Health says NOT_SERVING until the process is ready and again as soon as it
/// is not. At the soft step: NOT_SERVING, a notice, GOAWAY, then the RPCs in progress end. At the hard step
/// all connections are closed.
///
/// Calls are handled on the lanes of the configuration, or else on the runtime that this is called on. What is not of one
/// connection stays here: accepting, health, the certificate.
///
/// # Errors
/// When the certificate cannot be used or the server breaks.
pub async fn serve(
    services: Services,
    listener: TcpListener,
    config: &ServerConfig,
    readiness: &Readiness,
    shutdown: &Shutdown,
) -> Result<(), ServeError> {
    let names = services.names();
    let health = HealthReporter::new();
    report(&health, &names, ServingStatus::NotServing).await;
    let services = services.with(HealthServer::new(HealthService::from_health_reporter(
        health.clone(),
    )));

    let (acceptor, follower) = Acceptor::new(&config.tls, protocols(config))?.unzip();

    // Connections that outlive this function would belong to nobody.
    let cut = shutdown.hard_token().child_token();
    let _cut = cut.clone().drop_guard();
    let goaway = CancellationToken::new();
    let stop = async {
        shutdown.soft().await;
        readiness.drain();
        report(&health, &names, ServingStatus::NotServing).await;
        sleep(config.notice).await;
        goaway.cancel();
        std::future::pending().await
    };
    let counter = Counter {
        services,
        rpcs: RpcLayer::new(config, &global::meter("tandem")),
        config: config.clone(),
        acceptor,
        goaway: goaway.clone(),
        cut,
    };
    let accepted = accepted(listener, Slots::new(config.max_connections));
    let served = async {
        match config.lanes {
            None => counter.serve(accepted).await,
            Some(lanes) => {
                let accepted = accepted.take_until(goaway.cancelled());
                lanes::serve(lanes, accepted, Arc::new(counter)).await
            }
        }
    };
    tokio::select! {
        served = served => served,
        never = stop => match never {},
        never = keep(follower) => match never {},
        never = follow(readiness, &health, &names) => match never {},
    }
}

/// Where connections are served, on one runtime or on several.
pub(super) struct Counter {
    services: Services,
    rpcs: RpcLayer,
    config: ServerConfig,
    acceptor: Option<Acceptor>,
    /// Tells clients to go away.
    goaway: CancellationToken,
    /// Closes connections.
    cut: CancellationToken,
}

impl Counter {
    /// Serves what is accepted on this runtime, until clients are told to go away and have ended their calls.
    pub(super) async fn serve(&self, accepted: impl Stream<Item = Accepted>) -> Result<(), ServeError> {
        let Self { config, services, .. } = self;
        let server = Server::builder()
            .max_concurrent_streams(config.max_streams)
            .http2_keepalive_interval(Some(config.keepalive_interval))
            .http2_keepalive_timeout(Some(config.keepalive_timeout));
        let rpcs = self.rpcs.on_this_runtime();
        let watch = rpcs.watch();
        let connections = connections(accepted, self.acceptor.clone(), self.cut.clone());
        let (services, goaway) = (services.clone(), self.goaway.cancelled());
        let served = if config.web.is_on() {
            server
                .accept_http1(true)
                .layer(config.web.cors())
                .layer(GrpcWebLayer::new())
                .layer(rpcs)
                .serve_with_incoming_shutdown(services, connections, goaway)
                .left_future()
        } else {
            server
                .layer(rpcs)
                .serve_with_incoming_shutdown(services, connections, goaway)
                .right_future()
        };
        tokio::select! {
            served = served => Ok(served?),
            never = watch => match never {},
        }
    }
}

fn protocols(config: &ServerConfig) -> &'static [&'static [u8]] {
    if config.web.is_on() {
        &PROTOCOLS
    } else {
        &PROTOCOLS[..1]
    }
}

/// Keeps the certificate the same as its files.
async fn keep(follower: Option<Follower>) -> Infallible {
    match follower {
        Some(follower) => follower.follow().await,
        None => std::future::pending().await,
    }
}

/// Keeps health the same as readiness.
async fn follow(readiness: &Readiness, health: &HealthReporter, names: &[&str]) -> Infallible {
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
