//! Cleans an Online Retail file and prints what became of its lines:
//! `TANDEM_ONLINE_RETAIL=FILE cargo run --release -p tandem-cli --example clean`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use tandem_cli::import::generic::Faults;
use tandem_cli::import::{online_retail, source};

fn main() -> anyhow::Result<()> {
    let path =
        PathBuf::from(std::env::var("TANDEM_ONLINE_RETAIL").context("set TANDEM_ONLINE_RETAIL to a file")?);
    let started = Instant::now();
    let mut cleaner = online_retail::clean(source::open(&path)?.reader, Faults::Skip)?;
    let events: usize = cleaner
        .by_ref()
        .map(|batch| batch.map_or(0, |events| events.len()))
        .sum();
    let seconds = started.elapsed().as_secs_f64();
    let cleaned = cleaner.finish();
    println!("{}", cleaned.report);
    println!(
        "{events} events, {:.2} s, {:.0} lines/s",
        seconds,
        cleaned.report.lines as f64 / seconds
    );
    println!("{}", cleaned.errors);
    Ok(())
}
