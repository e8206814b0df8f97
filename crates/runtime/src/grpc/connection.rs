//! Connections that end at the hard stop, whatever their clients do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tandem_gather::Gathered;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::accept::Slot;

/// What a connection is read from and written to.
pub(super) enum Wire {
    /// TCP as it is.
    Plain(Gathered<TcpStream>),
    /// TLS over TCP.
    Tls(Box<Gathered<TlsStream<TcpStream>>>),
}

/// A connection whose reads fail once its token is cancelled. HTTP/2 always waits for a read, so it
/// notices at once, and ends the connection with everything on it.
pub(super) struct Connection {
    wire: Wire,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Its place among those that there may be.
    _slot: Slot,
}

impl Connection {
    pub(super) fn new(wire: Wire, slot: Slot, cut: CancellationToken) -> Self {
        Self {
            wire,
            cut: Box::pin(cut.cancelled_owned()),
            _slot: slot,
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        match &self.wire {
            Wire::Plain(stream) => stream.get_ref().connect_info(),
            Wire::Tls(stream) => stream.get_ref().get_ref().0.connect_info(),
        }
    }
}

/// The same of whatever the wire is.
macro_rules! wire {
    ($connection:expr, $stream:ident => $call:expr) => {
        match &mut $connection.wire {
            Wire::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Wire::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $call
            }
        }
    };
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        wire!(self, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        wire!(self, stream => stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        wire!(self, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        wire!(self, stream => stream.poll_shutdown(context))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        wire!(self, stream => stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
