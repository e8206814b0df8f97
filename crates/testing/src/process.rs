//! A binary under test as its own process.

use std::env;
use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::guardian::{Guardian, signal};
use crate::wait_for;

/// A running binary whose output is kept; killed when dropped, and when the test is killed.
#[derive(Debug)]
pub struct Process {
    // Guardian before child: it is dismissed before the process id becomes free.
    guardian: Option<Guardian>,
    child: Child,
    name: String,
    stdout: Capture,
    stderr: Capture,
}

impl Process {
    /// Starts `program`. It inherits the environment but for `TANDEM_…` variables, so that only `env`
    /// configures it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn<A, E, K, V>(program: impl AsRef<Path>, args: A, env: E) -> Result<Self>
    where
        A: IntoIterator<Item: AsRef<OsStr>>,
        E: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let name = program.as_ref().display().to_string();
        let mut command = Command::new(program.as_ref());
        for (key, _) in env::vars_os().filter(|(key, _)| key.as_encoded_bytes().starts_with(b"TANDEM_")) {
            command.env_remove(key);
        }
        command
            .args(args)
            .envs(env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {name}"))?;
        let guardian = Guardian::watch(child.id(), "KILL", None)?;
        let stdout = Capture::of(child.stdout.take());
        let stderr = Capture::of(child.stderr.take());
        Ok(Self {
            guardian: Some(guardian),
            child,
            name,
            stdout,
            stderr,
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far; all of it once [`wait`](Self::wait) returned.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to standard error so far; all of it once [`wait`](Self::wait) returned.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Asks it to stop (SIGTERM).
    ///
    /// # Errors
    /// When it has ended already.
    pub fn terminate(&self) -> Result<()> {
        self.signal("TERM")
    }

    /// Kills it where it stands (SIGKILL).
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill9(&self) -> Result<()> {
        self.signal("KILL")
    }

    /// Sends any signal by its short name, e.g. `STOP`, `CONT` or `INT`.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn signal(&self, name: &str) -> Result<()> {
        if self.guardian.is_none() {
            bail!("{} has ended", self.name);
        }
        signal(self.child.id(), name)
    }

    /// Waits for it to end.
    ///
    /// # Errors
    /// When it has not ended within `timeout`; the message holds what it wrote to standard error.
    pub async fn wait(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let waited = wait_for(timeout, "a process to end", async || self.try_wait().transpose()).await;
        let status = waited.with_context(|| self.account())??;
        let _ = wait_for(Duration::from_secs(5), "its output to end", async || {
            self.output_ended().then_some(())
        })
        .await;
        Ok(status)
    }

    /// Waits until `text` stands in its output, on either stream.
    ///
    /// # Errors
    /// When it does not appear within `timeout` or the process ends without it.
    pub async fn wait_for_output(&mut self, text: &str, timeout: Duration) -> Result<()> {
        let found = wait_for(timeout, "a process's output", async || {
            let ended = self.try_wait().ok().flatten().is_some() && self.output_ended();
            let found = self.stdout().contains(text) || self.stderr().contains(text);
            (found || ended).then_some(found)
        });
        match found.await {
            Ok(true) => Ok(()),
            Ok(false) => bail!("ended without writing {text:?}: {}", self.account()),
            Err(error) => Err(error.context(format!("no {text:?} from {}", self.account()))),
        }
    }

    fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait().context("wait for a process")?;
        if status.is_some() {
            self.guardian = None;
        }
        Ok(status)
    }

    fn output_ended(&self) -> bool {
        self.stdout.ended() && self.stderr.ended()
    }

    fn account(&self) -> String {
        format!("{}, which wrote to stderr: {}", self.name, self.stderr().trim())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.guardian = None;
        let _ = self.child.wait();
    }
}

/// A pipe read by a thread, so that a full pipe never blocks the process.
#[derive(Debug)]
struct Capture {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Capture {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let Some(mut pipe) = pipe else { return };
            let mut chunk = [0; 8192];
            while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                sink.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(&chunk[..read]);
            }
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn ended(&self) -> bool {
        self.reader.is_finished()
    }
}
