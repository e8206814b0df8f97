//! Accepting connections: as many as there are places, with their handshakes beside each other.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use opentelemetry::global;
use opentelemetry::metrics::Counter;
use tandem_gather::Gathered;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;

use super::connection::{Connection, Wire};
use super::lanes::Stay;
use crate::tls::Acceptor;

/// When the process has no descriptor left for a connection, trying again at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Handshakes in progress at a time, on each runtime.
const HANDSHAKES: usize = 1024;

/// A connection as it was accepted.
pub(super) struct Accepted<S = TcpStream> {
    pub(super) stream: S,
    pub(super) slot: Slot,
}

/// A place among the connections that there may be, until dropped.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    /// On the lane that the connection was dealt to.
    pub(super) lane: Option<Stay>,
}

/// Places for connections.
pub(super) struct Slots {
    free: Arc<Semaphore>,
    refused: Counter<u64>,
}

impl Slots {
    pub(super) fn new(most: usize) -> Self {
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
    fn take(&self) -> Option<Slot> {
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            self.refused.add(1, &[]);
            tracing::debug!("a connection is closed: `server.max_connections` are open");
            return None;
        };
        Some(Slot {
            _permit: permit,
            lane: None,
        })
    }
}

/// Connections that have a place, as they come.
pub(super) fn accepted(listener: TcpListener, slots: Slots) -> impl Stream<Item = Accepted> {
    let accepted = TcpIncoming::from(listener).with_nodelay(Some(true));
    accepted.filter_map(move |accepted| {
        let place = match accepted {
            Ok(stream) => Ok(slots.take().map(|slot| Accepted { stream, slot })),
            Err(error) => Err(error),
        };
        async move {
            match place {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    None
                }
            }
        }
    })
}

/// Makes connections of what was accepted. Handshakes go on beside each other, so that a client that dawdles holds up nobody.
pub(super) fn connections(
    accepted: impl Stream<Item = Accepted>,
    acceptor: Option<Acceptor>,
    cut: CancellationToken,
) -> impl Stream<Item = io::Result<Connection>> {
    let shaken = accepted.map(move |Accepted { stream, slot }| {
        let acceptor = acceptor.clone();
        async move { io::Result::Ok((wire(stream, acceptor.as_ref()).await?, slot)) }
    });
    let wires = shaken.buffer_unordered(HANDSHAKES);
    wires.filter_map(move |wire| {
        let connection = wire.map(|(wire, slot)| Connection::new(wire, slot, cut.clone()));
        // One that never came about is nobody's.
        ready(connection.ok().map(Ok))
    })
}

async fn wire(stream: TcpStream, acceptor: Option<&Acceptor>) -> io::Result<Wire> {
    let Some(acceptor) = acceptor else {
        return Ok(Wire::Plain(Gathered::new(stream)));
    };
    match acceptor.shake(stream).await {
        Ok(stream) => Ok(Wire::Tls(Box::new(Gathered::new(stream)))),
        Err(error) => {
            tracing::debug!(%error, "no TLS connection came about");
            Err(error)
        }
    }
}
