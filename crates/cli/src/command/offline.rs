//! `tandem offline`: the graph engine on files, without a database.

mod build;
mod gather;
mod parameters;
mod rows;
mod shard;
mod snapshot;

use anyhow::Result;
use clap::Subcommand;

use crate::args::Common;

const EXAMPLES: &str = "Examples:
  tandem offline build --events events.csv --products products.csv --out edges.csv
  tandem offline snapshot --events events.csv --products products.csv --out snapshot --shards 4
  tandem offline shard --snapshot snapshot --shard 0 --out edges-0.csv";

/// The graph engine on files.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Offline {
    /// Events and products in, edges out: the columns of `tandem export edges`.
    Build(build::Build),
    /// Events and products in, one bucket per shard out, and what the shards share.
    Snapshot(snapshot::Snapshot),
    /// A bucket of a snapshot in, the edges of its shard out.
    Shard(shard::Shard),
}

/// Carries out the command and says what was done.
///
/// # Errors
/// The faults of the files by line and column, or what the file system says.
pub async fn run(common: &Common, offline: Offline) -> Result<()> {
    let json = common.json;
    tokio::task::spawn_blocking(move || match offline {
        Offline::Build(options) => build::run(json, &options),
        Offline::Snapshot(options) => snapshot::run(json, &options),
        Offline::Shard(options) => shard::run(json, &options),
    })
    .await?
}
