//! One binary: started, killed, paused, told to stop, started again at the same address.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tandem_testing::{Process, wait_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{READY_WITHIN, loopback};

/// A process and how it is started.
pub(crate) struct Part {
    program: PathBuf,
    name: &'static str,
    args: Vec<String>,
    env: BTreeMap<&'static str, String>,
    listen: Option<String>,
    admin: String,
    process: Option<Process>,
    /// What earlier lives wrote.
    said: String,
}

impl Part {
    /// Of these binaries, with addresses of its own.
    pub(crate) fn new(binaries: &Path, name: &'static str, args: &[&str], serves: bool) -> Self {
        let (listen, admin) = (serves.then(loopback), loopback());
        let mut args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        args.push(format!("--set=admin.listen={admin}"));
        args.extend(
            listen
                .iter()
                .map(|listen| format!("--set=server.listen={listen}")),
        );
        Self {
            program: binaries.join(name),
            name,
            args,
            env: BTreeMap::new(),
            listen,
            admin,
            process: None,
            said: String::new(),
        }
    }

    /// The same under another value of a variable.
    pub(crate) fn with(mut self, variable: &'static str, value: String) -> Self {
        self.set(variable, value);
        self
    }

    pub(crate) fn set(&mut self, variable: &'static str, value: String) {
        self.env.insert(variable, value);
    }

    /// A write beyond the largest file that it may make is an error for it to answer, as on a full disk, not its end.
    pub(crate) fn told_of_limits(mut self) -> Self {
        let program = std::mem::replace(&mut self.program, PathBuf::from("sh"));
        let trap = "trap '' XFSZ; exec \"$0\" \"$@\"".to_owned();
        let shell = ["-c".to_owned(), trap, program.display().to_string()];
        self.args.splice(0..0, shell);
        self
    }

    /// The sum of a metric over the series with a label such as `read="links"`.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let answer = get(&self.admin, "/metrics").await.context("no metrics")?;
        let values = answer
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        let values = values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum())
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Where it serves.
    pub(crate) fn listen(&self) -> Result<&str> {
        self.listen
            .as_deref()
            .with_context(|| format!("{} serves nobody", self.name))
    }

    /// Its process.
    pub(crate) fn process(&self) -> Result<&Process> {
        self.process
            .as_ref()
            .with_context(|| format!("{} does not run", self.name))
    }

    /// Starts it, without waiting until it is ready.
    pub(crate) fn launch(&mut self) -> Result<()> {
        self.bury();
        self.process = Some(Process::spawn(&self.program, &self.args, &self.env)?);
        Ok(())
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(&mut self) -> Result<()> {
        self.launch()?;
        self.ready().await
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) -> Result<()> {
        let what = format!("{} to be ready", self.name);
        wait_until(READY_WITHIN, &what, async || self.is_ready().await).await
    }

    /// Whether it is, at this moment.
    pub(crate) async fn is_ready(&self) -> bool {
        is_ready(&self.admin).await
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.process()?.kill9()?;
        self.end().await
    }

    /// SIGTERM, and waits for the end.
    pub(crate) async fn terminate(&mut self) -> Result<()> {
        self.process()?.terminate()?;
        self.end().await
    }

    async fn end(&mut self) -> Result<()> {
        match &mut self.process {
            Some(process) => process.wait(READY_WITHIN).await?,
            None => bail!("{} does not run", self.name),
        };
        self.bury();
        Ok(())
    }

    fn bury(&mut self) {
        if let Some(process) = self.process.take() {
            self.said += &process.stdout();
            self.said += &process.stderr();
        }
    }

    pub(super) fn keep_log(&self, folder: &Path, number: usize) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut text = self.said.clone();
        if let Some(process) = &self.process {
            text += &process.stdout();
            text += &process.stderr();
        }
        let file = folder.join(format!("{}-{number}.log", self.name));
        std::fs::write(&file, text).with_context(|| file.display().to_string())
    }
}

/// Whether `GET /readyz` says so.
async fn is_ready(admin: &str) -> bool {
    get(admin, "/readyz")
        .await
        .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// The answer to `GET path`, with its head.
async fn get(admin: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
