//! `tandem offline shard`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::gather::on_threads;
use super::rows::{self, Rows};
use crate::offline::snapshot::{SNAPSHOT, Snapshot};
use crate::output;
use crate::usage::Usage;

const EXAMPLES: &str = "Examples:
  tandem offline shard --snapshot snapshot --shard 0 --out edges-0.csv
  tandem offline shard --snapshot snapshot --shard 3 --out edges-3.parquet --threads 2";

/// Options of the build of one shard.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{SNAPSHOT}"))]
pub struct Shard {
    /// The folder of the snapshot.
    #[arg(long, value_name = "FOLDER")]
    snapshot: PathBuf,
    /// Number of the shard, from 0.
    #[arg(long, value_name = "K")]
    shard: u32,
    /// Where the edges go; those of all shards, one after the other, are those of a build.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Threads; as many as there are cores without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

/// What became of a shard.
#[derive(Debug, Serialize)]
struct Computed {
    seconds: f64,
    products: u32,
    edges: u64,
}

pub(super) fn run(json: bool, options: &Shard) -> Result<()> {
    let computed = on_threads(options.threads, || compute(options))?;
    if json {
        return output::print_json(&computed);
    }
    println!(
        "{} edges of {} products in {:.2} s",
        computed.edges, computed.products, computed.seconds
    );
    Ok(())
}

fn compute(options: &Shard) -> Result<Computed> {
    let started = Instant::now();
    let snapshot = Snapshot::open(&options.snapshot)?;
    let Some((part, ids)) = snapshot.part(options.shard)? else {
        let (folder, shards) = (options.snapshot.display(), snapshot.shards());
        return Err(Usage(format!(
            "--shard {}: {folder} has {shards}, counted from 0",
            options.shard
        ))
        .into());
    };
    let edges = rows::write(&options.out, Rows::Part(&part), &ids, snapshot.epoch())?;
    Ok(Computed {
        seconds: started.elapsed().as_secs_f64(),
        products: part.rows(),
        edges,
    })
}
