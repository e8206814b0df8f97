//! The generic files: products, events, stock.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use serde::Serialize;
use tandem_domain::catalog::{ProductInput, SkuInput, StockPolicy};
use tandem_domain::event::Event;
use tandem_domain::id::SkuId;
use tandem_domain::money::Currency;
use tandem_domain::stock::StockReport;
use tandem_store::ProductUpsert;

use super::{ImportOptions, sink};
use crate::args::Common;
use crate::database::{Database, default_marketplace};
use crate::import::fault::RowErrors;
use crate::import::format::Format;
use crate::import::generic::{self, Faults, Row, Summary};
use crate::import::source;
use crate::{output, progress};

/// The most products, SKUs or reports that one transaction takes.
const CHUNK: usize = 500;

/// What an import did.
#[derive(Debug, Serialize)]
pub struct Imported<R> {
    /// The file.
    pub file: String,
    /// Whether anything was written.
    pub written: bool,
    /// Seconds from the first byte to the last commit.
    pub seconds: f64,
    /// Rows per second.
    pub rows_per_second: f64,
    /// What the file held.
    pub report: R,
}

impl<R> Imported<R> {
    /// What was done since `started` with a file of `rows` rows.
    pub fn since(started: Instant, file: &Path, written: bool, rows: u64, report: R) -> Self {
        let seconds = started.elapsed().as_secs_f64();
        let rows_per_second = if seconds > 0.0 { rows as f64 / seconds } else { 0.0 };
        Self {
            file: file.display().to_string(),
            written,
            seconds,
            rows_per_second,
            report,
        }
    }
}

/// A file that was checked.
pub struct File {
    format: Format,
    faults: Faults,
    path: std::path::PathBuf,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    rows: u64,
    rounded_prices: u64,
    bad_rows: u64,
    applied: u64,
    unchanged: u64,
}

/// Why a file is not taken.
pub(super) fn refusal(path: &Path, errors: &RowErrors) -> anyhow::Error {
    anyhow!("{}: nothing was written:\n{errors}", path.display())
}

/// Says which rows were left out, if any were.
pub(super) fn tell_left_out(path: &Path, errors: &RowErrors) {
    if !errors.is_empty() {
        eprintln!(
            "{}: {} rows are left out:\n{errors}",
            path.display(),
            errors.total()
        );
    }
}

impl Counts {
    fn of(summary: Summary, errors: &RowErrors) -> Self {
        Self {
            rows: summary.rows,
            rounded_prices: summary.rounded_prices,
            bad_rows: errors.total(),
            ..Self::default()
        }
    }
}

impl File {
    fn of(options: &ImportOptions) -> Result<Self> {
        let path = options.file.clone();
        let format = options.format.or_else(|| Format::of(&path)).ok_or_else(|| {
            anyhow!(
                "{} ends neither in .csv nor in .jsonl (.gz may follow): say --format csv or jsonl",
                path.display()
            )
        })?;
        Ok(Self {
            format,
            faults: options.faults(),
            path,
        })
    }

    /// Sees that the file can be taken: it is there, and without faults unless those are left out.
    fn vet<T: Row + 'static>(&self, currency: &Currency) -> Result<()> {
        match self.faults {
            Faults::Stop => self.check::<T>(currency).map(drop),
            Faults::Skip => source::open(&self.path)
                .map(drop)
                .with_context(|| self.path.display().to_string()),
        }
    }

    /// Reads the whole file, to its first faults or past all of them, and writes nothing.
    fn check<T: Row + 'static>(&self, currency: &Currency) -> Result<Counts> {
        let source = source::open(&self.path).with_context(|| self.path.display().to_string())?;
        let bar = progress::bytes(source.total_bytes, "checking", source.progress.clone());
        let checked = self.walk::<T>(source.reader, currency);
        bar.finish();
        let (summary, errors) = checked.map_err(|errors| refusal(&self.path, &errors))?;
        tell_left_out(&self.path, &errors);
        Ok(Counts::of(summary, &errors))
    }

    fn walk<T: Row>(&self, input: impl Read, currency: &Currency) -> Result<(Summary, RowErrors), RowErrors> {
        match self.faults {
            Faults::Stop => {
                let summary = generic::validate::<T>(input, self.format, currency)?;
                Ok((summary, RowErrors::default()))
            }
            Faults::Skip => {
                let mut batches = generic::batches::<T, _>(input, self.format, currency, Faults::Skip)?;
                batches.by_ref().for_each(drop);
                Ok(batches.finish())
            }
        }
    }

    /// Hands the good rows to `write` in batches.
    async fn write<T, F>(&self, currency: Currency, write: impl FnMut(Vec<T>) -> F) -> Result<Counts>
    where
        T: Row + Send + 'static,
        F: Future<Output = Result<()>>,
    {
        let source = source::open(&self.path).with_context(|| self.path.display().to_string())?;
        let bar = progress::bytes(source.total_bytes, "writing", source.progress.clone());
        let (format, faults) = (self.format, self.faults);
        let path = self.path.clone();
        let parse = move |hand_on: &mut dyn FnMut(Vec<T>) -> bool| {
            let mut batches = generic::batches::<T, _>(source.reader, format, &currency, faults)
                .map_err(|errors| refusal(&path, &errors))?;
            for batch in batches.by_ref() {
                if !hand_on(batch?) {
                    break;
                }
            }
            Ok(batches.finish())
        };
        let (summary, errors) = sink::pipe(parse, write).await?;
        bar.finish();
        tell_left_out(&self.path, &errors);
        Ok(Counts::of(summary, &errors))
    }
}

/// Checks the file, then writes it unless this is a dry run. When bad rows are to be left out, one reading does both.
async fn import<T: Row + Send + 'static>(
    common: &Common,
    options: &ImportOptions,
    write: impl AsyncFn(&Database, Vec<T>) -> Result<(u64, u64)>,
) -> Result<()> {
    let started = Instant::now();
    let file = File::of(options)?;
    if options.dry_run {
        let currency = default_marketplace(options.database.marketplace.clone()).currency;
        let counts = file.check::<T>(&currency)?;
        return print(
            common,
            &Imported::since(started, &file.path, false, counts.rows, counts),
        );
    }
    // A database that is not there yet is made for a file that can be taken only; what it will reckon in is known.
    let is_new = options.database.is_new();
    if is_new {
        file.vet::<T>(&default_marketplace(options.database.marketplace.clone()).currency)?;
    }
    let database = options.database.open().await?;
    if !is_new {
        file.vet::<T>(&database.marketplace.currency)?;
    }
    let (applied, unchanged) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let write = |batch| async {
        let (new, old) = write(&database, batch).await?;
        applied.set(applied.get() + new);
        unchanged.set(unchanged.get() + old);
        Ok(())
    };
    let counts = file
        .write::<T, _>(database.marketplace.currency.clone(), write)
        .await?;
    database.fold().await?;
    let counts = Counts {
        applied: applied.get(),
        unchanged: unchanged.get(),
        ..counts
    };
    print(
        common,
        &Imported::since(started, &file.path, true, counts.rows, counts),
    )
}

fn print(common: &Common, imported: &Imported<Counts>) -> Result<()> {
    if common.json {
        return output::print_json(imported);
    }
    let counts = &imported.report;
    let done = if imported.written {
        "written"
    } else {
        "checked, nothing written"
    };
    println!(
        "{}: {} rows {done} in {:.2} s ({:.0} rows/s)",
        imported.file, counts.rows, imported.seconds, imported.rows_per_second
    );
    if imported.written {
        println!(
            "{} took effect, {} were known already",
            counts.applied, counts.unchanged
        );
    }
    if counts.rounded_prices > 0 {
        println!(
            "{} prices were rounded to the currency's minor unit",
            counts.rounded_prices
        );
    }
    if counts.bad_rows > 0 {
        println!("{} bad rows were left out", counts.bad_rows);
    }
    Ok(())
}

pub(super) async fn events(common: &Common, options: &ImportOptions) -> Result<()> {
    import::<Event>(common, options, async |database, batch| {
        let now = database.write().now;
        let counts = database
            .store
            .import_events(&database.marketplace.id, &batch, now)
            .await?;
        Ok((counts.stored, counts.duplicates))
    })
    .await
}

pub(super) async fn stock(common: &Common, options: &ImportOptions) -> Result<()> {
    import::<StockReport>(common, options, async |database, batch| {
        let applied = write_stock(database, &batch).await?;
        Ok((applied, batch.len() as u64 - applied))
    })
    .await
}

pub(super) async fn products(common: &Common, options: &ImportOptions, default_skus: bool) -> Result<()> {
    import::<ProductInput>(common, options, async |database, batch| {
        let rows = batch.len() as u64;
        write_products(database, &batch).await?;
        if default_skus {
            let skus: Vec<SkuInput> = batch.iter().map(default_sku).collect();
            write_skus(database, &skus).await?;
        }
        Ok((rows, 0))
    })
    .await
}

/// Upserts products, some hundred per transaction.
pub(super) async fn write_products(database: &Database, products: &[ProductInput]) -> Result<()> {
    for chunk in products.chunks(CHUNK) {
        let upsert = |input: &ProductInput| ProductUpsert {
            input: input.clone(),
            listing: None,
            etag: None,
        };
        let upserts: Vec<ProductUpsert> = chunk.iter().map(upsert).collect();
        database
            .store
            .upsert_products(&database.write(), &upserts)
            .await?;
    }
    Ok(())
}

/// Upserts SKUs, some hundred per transaction.
pub(super) async fn write_skus(database: &Database, skus: &[SkuInput]) -> Result<()> {
    for chunk in skus.chunks(CHUNK) {
        database.store.upsert_skus(&database.write(), chunk).await?;
    }
    Ok(())
}

/// Reports stock, some hundred per transaction; how many reports took effect.
pub(super) async fn write_stock(database: &Database, reports: &[StockReport]) -> Result<u64> {
    let mut applied = 0;
    for chunk in reports.chunks(CHUNK) {
        let outcomes = database.store.report_stock(&database.write(), chunk).await?;
        applied += outcomes.iter().filter(|outcome| outcome.applied).count() as u64;
    }
    Ok(applied)
}

fn default_sku(product: &ProductInput) -> SkuInput {
    SkuInput {
        id: SkuId::new(product.id.as_str()).expect("every product id is an id"),
        product: product.id.clone(),
        price: None,
        policy: StockPolicy::default(),
        attributes: std::collections::BTreeMap::new(),
        provenance: product.provenance,
    }
}
