//! Other people's clients against a real gateway: Python, Node, and a page in a browser.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tandem_cache::redis::RedisCache;
use tandem_testing::{Process, RedisServer, Signing, TokenKey, free_port, jwks};
use tokio::net::TcpStream;

use crate::command::{execute, root, succeeds};
use crate::load::shop;
use crate::needs;

const ISSUER: &str = "https://issuer.test";
const ANCHORS: u64 = 64;
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Runs every client. The gateway's binary must have been built.
///
/// # Errors
/// When a client or what it needs cannot be had, or one finds something wrong.
pub(crate) async fn run() -> Result<()> {
    let programs = programs()?;
    let folder = root().join("target/clients");
    let python = installed(&folder.join("python"), "requirements.txt", |folder| {
        let target = text(folder)?;
        let list = text(&source("requirements.txt"))?;
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
            "--timeout=20",
            "--retries=2",
        ];
        let install: Vec<&str> = install
            .into_iter()
            .chain(["--target", &target, "-r", &list])
            .collect();
        execute("python3", &install, &[])
    })?;
    let node = installed(&folder.join("node"), "package.json", |folder| {
        std::fs::copy(source("package.json"), folder.join("package.json"))?;
        let target = text(folder)?;
        execute(
            "npm",
            &[
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--fetch-timeout=20000",
                "--fetch-retries=2",
                "--prefix",
                &target,
            ],
            &[],
        )
    })?;
    let redis = RedisServer::start().await?;
    let cache = RedisCache::connect(&redis.url()).await?;
    shop::fill(&cache, ANCHORS).await?;
    shop::first_beat(&cache).await?;
    let gateway = Gateway::start(&redis).await?;
    let checks = tokio::task::spawn_blocking(move || gateway.check(&programs, &python, &node));
    tokio::select! {
        beaten = shop::beat(&cache) => beaten.and_then(|()| bail!("the heart stopped")),
        checked = checks => checked?,
    }
}

/// What runs the clients.
struct Programs {
    chromium: String,
}

/// Runtimes are found or named; the browser is installed where that can be done.
fn programs() -> Result<Programs> {
    let runtimes = [
        (
            "python3",
            &["-m", "pip", "--version"][..],
            "Python 3.9 or later with pip (Debian: apt-get install python3 python3-pip)",
        ),
        (
            "node",
            &["--version"][..],
            "Node.js 20 or later (https://nodejs.org)",
        ),
        (
            "npm",
            &["--version"][..],
            "npm, which comes with Node.js (https://nodejs.org)",
        ),
    ];
    let missing: Vec<&str> = runtimes
        .iter()
        .filter(|(program, args, _)| !succeeds(program, args))
        .map(|(.., what)| *what)
        .collect();
    if !missing.is_empty() {
        bail!("the clients' tests need {}: install it", missing.join(" and "));
    }
    needs::ensure(&needs::BROWSER)?;
    let chromium = needs::browser().context("no browser is found after it was installed")?;
    Ok(Programs { chromium })
}

/// Installs into a folder of its own, once per version of the list.
fn installed(folder: &Path, list: &str, install: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let (wanted, stamp) = (std::fs::read_to_string(source(list))?, folder.join("installed"));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(folder.to_owned());
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    install(folder)?;
    std::fs::write(stamp, wanted)?;
    Ok(folder.to_owned())
}

fn source(name: &str) -> PathBuf {
    root().join("crates/xtask/clients").join(name)
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).context("the path is no UTF-8")
}

/// A gateway that takes tokens, tells its API, and serves one page's origin.
struct Gateway {
    process: Process,
    address: String,
    page_port: String,
    token: String,
    folder: tempfile::TempDir,
}

impl Gateway {
    async fn start(redis: &RedisServer) -> Result<Self> {
        let binary = root().join("target/debug/tandem-gateway");
        if !binary.exists() {
            bail!("{} is not built: cargo build -p tandem-gateway", binary.display());
        }
        let (folder, key) = (tempfile::tempdir()?, TokenKey::new("k", Signing::Es256)?);
        let keys = folder.path().join("jwks.json");
        std::fs::write(&keys, jwks(&[&key]))?;
        std::fs::write(folder.path().join("descriptors.bin"), tandem_proto::DESCRIPTORS)?;
        let (address, page_port) = (format!("127.0.0.1:{}", free_port()), free_port().to_string());
        let sets = [
            format!("server.listen={address}"),
            "admin.listen=".to_owned(),
            format!("redis.url={}", redis.url()),
            format!("server.auth.issuer={ISSUER}"),
            format!("server.auth.jwks={}", keys.display()),
            format!("server.web.origins=http://127.0.0.1:{page_port}"),
            "reflection.enabled=true".to_owned(),
        ];
        let arguments = sets.iter().flat_map(|set| ["--set", set.as_str()]);
        let process = Process::spawn(binary, arguments, std::iter::empty::<(&str, &str)>())?;
        let claims = json!({
            "iss": ISSUER, "aud": "tandem", "exp": 4_000_000_000_u64, "sub": "a client", "marketplace": "default",
            "scope": "reco.read",
        });
        let gateway = Self {
            process,
            address,
            page_port,
            token: key.token(&claims),
            folder,
        };
        let listens = async || TcpStream::connect(&gateway.address).await.is_ok();
        let up = tandem_testing::wait_until(READY_WITHIN, "the gateway", listens).await;
        up.with_context(|| gateway.process.stderr())?;
        Ok(gateway)
    }

    fn check(&self, programs: &Programs, python: &Path, node: &Path) -> Result<()> {
        let url = format!("http://{}", self.address);
        let anchor = shop::id(1);
        let given = [("TOKEN", self.token.as_str()), ("ANCHOR", &anchor)];
        let run = |program: &str, script: &Path, more: &[(&str, &str)]| {
            let envs: Vec<_> = given.iter().chain(more).copied().collect();
            execute(program, &[&text(script)?], &envs)
        };
        let packages = text(python)?;
        run(
            "python3",
            &source("check.py"),
            &[("GATEWAY", &self.address), ("PYTHONPATH", &packages)],
        )?;
        // Where its modules are found beside it.
        for script in ["check.mjs", "browser.mjs"] {
            std::fs::copy(source(script), node.join(script))?;
        }
        let proto = text(&root().join("proto"))?;
        run(
            "node",
            &node.join("check.mjs"),
            &[("GATEWAY", &self.address), ("PROTO", &proto)],
        )?;
        let (page, modules) = (text(&source("page.html"))?, text(&node.join("node_modules"))?);
        let descriptors = text(&self.folder.path().join("descriptors.bin"))?;
        run(
            "node",
            &node.join("browser.mjs"),
            &[
                ("GATEWAY", &url),
                ("DESCRIPTORS", &descriptors),
                ("PAGE", &page),
                ("MODULES", &modules),
                ("PORT", &self.page_port),
                ("CHROMIUM", &programs.chromium),
            ],
        )
    }
}
