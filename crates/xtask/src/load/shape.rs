//! The production shape, started by `deploy/local.sh` in a folder of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::memory::Memory;
use crate::command::{execute, root};

/// How long streams may take to run dry after an import.
const PATIENCE: Duration = Duration::from_secs(120);

/// Stopped and wiped when dropped.
pub(super) struct Shape {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

impl Shape {
    pub(super) fn up() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // The database server runs as another user when root starts it, and must be able to enter.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open)?;
        let mut shape = Self {
            folder,
            env: BTreeMap::new(),
        };
        shape.script("up")?;
        let text = std::fs::read_to_string(shape.folder.path().join("env"))?;
        let pairs = text
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        shape.env = pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Ok(shape)
    }

    fn script(&self, verb: &str) -> Result<()> {
        let folder = self
            .folder
            .path()
            .to_str()
            .context("the temporary folder's name is no UTF-8")?;
        execute(
            "deploy/local.sh",
            &[verb],
            &[("TANDEM_LOCAL_DIR", folder), ("TANDEM_BIN_DIR", &binaries_text())],
        )
    }

    pub(super) fn variable(&self, name: &str) -> Result<&str> {
        self.env
            .get(name)
            .map(String::as_str)
            .with_context(|| format!("deploy/local.sh did not tell {name}"))
    }

    /// Runs `tandem` against this shape and reads the JSON that it prints.
    pub(super) fn tandem(&self, args: &[&str]) -> Result<Value> {
        eprintln!("▸ tandem {}", args.join(" "));
        self.quiet(args)
    }

    /// The same without a word: what is asked again and again.
    pub(super) fn quiet(&self, args: &[&str]) -> Result<Value> {
        let env: Vec<(&str, &str)> = self
            .env
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        answer(args, &env)
    }

    /// Waits until the inventory worker has projected everything and the events worker has numbered everything.
    pub(super) fn settled(&self) -> Result<()> {
        let started = Instant::now();
        let rows = || -> Result<String> {
            let query = "SELECT (SELECT count(*) FROM outbox WHERE true) + (SELECT count(*) FROM event_chunks WHERE batch_no IS NULL)";
            let output = Command::new("psql")
                .args(["-qtA", self.variable("TANDEM_DATABASE_URL")?, "-c", query])
                .output()?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        // A heartbeat may stand in the outbox at any moment.
        while !matches!(rows()?.as_str(), "0" | "1") {
            if started.elapsed() > PATIENCE {
                bail!("the workers do not catch up");
            }
        }
        Ok(())
    }

    /// Seconds that `psql` takes to copy what a build reads of the events: the median of three.
    pub(super) fn copied(&self) -> Result<f64> {
        let rows = "SELECT kind, product_id, user_id, group_id, scene_id, quantity, unit_price, time_ms, generated, \
                    attribution IS NOT NULL, dwell_ms, chunk_id FROM events WHERE marketplace_id = 'default'";
        let copy = format!("\\copy ({rows}) TO '/dev/null' (FORMAT binary)");
        let mut seconds = Vec::new();
        for _ in 0..3 {
            let started = Instant::now();
            execute(
                "psql",
                &["-qX", self.variable("TANDEM_DATABASE_URL")?, "-c", &copy],
                &[],
            )?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        Ok(seconds[1])
    }

    pub(super) fn redis_bytes(&self) -> Result<f64> {
        Memory::of(&format!("127.0.0.1:{}", self.variable("REDIS_PORT")?)).used()
    }
}

impl Drop for Shape {
    fn drop(&mut self) {
        if let Err(error) = self.script("down") {
            eprintln!("the production shape did not stop: {error:#}");
        }
    }
}

/// The folder of the release binaries.
pub(super) fn binaries() -> PathBuf {
    root().join("target/release")
}

fn binaries_text() -> String {
    binaries().display().to_string()
}

/// Runs `tandem` and reads the JSON that it prints.
pub(super) fn tandem(args: &[&str], env: &[(&str, &str)]) -> Result<Value> {
    eprintln!("▸ tandem {}", args.join(" "));
    answer(args, env)
}

fn answer(args: &[&str], env: &[(&str, &str)]) -> Result<Value> {
    let output = Command::new(binaries().join("tandem"))
        .args(args)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("tandem cannot be started")?;
    if !output.status.success() {
        bail!("tandem {} ended with {}", args.join(" "), output.status);
    }
    serde_json::from_slice(&output.stdout).context("tandem printed no JSON")
}
