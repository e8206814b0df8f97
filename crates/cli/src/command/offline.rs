//! `tandem offline`: the graph engine on files, without a database.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use serde::Serialize;
use tandem_domain::relation::Relation;
use tandem_graph::{EpochRecord, FactStats, Facts, FactsBuilder, Params};

use crate::args::Common;
use crate::import::source;
use crate::offline::{edges, events, products};
use crate::output;

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
#[command(after_help = EXAMPLES)]
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
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
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
    compute_seconds: f64,
    write_seconds: f64,
    edges: u64,
    facts: FactStats,
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
        "{} edges of {} events and {} products in {:.2} s (reading {:.2}, computing {:.2}, writing {:.2})",
        built.edges,
        built.facts.events,
        built.facts.products,
        built.seconds,
        built.read_seconds,
        built.compute_seconds,
        built.write_seconds
    );
    Ok(())
}

fn build(options: &OfflineBuild) -> Result<Built> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = options.threads {
        pool = pool.num_threads(threads);
    }
    pool.build()?.install(|| build_here(options))
}

fn build_here(options: &OfflineBuild) -> Result<Built> {
    let started = Instant::now();
    let frozen = options.params.as_deref().map(read_params).transpose()?;
    let catalogue = products::read(open(&options.products)?)
        .map_err(|errors| anyhow!("{}:\n{errors}", options.products.display()))?;
    let mut builder = FactsBuilder::new(catalogue);
    events::read(open(&options.events)?, &mut builder)
        .map_err(|errors| anyhow!("{}:\n{errors}", options.events.display()))?;
    let facts = builder.finish();
    let read = started.elapsed().as_secs_f64();

    let epoch = choose(options, frozen, &facts);
    let build = tandem_graph::build(&facts, &epoch, &|_| {});
    let computed = started.elapsed().as_secs_f64();

    let relations = if options.relations.is_empty() {
        Relation::ALL.to_vec()
    } else {
        options.relations.clone()
    };
    let out = File::create(&options.out).with_context(|| options.out.display().to_string())?;
    let edges = edges::write(BufWriter::new(out), &build.anchors, &relations)?;
    if let Some(path) = &options.params_out {
        std::fs::write(path, serde_json::to_string_pretty(epoch.params())?)
            .with_context(|| path.display().to_string())?;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Built {
        seconds,
        read_seconds: read,
        compute_seconds: computed - read,
        write_seconds: seconds - computed,
        edges,
        facts: facts.stats().clone(),
    })
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

fn open(path: &Path) -> Result<impl std::io::Read> {
    let source = source::open(path).with_context(|| path.display().to_string())?;
    Ok(BufReader::new(source.reader))
}

fn read_params(path: &Path) -> Result<Params> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let params: Params = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    params.check().with_context(|| path.display().to_string())?;
    Ok(params)
}
