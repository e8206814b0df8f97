//! The server itself: limits, health, and its end.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, Stream, StreamExt as _};
use opentelemetry::global;
use opentelemetry::metrics::Counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tonic_web::GrpcWebLayer;

use super::connection::{Connection, Wire};
use super::{RpcLayer, Services};
use crate::config::ServerConfig;
use crate::lifecycle::Shutdown;
use crate::readiness::Readiness;
use crate::tls::{Acceptor, Follower, TlsError};

/// When the process has no descriptor left for a connection, trying again at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Handshakes in progress at a time.
const HANDSHAKES: usize = 1024;

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
}

/// Serves until the shutdown. Health says NOT_SERVING until the process is ready and again as soon as it
/// is not. At the soft step: NOT_SERVING, a notice, GOAWAY, then the RPCs in progress end. At the hard step
/// all connections are closed.
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
    let goaway = async {
        shutdown.soft().await;
        readiness.drain();
        report(&health, &names, ServingStatus::NotServing).await;
        sleep(config.notice).await;
    };
    let server = Server::builder()
        .max_concurrent_streams(config.max_streams)
        .http2_keepalive_interval(Some(config.keepalive_interval))
        .http2_keepalive_timeout(Some(config.keepalive_timeout));
    let rpcs = RpcLayer::new(config, &global::meter("tandem"));
    let watch = rpcs.watch();
    let connections = connections(listener, Slots::new(config.max_connections), acceptor, cut);
    let server = if config.web.is_on() {
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
        served = server => Ok(served?),
        never = watch => match never {},
        never = keep(follower) => match never {},
        never = follow(readiness, &health, &names) => match never {},
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
async fn keep(follower: Option<Follower>) -> std::convert::Infallible {
    match follower {
        Some(follower) => follower.follow().await,
        None => std::future::pending().await,
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

/// Places for connections.
struct Slots {
    free: Arc<Semaphore>,
    refused: Counter<u64>,
}

impl Slots {
    fn new(most: usize) -> Self {
        let refused = global::meter("tandem")
            .u64_counter("tandem.server.connections.refused")
            .with_description("Connections that were closed at once because there were too many")
            .build();
        Self {
            free: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            refused,
        }
    }

    /// A place, if one is free.
    fn take(&self) -> Option<OwnedSemaphorePermit> {
        let slot = Arc::clone(&self.free).try_acquire_owned().ok();
        if slot.is_none() {
            self.refused.add(1, &[]);
            tracing::debug!("a connection is closed: `server.max_connections` are open");
        }
        slot
    }
}

/// Accepts connections, as many as there are slots. Handshakes go on beside each other, so that a client that dawdles holds up nobody.
fn connections(
    listener: TcpListener,
    slots: Slots,
    acceptor: Option<Acceptor>,
    cut: CancellationToken,
) -> impl Stream<Item = std::io::Result<Connection>> {
    let accepted = TcpIncoming::from(listener).with_nodelay(Some(true));
    let accepted = accepted.then(async |accepted| {
        if let Err(error) = &accepted {
            tracing::warn!(%error, "cannot accept a connection");
            sleep(ACCEPT_PAUSE).await;
        }
        accepted
    });
    let placed = accepted.filter_map(move |accepted| {
        let placed = accepted.map(|stream| Some((stream, slots.take()?)));
        ready(placed.transpose())
    });
    let shaken = placed.map(move |placed| {
        let acceptor = acceptor.clone();
        async move {
            let (stream, slot) = placed?;
            std::io::Result::Ok((wire(stream, acceptor.as_ref()).await?, slot))
        }
    });
    let wires = shaken.buffer_unordered(HANDSHAKES);
    wires.filter_map(move |wire| {
        let connection = wire.map(|(wire, slot)| Connection::new(wire, slot, cut.clone()));
        // One that never came about is nobody's.
        ready(connection.ok().map(Ok))
    })
}

async fn wire(stream: TcpStream, acceptor: Option<&Acceptor>) -> std::io::Result<Wire> {
    let Some(acceptor) = acceptor else {
        return Ok(Wire::Plain(stream));
    };
    match acceptor.shake(stream).await {
        Ok(stream) => Ok(Wire::Tls(Box::new(stream))),
        Err(error) => {
            tracing::debug!(%error, "no TLS connection came about");
            Err(error)
        }
    }
}
