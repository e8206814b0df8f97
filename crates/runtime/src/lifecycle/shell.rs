//! What a process's body is given.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use super::Shutdown;
use crate::BoxError;
use crate::auth::{AuthError, Callers, Keyring, UnixTime};
use crate::backoff::{ConnectError, retry_connect};
use crate::config::ServerConfig;
use crate::grpc::{self, ServeError, Services};
use crate::readiness::{Check, Readiness};
use crate::tasks::Tasks;

/// How long a start waits for what it needs.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);

/// The check that a body passes once its start is over.
pub(super) const STARTED: &str = "started";

/// Whom a process serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Callers with a valid token.
    Tokens,
    /// Anyone, which is accepted on loopback only.
    Insecure,
}

/// The shell around a body: its listener, its tasks, its readiness and its shutdown.
#[derive(Debug)]
pub struct Shell {
    server: ServerConfig,
    listener: Option<TcpListener>,
    access: Access,
    shutdown: Shutdown,
    tasks: Tasks,
    readiness: Readiness,
    started: Check,
}

/// A body could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something it needs is away.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It was told to stop while it waited.
    #[error("stopped while waiting for {0}")]
    Stopped(String),
    /// It serves gRPC and was given no listener.
    #[error("`server.listen` is not set")]
    NoListener,
    /// Callers cannot be told apart.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The server did not serve.
    #[error(transparent)]
    Server(#[from] ServeError),
}

impl Shell {
    /// A shell by hand, for tests and for processes that hold several bodies. `tasks` and `readiness`
    /// may be shared between bodies.
    pub fn new(
        server: ServerConfig,
        listener: Option<TcpListener>,
        access: Access,
        shutdown: Shutdown,
        tasks: Tasks,
        readiness: Readiness,
    ) -> Self {
        let started = readiness.check(STARTED);
        Self {
            server,
            listener,
            access,
            shutdown,
            tasks,
            readiness,
            started,
        }
    }

    /// The limits of its gRPC server.
    pub fn server(&self) -> &ServerConfig {
        &self.server
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener
            .as_ref()
            .and_then(|listener| listener.local_addr().ok())
    }

    /// Whom it serves.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Its shutdown.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Its background work.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Its readiness, to add checks to.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Whom it serves, told apart: with `--insecure` everyone is `anyone`, else callers show tokens, whose times are
    /// checked by `now`. Waits until the issuer's keys have been read, and keeps them as they are from then on.
    ///
    /// # Errors
    /// When the configuration lacks something, or the keys cannot be read within a minute.
    pub async fn callers<P>(&self, anyone: P, now: UnixTime) -> Result<Callers<P>, StartError> {
        let ServerConfig { auth, quota, .. } = &self.server;
        if self.access == Access::Insecure {
            return Ok(Callers::everyone(anyone, quota));
        }
        let keyring = self
            .connect("the token keys", async || Keyring::open(auth).await)
            .await?;
        self.tasks.spawn(
            "follow the token keys",
            keyring.clone().follow(self.shutdown.clone()),
        );
        Ok(Callers::by_tokens(
            keyring,
            auth.rules()?,
            now,
            quota,
            auth.max_tokens,
        ))
    }

    /// Says that the start is over; with all other checks ready, the process is.
    pub fn started(&self) {
        self.started.ready();
    }

    /// Connects with patience, up to a minute, unless told to stop. Not ready until it succeeds.
    ///
    /// # Errors
    /// When the minute or the process is over.
    pub async fn connect<T, E, F, Fut>(&self, name: &str, connect: F) -> Result<T, StartError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.started.not_ready(format!("connecting to {name}"));
        tokio::select! {
            connected = retry_connect(name, CONNECT_WITHIN, connect) => Ok(connected?),
            () = self.shutdown.soft() => Err(StartError::Stopped(name.to_owned())),
        }
    }

    /// Says that the start is over and serves until the shutdown.
    ///
    /// # Errors
    /// When there is no listener or the server breaks.
    pub async fn serve(mut self, services: Services) -> Result<(), StartError> {
        let listener = self.listener.take().ok_or(StartError::NoListener)?;
        self.started();
        Ok(grpc::serve(services, listener, &self.server, &self.readiness, &self.shutdown).await?)
    }
}
