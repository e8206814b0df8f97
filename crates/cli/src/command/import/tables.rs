//! The generic files: products, events, stock.

use std::cell::Cell;
use std::time::Instant;

use anyhow::Result;
use tandem_domain::catalog::{ProductInput, SkuInput, StockPolicy};
use tandem_domain::event::Event;
use tandem_domain::id::SkuId;
use tandem_domain::stock::StockReport;
use tandem_store::ProductUpsert;

use super::TableOptions;
use super::file::{Counts, Effects, File, Imported, tell_expired};
use crate::args::Common;
use crate::database::{Database, default_marketplace};
use crate::import::generic::Row;
use crate::output;

/// The most products, SKUs or reports that one transaction takes.
const CHUNK: usize = 500;

/// Checks the file, then writes it unless this is a dry run. When bad rows are to be left out, one reading does both.
/// What an earlier import wrote before it broke off is not written again; `detail` tells imports apart that write otherwise.
async fn import<T: Row + Send + 'static>(
    common: &Common,
    options: &TableOptions,
    detail: &str,
    write: impl AsyncFn(&Database, Vec<T>) -> Result<Effects>,
) -> Result<()> {
    let started = Instant::now();
    let mut file = File::of::<T>(options)?;
    let place = &options.import.database;
    if options.import.dry_run {
        let currency = default_marketplace(place.marketplace.clone()).currency;
        let counts = file.check::<T>(&currency)?;
        return print(
            common,
            &Imported::since(started, &file.path, false, counts.rows, counts),
        );
    }
    // A database that is not there yet is made for a file that can be taken only; what it will reckon in is known.
    let is_new = place.is_new();
    if is_new {
        file.vet::<T>(&default_marketplace(place.marketplace.clone()).currency)?;
    }
    let database = place.open().await?;
    if !is_new {
        file.vet::<T>(&database.marketplace.currency)?;
    }
    let (store, marketplace) = (&database.store, &database.marketplace.id);
    let identity = file.identity::<T>(&database.shop, detail)?;
    if !options.restart {
        file.written = store.imported_rows(marketplace, &identity).await?;
    }
    if file.written > 0 {
        eprintln!(
            "{}: {} rows were written before; --restart begins anew",
            file.path.display(),
            file.written
        );
    }
    let effects = Cell::new(Effects::default());
    let (put, database, effects, identity) = (&write, &database, &effects, &identity);
    let write = |batch, rows| async move {
        effects.set(effects.get() + put(database, batch).await?);
        let now = database.write().now;
        store.note_imported_rows(marketplace, identity, rows, now).await?;
        Ok(())
    };
    let counts = file
        .write::<T, _>(database.marketplace.currency.clone(), write)
        .await?;
    database.fold().await?;
    store.forget_import(marketplace, identity).await?;
    let counts = Counts {
        effects: effects.get(),
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
        let Effects {
            applied, unchanged, ..
        } = counts.effects;
        println!("{applied} took effect, {unchanged} were known already");
    }
    tell_expired(counts.effects.expired);
    if counts.resumed_rows > 0 {
        println!("{} rows had been written before", counts.resumed_rows);
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

pub(super) async fn events(common: &Common, options: &TableOptions) -> Result<()> {
    import::<Event>(common, options, "", async |database, batch| {
        let now = database.write().now;
        let counts = database
            .store
            .import_events(&database.marketplace.id, &batch, now)
            .await?;
        Ok(counts.into())
    })
    .await
}

pub(super) async fn stock(common: &Common, options: &TableOptions) -> Result<()> {
    import::<StockReport>(common, options, "", async |database, batch| {
        let applied = write_stock(database, &batch).await?;
        Ok(Effects {
            applied,
            unchanged: batch.len() as u64 - applied,
            ..Effects::default()
        })
    })
    .await
}

pub(super) async fn products(common: &Common, options: &TableOptions, default_skus: bool) -> Result<()> {
    let detail = if default_skus { "default SKUs" } else { "" };
    import::<ProductInput>(common, options, detail, async |database, batch| {
        let applied = batch.len() as u64;
        write_products(database, &batch).await?;
        if default_skus {
            let skus: Vec<SkuInput> = batch.iter().map(default_sku).collect();
            write_skus(database, &skus).await?;
        }
        Ok(Effects {
            applied,
            ..Effects::default()
        })
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

#[cfg(test)]
mod tests;
