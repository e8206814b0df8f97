//! A server on a core of its own.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tandem_client::{Connection, Settings, Token};
use tandem_testing::{Signing, TokenKey, jwks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::Aim;
use crate::load::shape::binaries;

/// The server's core, and that of the client and Redis.
pub(super) const SERVER_CORE: &str = "0";
pub(super) const CLIENT_CORE: &str = "1";
/// Different tokens of the caller.
const TOKENS: u32 = 500;
const ISSUER: &str = "https://issuer.test";
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A process, stopped when dropped.
pub(in crate::load) struct Server {
    child: Child,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    /// Of one caller; the first is the one that is usually shown.
    tokens: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// A gateway that keeps at most so many bytes of answers, on the servers' core.
    pub(in crate::load) fn gateway(redis: &str, near_bytes: &str) -> Result<Self> {
        Self::gateway_with(
            redis,
            SERVER_CORE,
            &[&format!("--set=near.max_bytes={near_bytes}")],
        )
    }

    /// A gateway on these cores, with more arguments.
    pub(super) fn gateway_with(redis: &str, cores: &str, more: &[&str]) -> Result<Self> {
        let (address, admin, folder) = (free(), free(), tempfile::tempdir()?);
        let (key, keys) = (
            TokenKey::new("k", Signing::Es256)?,
            folder.path().join("jwks.json"),
        );
        fs::write(&keys, jwks(&[&key]))?;
        let sets = [
            format!("server.auth.issuer={ISSUER}"),
            format!("server.auth.jwks={}", keys.display()),
            format!("redis.url={redis}"),
            format!("server.listen={address}"),
            format!("admin.listen={admin}"),
            "telemetry.sample_ratio=0.01".to_owned(),
            "log.level=warn".to_owned(),
        ];
        let sets = sets.iter().flat_map(|set| ["--set", set.as_str()]);
        let args: Vec<&str> = sets.chain(more.iter().copied()).collect();
        let mut gateway = Self::start(cores, "tandem-gateway", &args, address, Some(admin), folder)?;
        gateway.tokens = (0..TOKENS).map(|no| token(&key, no)).collect();
        Ok(gateway)
    }

    /// An echo of this encoded answer on these cores, with more arguments.
    pub(super) fn echo(answer: &[u8], cores: &str, more: &[&str]) -> Result<Self> {
        let (address, folder) = (free(), tempfile::tempdir()?);
        let file = folder.path().join("answer.bin");
        fs::write(&file, answer)?;
        let file = file
            .to_str()
            .context("the temporary folder's name is no UTF-8")?
            .to_owned();
        let listen = address.to_string();
        let args = [&["echo", "--listen", &listen, "--response", &file], more].concat();
        Self::start(cores, "xtask", &args, address, None, folder)
    }

    fn start(
        cores: &str,
        program: &str,
        args: &[&str],
        address: SocketAddr,
        admin: Option<SocketAddr>,
        folder: tempfile::TempDir,
    ) -> Result<Self> {
        let child = Command::new("taskset")
            .args(["-c", cores])
            .arg(binaries().join(program))
            .args(args)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        Ok(Self {
            child,
            address,
            admin,
            tokens: Vec::new(),
            _folder: folder,
        })
    }

    /// A connection by a caller that a gateway knows.
    pub(in crate::load) fn connection(&self) -> Result<Connection> {
        let token = Token::Text(self.token().to_owned());
        let settings = Settings {
            token,
            ..Settings::default()
        };
        Ok(Connection::lazy(&format!("http://{}", self.address), &settings)?)
    }

    /// What callers show; an echo does not look at it.
    pub(super) fn token(&self) -> &str {
        self.tokens.first().map_or("", String::as_str)
    }

    /// Many tokens of the same caller.
    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Calls of one method, by a caller that the gateway knows.
    pub(super) fn aim(&self, path: String) -> Aim {
        let (address, tokens) = (self.address, vec![self.token().to_owned()]);
        Aim {
            address,
            path,
            tokens,
        }
    }

    /// Waits until it serves; a gateway says so itself.
    pub(in crate::load) async fn ready(&self) -> Result<()> {
        let ready = async || match self.admin {
            Some(admin) => get(admin, "/readyz")
                .await
                .is_ok_and(|answer| answer.contains(" 200 ")),
            None => TcpStream::connect(self.address).await.is_ok(),
        };
        tandem_testing::wait_until(READY_WITHIN, "a server that is ready", ready).await
    }

    /// Processor time of all its threads.
    pub(super) fn cpu_ns(&self) -> Result<f64> {
        let mut sum = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            let first = schedstat.split(' ').next();
            sum += first.and_then(|first| first.parse::<f64>().ok()).unwrap_or(0.0);
        }
        Ok(sum)
    }

    /// The value of the first line of `/metrics` that starts so; 0 without one.
    pub(super) async fn metric(&self, start: &str) -> Result<f64> {
        let admin = self.admin.context("an echo has no metrics")?;
        let metrics = get(admin, "/metrics").await?;
        let line = metrics.lines().find(|line| line.starts_with(start));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        Ok(value.unwrap_or(0.0))
    }
}

fn token(key: &TokenKey, no: u32) -> String {
    key.token(&json!({
        "iss": ISSUER, "aud": "tandem", "exp": 4_000_000_000_u64, "sub": "load", "marketplace": "default",
        "scope": "reco.read", "jti": no,
    }))
}

async fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], tandem_testing::free_port()))
}

/// Binds a process with all its threads to one core.
pub(super) fn pin(process: u32, core: &str) -> Result<()> {
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", core, &process.to_string()])
        .output()
        .context("taskset cannot be started")?;
    if !pinned.status.success() {
        let why = String::from_utf8_lossy(&pinned.stderr);
        bail!("process {process} cannot be pinned: {why}");
    }
    Ok(())
}
