//! `cargo xtask load`: the production shape on this machine, measured. Only ratios taken in one run mean anything on
//! a shared machine; absolute figures say what this one did.

mod figures;
mod increments;
mod kernel;
mod memory;
mod plot;
mod reads;
mod scale;
mod shape;
mod stock;

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::command::{execute, root};
use crate::needs;
use figures::Figures;
pub(crate) use reads::shop;
use shape::Shape;

/// What to measure with.
#[derive(Args)]
pub(crate) struct LoadArgs {
    /// Online Retail, whole or in part; the shipped slice without it.
    #[arg(long)]
    online_retail: Option<PathBuf>,
    /// Interleaved repeats of each read measurement; the median is reported.
    #[arg(long, default_value_t = 7)]
    repeats: usize,
    /// Calls per repeat; expensive ones are made less often.
    #[arg(long, default_value_t = 40_000)]
    requests: u32,
    /// Anchors that reads are drawn from, by Zipf's law.
    #[arg(long, default_value_t = 100_000)]
    anchors: u64,
    /// What to measure.
    #[arg(long, value_enum, default_value_t = Part::All)]
    part: Part,
    /// Which reads to measure beside the echo, the first of them; all without it.
    #[arg(long, value_enum, value_delimiter = ',')]
    cases: Vec<reads::Case>,
    /// Fail when a bar is missed, and name it on the last line.
    #[arg(long)]
    check: bool,
    /// Products of `--part scale`.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    products: u64,
    /// Draw `--part growth` into this file, as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Stock flips.
    #[arg(long, default_value_t = 300)]
    flips: u32,
    /// Seconds at each load of `--part overload`.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Seconds of kept lists at half of the capacity, at a pace that does not wait for answers.
    #[arg(long, default_value_t = 60)]
    steady_seconds: u32,
    /// The same as `--part stock`.
    #[arg(long, conflicts_with = "part")]
    stock: bool,
    /// Write the figures here, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Everything but `scale` and `growth`, which take gigabytes and minutes.
    All,
    /// Imports, builds and stock flips, in the embedded default and the production shape, and increments.
    Pipeline,
    /// From an event to the edge that it changes, in the production shape; and what increments cost beside a full build.
    Increments,
    /// How the kernel's cost grows with the pair work.
    Growth,
    /// Reads beside an echo.
    Reads,
    /// Reads on lanes beside reads on a shared runtime, and what tokens cost.
    Shapes,
    /// Batches at once, twice and three times what a gateway can answer.
    Overload,
    /// From stock acknowledged to gone, changes per second, and what a flip costs.
    Stock,
    /// A gateway's memory and time to ready over a cell of many products, and what they take of Redis.
    Scale,
}

impl Part {
    fn includes(self, part: Self) -> bool {
        self == part || self == Self::All && !matches!(part, Self::Scale | Self::Growth)
    }

    /// What is built before it is measured.
    fn built(self) -> &'static [&'static str] {
        match self {
            Self::Reads | Self::Shapes | Self::Overload | Self::Scale => {
                &["--bin", "xtask", "--bin", "tandem-gateway"]
            }
            Self::Growth => &["--bin", "xtask"],
            Self::All | Self::Pipeline | Self::Increments | Self::Stock => &["--bins"],
        }
    }
}

/// Measures and prints.
///
/// # Errors
/// When a part cannot be built or started, or a measurement fails.
pub(crate) async fn run(args: &LoadArgs) -> Result<()> {
    needs::ensure(&needs::SERVERS)?;
    let part = if args.stock { Part::Stock } else { args.part };
    let mut figures = Figures::default();
    let build = ["build", "--release", "--workspace"];
    execute("cargo", &[&build[..], part.built()].concat(), &[])?;
    if cfg!(debug_assertions) {
        return Err(optimised().into());
    }
    if part.includes(Part::Pipeline) {
        embedded(args, &mut figures)?;
    }
    if part.includes(Part::Pipeline) || part == Part::Increments {
        production(args, &Shape::up()?, &mut figures)?;
    }
    if part.includes(Part::Increments) {
        kernel::increments(&mut figures)?;
    }
    if part.includes(Part::Growth) {
        kernel::growth(args.plot.as_deref(), &mut figures)?;
    }
    if part.includes(Part::Stock) {
        stock::measure(args, &mut figures).await?;
    }
    if part.includes(Part::Reads) {
        reads::measure(args, &mut figures).await?;
    }
    if part.includes(Part::Shapes) {
        reads::measure_shapes(args, &mut figures).await?;
    }
    if part.includes(Part::Overload) {
        reads::measure_overload(args, &mut figures).await?;
    }
    if part.includes(Part::Scale) {
        scale::measure(args, &mut figures).await?;
    }
    figures.print();
    if let Some(path) = &args.json {
        figures.write(path)?;
    }
    if args.check { figures.check() } else { Ok(()) }
}

/// Goes on as the optimised build of this program: callers that are slow themselves measure themselves, and take the
/// processors from what they measure. Returns only when that cannot be started.
fn optimised() -> std::io::Error {
    let mut again = Command::new(shape::binaries().join("xtask"));
    again.args(std::env::args_os().skip(1)).exec()
}

/// A product that Online Retail sells a lot of.
const ANCHOR: &str = "22423";

/// The embedded default: everything in one process.
fn embedded(args: &LoadArgs, figures: &mut Figures) -> Result<()> {
    eprintln!("▸ embedded default");
    let flips = args.flips.to_string();
    let demo = shape::tandem(&["demo", "--once", "--json", "--flips", &flips], &[])?;
    figures.anchor = text(&demo, "anchor")?;
    figures.add(
        "embedded: import of the slice, enriched",
        per_second(&demo["import"]),
        "lines/s",
    );
    figures.add(
        "embedded: build of the slice",
        number(&demo["build"], "seconds"),
        "s",
    );
    figures.latency("embedded: stock acknowledged → gone", &demo["stock_to_gone_us"]);
    Ok(())
}

fn per_second(import: &Value) -> f64 {
    number(import, "lines") / number(import, "seconds")
}

fn production(args: &LoadArgs, shape: &Shape, figures: &mut Figures) -> Result<()> {
    let slice = root().join("crates/cli/data/online_retail_slice.csv.gz");
    let file = args.online_retail.as_deref().unwrap_or(&slice);
    let imported = shape.tandem(&["import", "online-retail", "--enrich", "--json", display(file)?])?;
    figures.add(
        "production: import, enriched",
        number(&imported, "rows_per_second"),
        "lines/s",
    );
    figures.add(
        "production: lines imported",
        number(&imported["report"], "lines"),
        "lines",
    );
    shape.settled()?;
    let before = shape.redis_bytes()?;
    let built = shape.tandem(&["build", "--json"])?;
    build_figures(&built["stats"], figures);
    copy_figures(shape.copied()?, &built["stats"], figures);
    let anchors = number(&built["stats"], "anchors");
    figures.add(
        "Redis bytes per anchor",
        (shape.redis_bytes()? - before) / anchors,
        "bytes",
    );
    increments::measure(shape, figures, ANCHOR)?;
    if args.part == Part::Increments {
        return Ok(());
    }
    let flips = args.flips.to_string();
    let show = shape.tandem(&[
        "demo",
        "--attach",
        "--anchor",
        &figures.anchor.clone(),
        "--once",
        "--json",
        "--flips",
        &flips,
    ])?;
    figures.latency("production: stock acknowledged → gone", &show["stock_to_gone_us"]);
    Ok(())
}

fn build_figures(stats: &Value, figures: &mut Figures) {
    let [read, compute, publish] =
        ["read_seconds", "compute_seconds", "publish_seconds"].map(|key| number(stats, key));
    figures.add("build: whole", read + compute + publish, "s");
    figures.add("build: reading SQL", read, "s");
    figures.add("build: computing", compute, "s");
    figures.add("build: publishing", publish, "s");
    figures.add(
        "build: peak memory of the worker",
        number(stats, "peak_rss_bytes") / 1e6,
        "MB",
    );
    figures.add("build: edges", number(stats, "edges"), "edges");
    figures.add(
        "build: pair increments",
        number(stats, "pairs") / compute,
        "pairs/s",
    );
    figures.add("publish", number(stats, "anchors") / publish, "anchors/s");
}

/// What a build takes to read, beside the database's own client over the same rows.
fn copy_figures(copied: f64, stats: &Value, figures: &mut Figures) {
    let [read, compute, publish] =
        ["read_seconds", "compute_seconds", "publish_seconds"].map(|key| number(stats, key));
    figures.add(
        "build: share of reading",
        read / (read + compute + publish) * 100.0,
        "%",
    );
    figures.add("psql \\copy of the events that a build reads", copied, "s");
    figures.add(
        "build: reading, catalogue and sorting in included, to psql \\copy",
        read / copied,
        "x",
    );
}

fn display(path: &Path) -> Result<&str> {
    path.to_str().context("the path is no UTF-8")
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or(f64::NAN)
}

fn text(value: &Value, key: &str) -> Result<String> {
    value[key]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("{key} is missing"))
}
