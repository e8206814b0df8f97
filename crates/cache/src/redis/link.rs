//! The connection that commands share, and its replacement.
//!
//! A multiplexed connection notices a closed socket, but not a silent one: it would wait for ever, one timeout per
//! call. Here a connection that stays silent repeatedly is thrown away, and while none can be had, calls fail at once
//! instead of piling up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::io::tcp::TcpSettings;
use ::redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo as _, Pipeline,
    RedisError, RedisResult,
};
use futures::FutureExt as _;
use futures::future::select_ok;
use parking_lot::RwLock;
use tandem_gather::Gathered;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::backoff::Backoff;
use super::failure::{failed, server_code, unavailable};
use super::options::RedisOptions;
use super::script::{Caller, Script};
use crate::error::CacheError;
use crate::port::Result;

/// Silent calls after which a connection is thrown away.
const STRIKES: u32 = 2;
/// The kernel asks a silent peer for a sign of life after this long.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// Commands that wait for the socket; behind them callers wait.
const QUEUE: usize = 1024;

pub(super) struct Link {
    client: Client,
    options: RedisOptions,
    live: RwLock<Option<Live>>,
    /// Locked by the one call that connects.
    attempts: Mutex<Backoff>,
    connected: AtomicU64,
}

#[derive(Clone)]
struct Live {
    /// Tells this connection from the ones before it.
    number: u64,
    connection: MultiplexedConnection,
    strikes: Arc<AtomicU32>,
    _driver: Arc<Driver>,
}

/// What moves bytes between calls and the socket. It is aborted with the last call, since a silent server would keep it
/// for ever. Empty where the connection brings its own.
type Driver = JoinSet<()>;

impl Link {
    /// Does not connect yet.
    pub(super) fn new(url: &str, options: RedisOptions) -> Result<Self> {
        // The driver's message may quote the URL, and with it a password.
        let invalid = |_| CacheError::Misconfigured("the Redis URL cannot be read".to_owned());
        let settings = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE));
        let address = url.into_connection_info().map_err(invalid)?;
        let client = Client::open(address.set_tcp_settings(settings)).map_err(invalid)?;
        Ok(Self {
            client,
            options,
            live: RwLock::new(None),
            attempts: Mutex::new(Backoff::new(options.retry_after, options.retry_at_most)),
            connected: AtomicU64::new(0),
        })
    }

    /// Sends a command.
    pub(super) async fn ask<T: FromRedisValue>(&self, during: &'static str, command: &Cmd) -> Result<T> {
        let mut call = self.call(during).await?;
        let outcome = command.query_async(&mut call.live.connection).await;
        call.end(during, outcome)
    }

    /// Sends commands in one round trip.
    pub(super) async fn ask_all<T: FromRedisValue>(
        &self,
        during: &'static str,
        commands: &Pipeline,
    ) -> Result<T> {
        let mut call = self.call(during).await?;
        let outcome = commands.query_async(&mut call.live.connection).await;
        call.end(during, outcome)
    }

    /// Runs scripts in one round trip: by their hashes, and by their texts where the server does not know them.
    pub(super) async fn run_all<T: FromRedisValue>(
        &self,
        during: &'static str,
        scripts: impl Fn(Caller) -> Pipeline,
    ) -> Result<T> {
        let mut call = self.call(during).await?;
        let connection = &mut call.live.connection;
        let mut outcome = scripts(Script::by_hash).query_async(connection).await;
        if outcome.as_ref().is_err_and(is_unknown_script) {
            outcome = scripts(Script::by_text).query_async(connection).await;
        }
        call.end(during, outcome)
    }

    /// A connection of its own for calls that block for `block` on the server.
    pub(super) async fn dedicated(
        &self,
        during: &'static str,
        block: Duration,
    ) -> Result<MultiplexedConnection> {
        let connection = self.open(block + self.options.response_timeout).await;
        connection.map_err(|error| failed(during, error))
    }

    async fn open(&self, response_timeout: Duration) -> RedisResult<MultiplexedConnection> {
        self.client
            .get_multiplexed_async_connection_with_config(&self.config(response_timeout))
            .await
    }

    fn config(&self, response_timeout: Duration) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout))
            .set_response_timeout(Some(response_timeout))
            .set_pipeline_buffer_size(QUEUE)
    }

    /// A connection for many calls at a time. Over TCP, what they ask in one turn goes out together.
    async fn open_shared(&self) -> RedisResult<(MultiplexedConnection, Driver)> {
        let info = self.client.get_connection_info();
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Ok((self.open(self.options.response_timeout).await?, Driver::new()));
        };
        let opened = async {
            let stream = connected(host, *port).await?;
            let settings = info.tcp_settings();
            stream.set_nodelay(settings.nodelay())?;
            if let Some(keepalive) = settings.keepalive() {
                SockRef::from(&stream).set_tcp_keepalive(keepalive)?;
            }
            let config = self.config(self.options.response_timeout);
            MultiplexedConnection::new_with_config(info.redis_settings(), Gathered::new(stream), config).await
        };
        let (connection, moves) = timeout(self.options.connect_timeout, opened)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let mut driver = Driver::new();
        driver.spawn(moves);
        Ok((connection, driver))
    }

    async fn call(&self, during: &'static str) -> Result<Call<'_>> {
        let live = match self.living() {
            Some(live) => live,
            None => self.connect(during).await?,
        };
        Ok(Call {
            link: self,
            live,
            begun: Instant::now(),
            ended: false,
        })
    }

    fn living(&self) -> Option<Live> {
        self.live.read().clone()
    }

    /// One call connects; those that come meanwhile wait for it and share what it brought.
    async fn connect(&self, during: &'static str) -> Result<Live> {
        let mut attempts = self.attempts.lock().await;
        if let Some(live) = self.living() {
            return Ok(live);
        }
        if let Some(last) = attempts.rests(Instant::now()) {
            return Err(unavailable(during, last));
        }
        attempts.begin(Instant::now());
        match self.open_shared().await {
            Ok((connection, driver)) => {
                attempts.succeeded();
                Ok(self.install(connection, driver))
            }
            Err(error) => {
                attempts.failed(&error, Instant::now());
                Err(failed(during, error))
            }
        }
    }

    fn install(&self, connection: MultiplexedConnection, driver: Driver) -> Live {
        let live = Live {
            number: self.connected.fetch_add(1, Ordering::Relaxed),
            connection,
            strikes: Arc::default(),
            _driver: Arc::new(driver),
        };
        *self.live.write() = Some(live.clone());
        live
    }

    fn discard(&self, number: u64) {
        let mut live = self.live.write();
        if live.as_ref().is_some_and(|live| live.number == number) {
            *live = None;
        }
    }
}

/// A call under way. Dropped before its end it was given up, which tells of silence too.
struct Call<'a> {
    link: &'a Link,
    live: Live,
    begun: Instant,
    ended: bool,
}

impl Call<'_> {
    fn end<T>(mut self, during: &'static str, outcome: RedisResult<T>) -> Result<T> {
        self.ended = true;
        match &outcome {
            Err(error) if error.is_timeout() => self.strike(),
            Err(error) if is_lost(error) => self.link.discard(self.live.number),
            _ => self.live.strikes.store(0, Ordering::Relaxed),
        }
        outcome.map_err(|error| failed(during, error))
    }

    fn strike(&self) {
        if self.live.strikes.fetch_add(1, Ordering::Relaxed) + 1 >= STRIKES {
            self.link.discard(self.live.number);
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let silent = self.begun.elapsed() >= self.link.options.response_timeout / 4;
        if !self.ended && silent {
            self.strike();
        }
    }
}

/// The first connection that comes about to any address of a host.
async fn connected(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = lookup_host((host, port)).await?;
    let attempts: Vec<_> = addresses
        .map(|address| TcpStream::connect(address).boxed())
        .collect();
    if attempts.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{host} has no address"),
        ));
    }
    let (stream, _) = select_ok(attempts).await?;
    Ok(stream)
}

fn is_unknown_script(error: &RedisError) -> bool {
    server_code(error).is_some_and(|code| code == "NOSCRIPT")
}

fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}
