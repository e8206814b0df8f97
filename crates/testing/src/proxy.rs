//! A TCP proxy that misbehaves on request.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What the proxy does to the bytes of all its connections, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Hands them on.
    #[default]
    Pass,
    /// Hands each piece on after a wait.
    Delay(Duration),
    /// Hands them on in pieces of at most `bytes`, with a wait before each.
    Slice {
        /// The size of a piece, at least 1.
        bytes: usize,
        /// The wait before a piece.
        pause: Duration,
    },
    /// Closes what is open and whatever is opened.
    Cut,
    /// Stays connected, accepts, and lets nothing through until another fault is set. Nothing is lost:
    /// as on a network that heals, the bytes that were held then arrive.
    BlackHole,
    /// Hands on what clients say, and takes nothing that the server answers until another fault is set.
    Deaf,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    fault: Fault,
    /// Counts the cuts, so that connections notice one that was lifted at once.
    cuts: u64,
}

/// A proxy on a loopback port in front of one address. Dropping it closes everything.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    mode: watch::Sender<Mode>,
    accepted: Arc<AtomicU64>,
    _task: JoinSet<()>,
}

impl FaultProxy {
    /// Listens and forwards to `upstream` (`HOST:PORT`), at first without a fault.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(upstream: impl Into<String>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("bind the fault proxy")?;
        let port = listener.local_addr()?.port();
        let mode = watch::Sender::new(Mode::default());
        let accepted = Arc::new(AtomicU64::new(0));
        let mut task = JoinSet::new();
        task.spawn(accept(
            listener,
            upstream.into(),
            mode.subscribe(),
            Arc::clone(&accepted),
        ));
        Ok(Self {
            port,
            mode,
            accepted,
            _task: task,
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Switches the fault for open and new connections.
    pub fn set(&self, fault: Fault) {
        self.mode.send_modify(|mode| {
            mode.fault = fault;
            mode.cuts += u64::from(fault == Fault::Cut);
        });
    }
}

async fn accept(
    listener: TcpListener,
    upstream: String,
    mode: watch::Receiver<Mode>,
    accepted: Arc<AtomicU64>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        accepted.fetch_add(1, Ordering::SeqCst);
        connections.spawn(connection(client, upstream.clone(), mode.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// Ends, and with it closes both sides, when either side closes or the connection is cut.
async fn connection(client: TcpStream, upstream: String, mut mode: watch::Receiver<Mode>) {
    let Mode { fault, cuts } = *mode.borrow_and_update();
    if fault == Fault::Cut {
        return;
    }
    let forward = async {
        let server = TcpStream::connect(upstream).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (client_reads, client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        let there = pump(client_reads, server_writes, mode.clone(), &[Fault::BlackHole]);
        let back = pump(
            server_reads,
            client_writes,
            mode.clone(),
            &[Fault::BlackHole, Fault::Deaf],
        );
        tokio::try_join!(there, back).map(|_| ())
    };
    let cut = async {
        let mut mode = mode.clone();
        let _ = mode.wait_for(|mode| mode.cuts != cuts).await;
    };
    tokio::select! {
        _ = forward => {}
        () = cut => {}
    }
}

/// Carries one direction, which the faults of `closed` close; a half-close is handed on.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut mode: watch::Receiver<Mode>,
    closed: &[Fault],
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            passable(&mut mode, closed).await;
            return to.shutdown().await;
        }
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            let (piece, pause) = match passable(&mut mode, closed).await {
                Fault::Delay(pause) => (rest.len(), pause),
                Fault::Slice { bytes, pause } => (bytes.clamp(1, rest.len()), pause),
                Fault::Pass | Fault::Cut | Fault::BlackHole | Fault::Deaf => (rest.len(), Duration::ZERO),
            };
            if !pause.is_zero() {
                sleep(pause).await;
            }
            to.write_all(&rest[..piece]).await?;
            rest = &rest[piece..];
        }
    }
}

/// Waits while nothing gets through. A proxy that is gone aborts its tasks, so the wait may fail then.
async fn passable(mode: &mut watch::Receiver<Mode>, closed: &[Fault]) -> Fault {
    mode.wait_for(|mode| !closed.contains(&mode.fault))
        .await
        .map_or(Fault::Cut, |mode| mode.fault)
}
