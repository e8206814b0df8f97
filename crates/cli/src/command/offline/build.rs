//! `tandem offline build`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use tandem_graph::{FactStats, Tuning};

use super::gather::{Gathered, Sources};
use super::rows::{self, Rows};
use crate::offline::FILES;
use crate::output;

const EXAMPLES: &str = "Examples:
  tandem offline build --events events.csv --products products.csv --out edges.csv
  tandem offline build --events e.csv --products p.csv --out edges.csv --relations together
  tandem offline build --events e.csv --products p.csv --out edges.csv --record-out epoch.json
  tandem offline build --events e.csv --products p.csv --out again.csv --params epoch.json";

/// Options of a build from files.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FILES}"))]
pub struct Build {
    #[command(flatten)]
    sources: Sources,
    /// Where the edges go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write the parameters that were used.
    #[arg(long, value_name = "FILE")]
    params_out: Option<PathBuf>,
    /// Write the epoch record that was used: a build of the same files with it as `--params` writes the same bytes.
    #[arg(long, value_name = "FILE")]
    record_out: Option<PathBuf>,
}

/// What a build did.
#[derive(Debug, Serialize)]
struct Built {
    seconds: f64,
    read_seconds: f64,
    build_seconds: f64,
    edges: u64,
    repeated_events: u64,
    facts: FactStats,
    #[serde(skip_serializing_if = "Option::is_none")]
    tuning: Option<Tuning>,
}

pub(super) fn run(json: bool, options: &Build) -> Result<()> {
    let built = options.sources.on_threads(|| build(options))?;
    if json {
        return output::print_json(&built);
    }
    println!(
        "{} edges of {} events and {} products in {:.2} s (reading {:.2}, building and writing {:.2})",
        built.edges,
        built.facts.events,
        built.facts.products,
        built.seconds,
        built.read_seconds,
        built.build_seconds
    );
    tell_tuning(built.tuning.as_ref());
    Ok(())
}

/// What came of each attempt.
pub(super) fn tell_tuning(tuning: Option<&Tuning>) {
    for finding in tuning.into_iter().flat_map(|tuning| &tuning.findings) {
        println!("tuned {finding}");
    }
}

fn build(options: &Build) -> Result<Built> {
    let started = Instant::now();
    let Gathered {
        facts,
        epoch,
        repeated_events,
        read_seconds,
    } = options.sources.gather()?;
    let edges = rows::write(&options.out, Rows::Facts(&facts), facts.ids(), &epoch)?;
    if let Some(path) = &options.params_out {
        write_json(path, epoch.params())?;
    }
    if let Some(path) = &options.record_out {
        write_json(path, &epoch)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let built = Built {
        seconds,
        read_seconds,
        build_seconds: seconds - read_seconds,
        edges,
        repeated_events,
        facts: facts.stats().clone(),
        tuning: epoch.tuning().cloned(),
    };
    // The process ends here and gives all memory back at once, which takes it less than piece by piece.
    std::mem::forget((facts, epoch));
    Ok(built)
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
