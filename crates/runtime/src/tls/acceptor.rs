//! What shakes hands with clients.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::files::{Files, Read};
use super::{TlsConfig, TlsError};
use crate::backoff::chain;

/// How long a client may take to shake hands.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// Shakes hands under the certificate of the moment. Clones share it.
#[derive(Clone)]
pub(crate) struct Acceptor {
    current: Arc<ArcSwap<ServerConfig>>,
    protocols: Vec<Vec<u8>>,
}

/// Keeps an [`Acceptor`] as its files are.
pub(crate) struct Follower {
    acceptor: Acceptor,
    files: Files,
    seen: Read,
    interval: Duration,
}

impl Acceptor {
    /// None without a certificate. `protocols` are those that clients may choose from (ALPN).
    pub(crate) fn new(config: &TlsConfig, protocols: &[&[u8]]) -> Result<Option<(Self, Follower)>, TlsError> {
        let Some(files) = Files::of(config)? else {
            return Ok(None);
        };
        let seen = files.read()?;
        let protocols: Vec<_> = protocols.iter().map(|name| name.to_vec()).collect();
        let acceptor = Self {
            current: Arc::new(ArcSwap::from_pointee(with(seen.server()?, &protocols))),
            protocols,
        };
        let follower = Follower {
            acceptor: acceptor.clone(),
            files,
            seen,
            interval: config.reload_interval,
        };
        Ok(Some((acceptor, follower)))
    }

    pub(crate) async fn shake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.current.load_full());
        timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await?
    }
}

impl Follower {
    /// Reads the files again and again, for ever.
    pub(crate) async fn follow(mut self) -> std::convert::Infallible {
        loop {
            sleep(self.interval).await;
            if let Err(error) = self.look() {
                tracing::warn!(
                    error = chain(&error),
                    "the new certificate cannot be used: the old one stays"
                );
            }
        }
    }

    fn look(&mut self) -> Result<(), TlsError> {
        let read = self.files.read()?;
        if read == self.seen {
            return Ok(());
        }
        let server = with(read.server()?, &self.acceptor.protocols);
        self.acceptor.current.store(Arc::new(server));
        self.seen = read;
        tracing::info!("the server's certificate has changed");
        Ok(())
    }
}

fn with(mut server: ServerConfig, protocols: &[Vec<u8>]) -> ServerConfig {
    server.alpn_protocols = protocols.to_vec();
    server
}
