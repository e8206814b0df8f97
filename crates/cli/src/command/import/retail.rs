//! UCI Online Retail.

use std::cell::Cell;
use std::io::Read;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use indicatif::ProgressBar;
use serde::Serialize;
use tandem_domain::event::Event;

use super::file::{Imported, refusal, tell_expired, tell_left_out};
use super::tables::{write_products, write_skus, write_stock};
use super::{ImportOptions, sink};
use crate::args::Common;
use crate::database::Database;
use crate::enrich::{self, Enrichment};
use crate::import::BATCH_ROWS;
use crate::import::fault::RowErrors;
use crate::import::generic::Faults;
use crate::import::online_retail::{self, Cleaned, CleaningReport};
use crate::import::source;
use crate::{output, progress};

/// Of the generated layer.
const SEED: u64 = 1;

/// A file that was written.
#[derive(Debug)]
pub struct Retail {
    /// What it held.
    pub cleaned: Cleaned,
    /// Events that were ignored: of days whose raw events were let go.
    pub expired_events: u64,
}

/// What became of the lines, and of the events that they made.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    cleaning: CleaningReport,
    expired_events: u64,
}

pub(super) async fn run(common: &Common, options: &ImportOptions, enrich: bool) -> Result<()> {
    let started = Instant::now();
    if options.dry_run {
        let report = Report {
            cleaning: check(options)?,
            expired_events: 0,
        };
        return print(
            common,
            &Imported::since(started, &options.file, false, report.cleaning.lines, report),
        );
    }
    if options.faults() == Faults::Stop {
        check(options)?;
    }
    let database = options.database.open().await?;
    let source = source::open(&options.file).with_context(|| options.file.display().to_string())?;
    let bar = progress::bytes(source.total_bytes, "writing", source.progress.clone());
    let retail = import_retail(&database, source.reader, options.faults(), enrich, &bar).await?;
    database.fold().await?;
    bar.finish();
    tell_left_out(&options.file, &retail.cleaned.errors);
    let report = Report {
        cleaning: retail.cleaned.report,
        expired_events: retail.expired_events,
    };
    print(
        common,
        &Imported::since(started, &options.file, true, report.cleaning.lines, report),
    )
}

/// Cleans `input` and writes its orders, returns and products; `with_layer`, the generated layer too.
///
/// # Errors
/// The faults of the file, or what the database says.
pub async fn import_retail(
    database: &Database,
    input: impl Read + Send + 'static,
    faults: Faults,
    with_layer: bool,
    bar: &ProgressBar,
) -> Result<Retail> {
    let parse = move |hand_on: &mut dyn FnMut(Vec<Event>) -> bool| {
        let mut cleaner = online_retail::clean(input, faults).map_err(|errors| anyhow!("{errors}"))?;
        let mut kept = Vec::new();
        for batch in cleaner.by_ref() {
            let batch = batch?;
            if with_layer {
                kept.extend_from_slice(&batch);
            }
            if !hand_on(batch) {
                break;
            }
        }
        Ok((cleaner.finish(), kept))
    };
    let expired = &Cell::new(0);
    let write = |batch: Vec<Event>| async move {
        expired.set(expired.get() + write_events(database, &batch).await?);
        Ok(())
    };
    let (cleaned, orders) = sink::pipe(parse, write).await?;
    if with_layer {
        bar.set_message("generating what orders lack");
        let products = cleaned.products.clone();
        let layer = tokio::task::spawn_blocking(move || enrich::enrich(&products, &orders, SEED)).await?;
        expired.set(expired.get() + write_layer(database, &layer).await?);
    } else {
        write_products(database, &cleaned.products).await?;
    }
    Ok(Retail {
        cleaned,
        expired_events: expired.get(),
    })
}

/// Writes the generated layer; the products in it take the place of the bare ones. How many of its events were ignored.
async fn write_layer(database: &Database, layer: &Enrichment) -> Result<u64> {
    let (store, marketplace) = (&database.store, &database.marketplace.id);
    store.upsert_categories(marketplace, &layer.categories).await?;
    write_products(database, &layer.products).await?;
    write_skus(database, &layer.skus).await?;
    write_stock(database, &layer.stock).await?;
    for scene in &layer.scenes {
        store.upsert_scene(marketplace, scene).await?;
    }
    let mut expired = 0;
    for events in layer.events.chunks(BATCH_ROWS) {
        expired += write_events(database, events).await?;
    }
    Ok(expired)
}

/// Writes events; how many of them were ignored.
async fn write_events(database: &Database, events: &[Event]) -> Result<u64> {
    let now = database.write().now;
    let counts = database
        .store
        .import_events(&database.marketplace.id, events, now)
        .await?;
    Ok(counts.expired)
}

/// Reads the whole file, to its first faults or past all of them, and writes nothing.
fn check(options: &ImportOptions) -> Result<CleaningReport> {
    let source = source::open(&options.file).with_context(|| options.file.display().to_string())?;
    let bar = progress::bytes(source.total_bytes, "checking", source.progress.clone());
    let checked = walk(source.reader, options.faults());
    bar.finish();
    let (report, errors) = checked.map_err(|errors| refusal(&options.file, &errors))?;
    tell_left_out(&options.file, &errors);
    Ok(report)
}

fn walk(input: impl Read, faults: Faults) -> Result<(CleaningReport, RowErrors), RowErrors> {
    if faults == Faults::Stop {
        return Ok((online_retail::validate(input)?, RowErrors::default()));
    }
    let mut cleaner = online_retail::clean(input, Faults::Skip)?;
    cleaner.by_ref().for_each(drop);
    let cleaned = cleaner.finish();
    Ok((cleaned.report, cleaned.errors))
}

fn print(common: &Common, imported: &Imported<Report>) -> Result<()> {
    if common.json {
        return output::print_json(imported);
    }
    let done = if imported.written {
        "written"
    } else {
        "checked, nothing written"
    };
    println!("{}", imported.report.cleaning);
    tell_expired(imported.report.expired_events);
    println!(
        "{}: {done} in {:.2} s ({:.0} lines/s)",
        imported.file, imported.seconds, imported.rows_per_second
    );
    Ok(())
}
