//! Everything that must hold before a change lands.

use anyhow::Result;
use clap::Args;
use tandem_testing::PostgresServer;

use crate::command::{execute, succeeds};
use crate::{arch, clients, needs, proto};

/// What to run.
#[derive(Args)]
pub(crate) struct TestArgs {
    /// Only tests whose names contain this, without the checks before them.
    filter: Option<String>,
}

/// Runs the checks, then every test with one PostgreSQL server for all of them, then other people's clients.
///
/// # Errors
/// At the first check or test run that fails.
pub(crate) async fn run(args: &TestArgs) -> Result<()> {
    needs::ensure(&needs::SERVERS)?;
    if args.filter.is_none() {
        checks()?;
    }
    let server = PostgresServer::start().await?;
    let filter = args.filter.as_slice().iter().map(String::as_str);
    let command: Vec<&str> = ["test", "--workspace", "--locked"]
        .into_iter()
        .chain(filter)
        .collect();
    execute(
        "cargo",
        &command,
        &[("TANDEM_TEST_POSTGRES_URL", server.admin_url())],
    )?;
    if args.filter.is_some() {
        return Ok(());
    }
    clients::run().await
}

fn checks() -> Result<()> {
    execute("cargo", &["fmt", "--all", "--check"], &[])?;
    arch::run()?;
    proto::run()?;
    execute(
        "cargo",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    )?;
    if succeeds("cargo", &["deny", "--version"]) {
        execute("cargo", &["deny", "--all-features", "check"], &[])
    } else {
        eprintln!("▸ cargo-deny is not installed: advisories, licences and sources are not checked");
        Ok(())
    }
}
