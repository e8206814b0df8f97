//! Single statements through psql, so that this crate needs no driver.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use super::STATEMENT_WITHIN;
use crate::program;

/// Runs one statement and returns what it printed, without headers.
pub(super) async fn psql(url: &str, statement: &str) -> Result<String> {
    let run = Command::new(program::postgres("psql")?)
        .args(arguments(url, statement))
        .env("PGCONNECT_TIMEOUT", "10")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(STATEMENT_WITHIN, run)
        .await
        .context("psql took too long")?
        .context("run psql")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The same from a destructor, where nothing can be awaited and nobody hears of a failure.
pub(super) fn psql_unheard(url: &str, statement: &str) {
    let Ok(program) = program::postgres("psql") else {
        return;
    };
    let _ = std::process::Command::new(program)
        .args(arguments(url, statement))
        .env("PGCONNECT_TIMEOUT", "2")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

fn arguments<'a>(url: &'a str, statement: &'a str) -> [&'a str; 8] {
    ["-X", "-q", "-A", "-t", "-d", url, "-c", statement]
}
