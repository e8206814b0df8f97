//! `cargo xtask faults`: the fault campaign. Real processes on loopback, open-loop load, a seeded schedule, and a checker
//! that believes nothing but its own synced file of acknowledgements.
//!
//! Every row of the matrix runs in a world of its own, several times over. A repeat is: load runs, the fault comes at a
//! moment that the dice choose, it is healed, load runs on until answers are fresh again; then the load stops and the
//! truth in SQL, the file and the gateway's answers are compared.

mod case;
mod dice;
mod judge;
mod ledger;
mod repeat;
mod shop;
mod tally;
mod traffic;
mod usage;
mod world;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use tokio::time::timeout;

use crate::command::execute;
use crate::needs;
use case::{CASES, Case};
use dice::Dice;
use tally::{Row, print_header};
use world::World;

pub(crate) use usage::Usage;
pub(crate) use world::Part;

/// Which faults, how often, and in what order of moments.
#[derive(Args)]
pub(crate) struct FaultsArgs {
    /// Only this row of the matrix, such as 7 or 25b; may be given several times.
    #[arg(long = "case")]
    cases: Vec<String>,
    /// Chooses the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Repeats of each row.
    #[arg(long, default_value_t = 3)]
    repeats: u32,
    /// One short repeat of each row, those that break most first, as many as five minutes are enough for. What only comes
    /// late on a machine that is late itself is told, and breaks nothing.
    #[arg(long)]
    quick: bool,
    /// Instead of row after row: faults at random in one world for so many minutes, watching memory and descriptors.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<u64>,
    /// Use the binaries of this folder instead of building them.
    #[arg(long)]
    binaries: Option<std::path::PathBuf>,
}

/// How long the parts of a repeat take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Load before the fault.
    pub(crate) before: Duration,
    /// Load after it was healed, at least.
    pub(crate) after: Duration,
    /// How long an outage lasts.
    pub(crate) outage: Duration,
    /// How long Redis stands still in row 9.
    pub(crate) standstill: Duration,
    /// How long answers may stay stale after a fault was healed, and the gateway may take to show what SQL says.
    pub(crate) recovered_within: Duration,
    /// Whether a slow machine is no excuse.
    pub(crate) strict: bool,
}

impl Pace {
    const FULL: Self = Self {
        before: Duration::from_millis(1_000),
        after: Duration::from_millis(1_500),
        outage: Duration::from_secs(5),
        standstill: Duration::from_secs(30),
        recovered_within: Duration::from_secs(30),
        strict: true,
    };
    const QUICK: Self = Self {
        before: Duration::from_millis(500),
        after: Duration::from_millis(1_000),
        outage: Duration::from_secs(4),
        standstill: Duration::from_secs(6),
        recovered_within: Duration::from_secs(90),
        strict: false,
    };
}

/// When a quick campaign begins no row any more, and when it gives up the one that runs: a slow machine has rows of which
/// nothing is known, not rows that break.
const QUICK_ENDS: Duration = Duration::from_secs(240);
const QUICK_STOPS: Duration = Duration::from_secs(290);

/// Runs the campaign and prints its table.
///
/// # Errors
/// When something cannot be built or started, or a promise breaks.
pub(crate) async fn run(args: &FaultsArgs) -> Result<()> {
    needs::ensure(&needs::SERVERS)?;
    let binaries = match &args.binaries {
        Some(folder) => folder.clone(),
        None => {
            execute("cargo", &["build", "--release", "--workspace", "--bins"], &[])?;
            crate::command::root().join("target/release")
        }
    };
    let pace = if args.quick { Pace::QUICK } else { Pace::FULL };
    if let Some(minutes) = args.soak {
        return repeat::soak(&binaries, pace, args.seed, Duration::from_secs(60 * minutes)).await;
    }
    let repeats = if args.quick { 1 } else { args.repeats };
    let begun = Instant::now();
    let mut rows = Vec::new();
    print_header();
    let mut left_out = Vec::new();
    for case in chosen(&args.cases)? {
        if args.quick && begun.elapsed() > QUICK_ENDS {
            left_out.push(case.number);
            continue;
        }
        let campaign = campaign(case, &binaries, pace, args.seed, repeats);
        let row = if args.quick {
            let left = QUICK_STOPS.saturating_sub(begun.elapsed());
            let Ok(row) = timeout(left, campaign).await else {
                left_out.push(case.number);
                continue;
            };
            row
        } else {
            campaign.await
        };
        println!("{row}");
        rows.push(row);
    }
    summary(&rows, &left_out, begun.elapsed(), args.seed)
}

fn chosen(numbers: &[String]) -> Result<Vec<&'static Case>> {
    if numbers.is_empty() {
        return Ok(CASES.iter().collect());
    }
    let find = |number: &String| match CASES.iter().find(|case| case.number == number) {
        Some(case) => Ok(case),
        None => bail!(
            "there is no row {number}: choose from {}",
            CASES
                .iter()
                .map(|case| case.number)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    numbers.iter().map(find).collect()
}

/// All repeats of one row in a world of its own.
async fn campaign(
    case: &'static Case,
    binaries: &std::path::Path,
    pace: Pace,
    seed: u64,
    repeats: u32,
) -> Row {
    let mut row = Row::of(case);
    let mut world = match World::up(binaries, pace).await {
        Ok(world) => world,
        Err(error) => {
            row.broken.push(format!("the world does not come up: {error:#}"));
            return row;
        }
    };
    for number in 0..repeats {
        let mut dice = Dice::of(seed, case.number, number);
        match repeat::repeat(case, &mut world, &mut dice).await {
            Ok(outcome) => row.add(outcome),
            Err(error) => {
                row.broken.push(format!("repeat {number}: {error:#}"));
                break;
            }
        }
    }
    if !row.broken.is_empty() {
        world.keep_logs(case.number);
    }
    row
}

fn summary(rows: &[Row], left_out: &[&str], took: Duration, seed: u64) -> Result<()> {
    let broken: Vec<&Row> = rows.iter().filter(|row| !row.broken.is_empty()).collect();
    for row in &broken {
        for promise in &row.broken {
            println!("row {}: {promise}", row.number());
        }
    }
    for row in rows {
        for promise in &row.slow {
            println!("row {}, slow: {promise}", row.number());
        }
    }
    let repeats: u32 = rows.iter().map(Row::repeats).sum();
    let slow = match rows.iter().filter(|row| row.is_slow()).count() {
        0 => String::new(),
        slow => format!(", {slow} slow"),
    };
    let left_out = match left_out {
        [] => String::new(),
        left_out => format!(", no time for {}", left_out.join(" ")),
    };
    let line = format!(
        "faults: {} of {} rows hold{slow}, {repeats} repeats, seed {seed}, {:.0} s{left_out}",
        rows.len() - broken.len(),
        rows.len(),
        took.as_secs_f64()
    );
    println!("{line}");
    if broken.is_empty() {
        Ok(())
    } else {
        bail!("{line}")
    }
}
