//! `tandem offline`: the graph engine on files, without a database.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use tandem_domain::relation::Relation;
use tandem_graph::{EpochRecord, FactStats, Facts, FactsBuilder, Params, Progress, Tuning, Wanted};

use crate::args::Common;
use crate::offline::edges::{self, Edges, Names, Part};
use crate::offline::{FILES, events, products, refused};
use crate::{output, progress};

const EXAMPLES: &str = "Examples:
  tandem offline build --events events.csv --products products.csv --out edges.csv
  tandem offline build --events e.csv --products p.csv --out edges.csv --relations together
  tandem offline build --events e.csv --products p.csv --out edges.csv --params params.json";

/// The graph engine on files.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Offline {
    /// Events and products in, edges out: the columns of `tandem export edges`.
    Build(OfflineBuild),
}

/// Options of a build from files.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FILES}"))]
pub struct OfflineBuild {
    /// Events: event_id, user_id, session_or_order_id, product_id, event_type, quantity, unit_price, ts.
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Products: id, title, category, brand, price and, where known, tags.
    #[arg(long, value_name = "FILE")]
    products: PathBuf,
    /// Where the edges go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Relations to build, with commas between them; all without it.
    #[arg(long, value_delimiter = ',', value_name = "RELATION")]
    relations: Vec<Relation>,
    /// Threads; as many as there are cores without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Use the documented defaults of every formula instead of fitting them to the catalogue.
    #[arg(long, conflicts_with = "params")]
    no_tune: bool,
    /// Use the parameters of this file (JSON; what it leaves out has its default) instead of fitting them.
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// Write the parameters that were used.
    #[arg(long, value_name = "FILE")]
    params_out: Option<PathBuf>,
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

/// Builds and says what was built.
///
/// # Errors
/// The faults of the files by line and column, or what the file system says.
pub async fn run(common: &Common, offline: Offline) -> Result<()> {
    let Offline::Build(options) = offline;
    let built = tokio::task::spawn_blocking(move || build(&options)).await??;
    if common.json {
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
    for finding in built.tuning.iter().flat_map(|tuning| &tuning.findings) {
        println!("tuned {finding}");
    }
    Ok(())
}

fn build(options: &OfflineBuild) -> Result<Built> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = options.threads {
        pool = pool.num_threads(threads.into());
    }
    pool.build()?.install(|| build_here(options))
}

fn build_here(options: &OfflineBuild) -> Result<Built> {
    let started = Instant::now();
    let frozen = options.params.as_deref().map(read_params).transpose()?;
    let (facts, read) = gather(options, frozen.as_ref().unwrap_or(&Params::default()))?;
    let read_seconds = started.elapsed().as_secs_f64();
    let epoch = choose(options, frozen, &facts);
    let edges = write(options, &facts, &epoch)?;
    if let Some(path) = &options.params_out {
        let params = serde_json::to_string_pretty(epoch.params())?;
        std::fs::write(path, params).with_context(|| path.display().to_string())?;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Built {
        seconds,
        read_seconds,
        build_seconds: seconds - read_seconds,
        edges,
        repeated_events: read.repeated,
        facts: facts.stats().clone(),
        tuning: epoch.tuning().cloned(),
    })
}

/// Reads both files.
fn gather(options: &OfflineBuild, params: &Params) -> Result<(Facts, events::Read)> {
    let wanted = match &options.relations[..] {
        [] => Wanted::lists(&Relation::ALL, params),
        relations => Wanted::lists(relations, params),
    };
    let builder = || {
        let catalogue = products::read(&options.products, wanted.reads_attributes());
        let (catalogue, unread) = catalogue.map_err(|errors| refused(&options.products, &errors))?;
        tell_unread(&options.products, &unread);
        Ok(FactsBuilder::new(catalogue).wanted(wanted.clone()))
    };
    let (builder, read) = events::read(&options.events, builder)?;
    tell_unread(&options.events, &read.unread);
    Ok((builder.finish(), read))
}

fn tell_unread(path: &Path, columns: &[String]) {
    if !columns.is_empty() {
        eprintln!("{}: nothing reads {}", path.display(), columns.join(", "));
    }
}

/// Builds and writes part by part, into a file beside `--out` that takes its name once it is whole.
fn write(options: &OfflineBuild, facts: &Facts, epoch: &EpochRecord) -> Result<u64> {
    let place = || options.out.display().to_string();
    let format = edges::Format::of(&options.out);
    let mut file = output::whole_file(&options.out).with_context(place)?;
    let out = Mutex::new(Edges::begin(&mut file, format).with_context(place)?);
    let bar = progress::bar(facts.stats().products, "building");
    let written = AtomicU64::new(0);
    let names = Names::of(facts.ids(), format);
    let take = |number: usize, part: Part<'_>, progress: Progress| {
        written.fetch_add(part.edges, Ordering::Relaxed);
        bar.set_position(progress.done);
        let packed = part.pack();
        lock(&out).put(number, packed)
    };
    let sheet = || names.part(lock(&out).buffer());
    tandem_graph::build_parts(facts, epoch, sheet, take).with_context(place)?;
    bar.finish_and_clear();
    let out = out.into_inner().unwrap_or_else(PoisonError::into_inner);
    out.end().with_context(place)?;
    file.persist(&options.out)
        .map_err(|error| error.error)
        .with_context(place)?;
    Ok(written.into_inner())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one place where the parameters of a build come from: frozen by `--params`, the defaults under `--no-tune`, or
/// what suits the facts.
fn choose(options: &OfflineBuild, frozen: Option<Params>, facts: &Facts) -> EpochRecord {
    match frozen {
        Some(params) => EpochRecord::freeze(facts, &params),
        None if options.no_tune => EpochRecord::freeze(facts, &Params::default()),
        None => EpochRecord::tuned(facts, &Params::default()),
    }
}

fn read_params(path: &Path) -> Result<Params> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Params::from_json(&text).with_context(|| path.display().to_string())
}
