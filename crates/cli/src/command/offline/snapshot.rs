//! `tandem offline snapshot`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tandem_graph::{FactStats, Tuning};

use super::build::tell_tuning;
use super::gather::{Gathered, Sources};
use crate::offline::snapshot::{self, SNAPSHOT};
use crate::{output, progress};

const EXAMPLES: &str = "Examples:
  tandem offline snapshot --events events.csv --products products.csv --out snapshot --shards 4
  tandem offline snapshot --events e.csv --products p.csv --out snap --shards 8 --params epoch.json";

/// Options of a snapshot of files.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{SNAPSHOT}"))]
pub struct Snapshot {
    #[command(flatten)]
    sources: Sources,
    /// The folder that the snapshot becomes; it must be empty, or not be there.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Shards to cut the products into.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shards: u32,
}

/// What a snapshot holds.
#[derive(Debug, Serialize)]
struct Taken {
    seconds: f64,
    shards: usize,
    largest_bucket_bytes: u64,
    bytes: u64,
    repeated_events: u64,
    facts: FactStats,
    #[serde(skip_serializing_if = "Option::is_none")]
    tuning: Option<Tuning>,
}

pub(super) fn run(json: bool, options: &Snapshot) -> Result<()> {
    let taken = options.sources.on_threads(|| take(options))?;
    if json {
        return output::print_json(&taken);
    }
    println!(
        "{} shards of {} events and {} products in {:.2} s: {} bytes, the largest bucket {}",
        taken.shards,
        taken.facts.events,
        taken.facts.products,
        taken.seconds,
        taken.bytes,
        taken.largest_bucket_bytes
    );
    tell_tuning(taken.tuning.as_ref());
    Ok(())
}

fn take(options: &Snapshot) -> Result<Taken> {
    let started = Instant::now();
    let Gathered {
        facts,
        epoch,
        repeated_events,
        ..
    } = options.sources.gather()?;
    let bar = progress::bar(facts.stats().products, "writing");
    let manifest = snapshot::write(
        &options.out,
        &facts,
        &epoch,
        options.sources.relations(),
        options.shards,
        &|rows| bar.inc(rows),
    )?;
    bar.finish_and_clear();
    let buckets = || manifest.shards.iter().map(|shard| shard.bucket.bytes);
    Ok(Taken {
        seconds: started.elapsed().as_secs_f64(),
        shards: manifest.shards.len(),
        largest_bucket_bytes: buckets().max().unwrap_or(0),
        bytes: buckets().sum::<u64>() + manifest.epoch.bytes + manifest.products.bytes,
        repeated_events,
        facts: facts.stats().clone(),
        tuning: epoch.tuning().cloned(),
    })
}
