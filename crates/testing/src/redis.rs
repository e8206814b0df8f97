//! A private Redis per test.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::guardian::{Guardian, signal};
use crate::{free_port, program, wait_for};

const READY_WITHIN: Duration = Duration::from_secs(20);
const ATTEMPTS: usize = 5;

/// A redis-server of this test alone: empty, on loopback, nothing on disk, gone when dropped.
#[derive(Debug)]
pub struct RedisServer {
    running: Option<(Guardian, Child)>,
    port: u16,
    dir: TempDir,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// When redis-server is not installed or does not come up.
    pub async fn start() -> Result<Self> {
        let mut attempt = 1;
        loop {
            let dir = tempfile::Builder::new().prefix("tandem-redis-").tempdir()?;
            let mut server = Self {
                running: None,
                port: free_port(),
                dir,
            };
            match server.launch().await {
                Ok(()) => return Ok(server),
                // Another process may take the port between the look and the bind.
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// `redis://127.0.0.1:PORT/`
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address())
    }

    /// `127.0.0.1:PORT`, for a [`FaultProxy`](crate::FaultProxy) in front of it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the server as `kill -9` does; connections break, the port refuses.
    pub fn kill(&mut self) {
        if let Some((guardian, mut child)) = self.running.take() {
            let _ = child.kill();
            drop(guardian);
            let _ = child.wait();
        }
    }

    /// Kills the server if it runs and starts an empty one on the same port.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart_empty(&mut self) -> Result<()> {
        self.kill();
        self.launch().await
    }

    /// Stops the process where it stands (SIGSTOP): connections stay open and nothing answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&self) -> Result<()> {
        signal(self.pid()?, "STOP")
    }

    /// Lets a paused process go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> Result<()> {
        signal(self.pid()?, "CONT")
    }

    fn pid(&self) -> Result<u32> {
        self.running
            .as_ref()
            .map(|(_, child)| child.id())
            .context("redis-server was killed")
    }

    async fn launch(&mut self) -> Result<()> {
        let child = Command::new(program::redis()?)
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args([
                "--save",
                "",
                "--appendonly",
                "no",
                "--maxmemory-policy",
                "noeviction",
            ])
            .arg("--dir")
            .arg(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start redis-server")?;
        let guardian = Guardian::watch(child.id(), "KILL", Some(self.dir.path()))?;
        self.running = Some((guardian, child));
        self.ready().await
    }

    /// The answer must come from our own process: a stranger may listen on the port.
    async fn ready(&mut self) -> Result<()> {
        let (pid, port) = (self.pid()?, self.port);
        let outcome = wait_for(READY_WITHIN, "redis-server to answer", async || {
            if let Some(exit) = self.exited() {
                return Some(Err(exit));
            }
            (answering_pid(port).await == Some(pid)).then_some(Ok(()))
        });
        match outcome.await? {
            Ok(()) => Ok(()),
            Err(exit) => bail!("redis-server ended at once on port {port}: {exit}"),
        }
    }

    fn exited(&mut self) -> Option<String> {
        let (_, child) = self.running.as_mut()?;
        child.try_wait().ok().flatten().map(|status| status.to_string())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks whoever listens on the port for its process id; none while it refuses or loads.
async fn answering_pid(port: u16) -> Option<u32> {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(b"INFO server\r\nQUIT\r\n").await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer
            .lines()
            .find_map(|line| line.strip_prefix("process_id:")?.trim().parse().ok())
    };
    timeout(Duration::from_secs(2), ask).await.ok().flatten()
}
