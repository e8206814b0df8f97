//! What the kernel of the graph costs: its benchmarks, run as they stand, and the bars that their tables have to reach.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::figures::{Bar, Figures};
use super::plot::Plot;
use crate::command::root;

/// Lines that increments are measured on.
const LINES: u64 = 5_000_000;
/// What the processor time of an increment may be to its share of the pair work.
const MOST_RATIO: f64 = 1.2;
/// How many orders the smallest increment of the benchmark is one of, and what it may cost to a full build.
const FEWEST: f64 = 100_000.0;
const MOST_SHARE: f64 = 0.05;
/// Lines that growth is measured on.
const GROWING: [u64; 3] = [1_000_000, 5_000_000, 20_000_000];
/// Cost grows with this power of the pair work at most: above 1 is what reading from ever more memory costs.
const MOST_POWER: f64 = 1.1;

/// Increments beside a full build.
pub(super) fn increments(figures: &mut Figures) -> Result<()> {
    let rows = table("increment", &LINES.to_string())?;
    for row in &rows {
        let [orders, _, work, spent, ratio] = row[..] else {
            bail!("the benchmark of increments has another table");
        };
        let name = |what: &str| format!("increment of {orders} orders: {what}");
        figures.add(&name("share of the pair work"), work, "%");
        figures.add(&name("processor time to a full build's"), spent / 100.0, "×");
        figures.add(&name("processor time to the share"), ratio, "×");
        figures.bar(
            &name("processor time to the share"),
            ratio,
            Bar::AtMost(MOST_RATIO),
        );
    }
    let fewest = rows.last().and_then(|row| row.get(3));
    let spent = fewest.context("the benchmark of increments has no rows")? / 100.0;
    let name = format!("increment of {} % new orders to a full build", 100.0 / FEWEST);
    figures.add(&name, spent, "×");
    figures.bar(&name, spent, Bar::AtMost(MOST_SHARE));
    Ok(())
}

/// Ever more lines of one catalogue, and a plot of them.
pub(super) fn growth(plot: Option<&Path>, figures: &mut Figures) -> Result<()> {
    let lines = GROWING.map(|lines| lines.to_string()).join(",");
    let mut points = Vec::new();
    for row in table("growth", &lines)? {
        let [lines, pairs, seconds, per_pair] = row[..] else {
            bail!("the benchmark of growth has another table");
        };
        let name = |what: &str| format!("growth: {} M lines: {what}", lines / 1e6);
        figures.add(&name("pair increments"), pairs / 1e6, "M");
        figures.add(&name("processor time"), seconds, "s");
        figures.add(&name("per pair increment"), per_pair, "ns");
        points.push((pairs, seconds, format!("{} M lines", lines / 1e6)));
    }
    let (first, last) = points
        .first()
        .zip(points.last())
        .context("nothing was measured")?;
    let power = (last.1 / first.1).ln() / (last.0 / first.0).ln();
    figures.add("growth: power of the pair work that cost grows with", power, "");
    figures.bar("growth: power of the pair work", power, Bar::AtMost(MOST_POWER));
    match plot {
        Some(path) => Plot::of(points).write(path),
        None => Ok(()),
    }
}

/// The rows of a benchmark's table, all of them numbers.
fn table(bench: &str, lines: &str) -> Result<Vec<Vec<f64>>> {
    eprintln!("▸ cargo bench of {bench}, {lines} lines");
    let output = Command::new("cargo")
        .args(["bench", "--quiet", "--package", "tandem-graph", "--bench", bench])
        .env("LINES", lines)
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("the benchmark of {bench} ended with {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    eprint!("{text}");
    Ok(text.lines().filter_map(cells).collect())
}

/// The cells of a row of numbers.
fn cells(line: &str) -> Option<Vec<f64>> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?;
    let cells = inner.split('|').map(|cell| cell.trim().parse().ok());
    cells.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_numbers_are_read_and_heads_are_not() {
        assert_eq!(cells("| 5 | 1.50 | 2e3 |"), Some(vec![5.0, 1.5, 2_000.0]));
        for other in [
            "5 lines",
            "| lines | seconds |",
            "|---|---|",
            "| 5 | ",
            "| 5 |  |",
        ] {
            assert_eq!(cells(other), None, "{other}");
        }
    }
}
