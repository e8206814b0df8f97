//! A private cluster in a temporary folder.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::psql::psql;
use crate::guardian::{Guardian, signal};
use crate::{free_port, program, wait_for};

const READY_WITHIN: Duration = Duration::from_secs(60);
const ATTEMPTS: usize = 5;

/// What a server for tests may do without: it need not survive the machine's power failing. It does
/// survive `kill -9`, so `synchronous_commit` stays on.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "full_page_writes=off",
    "max_connections=300",
    "shared_buffers=64MB",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
];

#[derive(Debug)]
pub(super) struct Cluster {
    running: Option<(Guardian, Child)>,
    port: u16,
    dir: TempDir,
    owner: Option<Owner>,
}

/// Whom the server runs as when the tests run as root, which it refuses.
#[derive(Clone, Copy, Debug)]
struct Owner {
    user: u32,
    group: u32,
}

impl Cluster {
    pub(super) async fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tandem-postgres-").tempdir()?;
        let owner = Owner::needed(&dir)?;
        let mut cluster = Self {
            running: None,
            port: free_port(),
            dir,
            owner,
        };
        cluster.initdb().await?;
        let mut attempt = 1;
        while let Err(error) = cluster.launch().await {
            ensure!(attempt < ATTEMPTS, error);
            // Another process may take the port between the look and the bind.
            cluster.kill();
            cluster.port = free_port();
            attempt += 1;
        }
        Ok(cluster)
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address())
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// An immediate stop: sessions are cut off and the next start recovers from the log. `kill -9` would
    /// leave the sessions' processes behind for a moment, and with them the data folder's lock.
    pub(super) fn kill(&mut self) {
        if let Some((guardian, mut child)) = self.running.take() {
            let asked = signal(child.id(), "QUIT");
            if asked.is_err() {
                let _ = child.kill();
            }
            let _ = child.wait();
            drop(guardian);
        }
    }

    pub(super) async fn launch(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = self
            .command("postgres")?
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()])
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            // Ctrl-C is for the test; the guardian ends the server in its own time.
            .process_group(0)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start postgres")?;
        let guardian = Guardian::watch(child.id(), "QUIT", Some(self.dir.path()))?;
        self.running = Some((guardian, child));
        self.ready().await
    }

    async fn initdb(&self) -> Result<()> {
        let mut command = self.command("initdb")?;
        command.arg("-D").arg(self.data());
        command.args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let output = spawn_blocking(move || command.output())
            .await?
            .context("run initdb")?;
        ensure!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }

    /// The answer must come from our own folder: a stranger may listen on the port.
    async fn ready(&mut self) -> Result<()> {
        let (url, data) = (self.url(), self.data().display().to_string());
        let outcome = wait_for(READY_WITHIN, "postgres to answer", async || {
            if let Some((_, child)) = &mut self.running
                && let Ok(Some(status)) = child.try_wait()
            {
                return Some(Err(status));
            }
            let answer = psql(&url, "SHOW data_directory").await.ok()?;
            (answer == data).then_some(Ok(()))
        });
        match outcome.await? {
            Ok(()) => Ok(()),
            Err(status) => bail!("postgres ended at once ({status}): {}", self.last_words()),
        }
    }

    fn command(&self, name: &str) -> Result<Command> {
        let mut command = Command::new(program::postgres(name)?);
        // Its folder is one that the server's user may enter; ours need not be.
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        if let Some(owner) = self.owner {
            command.uid(owner.user).gid(owner.group);
        }
        Ok(command)
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Owner {
    /// The folder belongs to whom we are; root hands it over.
    fn needed(dir: &TempDir) -> Result<Option<Self>> {
        if fs::metadata(dir.path())?.uid() != 0 {
            return Ok(None);
        }
        let owner = Self::named("postgres").or_else(|| Self::named("nobody"));
        let owner = owner.context("root cannot run PostgreSQL and there is no user postgres: add one")?;
        chown(dir.path(), Some(owner.user), Some(owner.group))?;
        Ok(Some(owner))
    }

    fn named(name: &str) -> Option<Self> {
        let users = fs::read_to_string("/etc/passwd").ok()?;
        let mut fields = users
            .lines()
            .map(|line| line.split(':'))
            .find(|fields| fields.clone().next() == Some(name))?;
        let user = fields.nth(2)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Self { user, group })
    }
}
