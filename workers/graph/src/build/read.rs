//! From SQL to facts.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use tandem_domain::catalog::{Listing, Provenance};
use tandem_domain::clock::Timestamp;
use tandem_domain::event::EventKind;
use tandem_domain::id::MarketplaceId;
use tandem_domain::money::Money;
use tandem_domain::pace::CLEARANCE;
use tandem_graph::{EventRow, Facts, FactsBuilder, ProductFacts};
use tandem_store::{EventColumns, ProductRow, StoreError};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::base::Base;
use crate::deps::Deps;
use crate::error::WorkError;
use crate::progress::{Phase, Watcher};

/// What is handed to the thread that sorts in.
enum Lot {
    Rows(Box<EventColumns>),
    /// What follows came later.
    Later,
}

/// How far a shop's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
/// Chunks of rows between the reader and the thread that sorts them in.
const CHUNKS_AHEAD: usize = 8;

/// Reads the catalogue and every event up to `watermark`; over a base, the events since its own watermark as later ones,
/// and which rows count erased events.
///
/// Everything is read again for an increment. Hot products stand in most baskets, so that what a few new baskets touch
/// lies in most rows; to fetch it by an index would cost more than to stream all, and to keep it in the process would
/// hold the largest memory of the house for a moment's work every few minutes.
pub(crate) async fn read(
    deps: &Deps,
    marketplace: &MarketplaceId,
    watermark: u64,
    base: Option<&Base>,
    watcher: &Watcher,
) -> Result<Arc<Facts>, WorkError> {
    watcher.at(Phase::Read, 0, None);
    let products = deps.store.scan_products(marketplace).await?;
    let products: Vec<ProductFacts> = products.into_iter().map(product_facts).collect();
    let mut builder = FactsBuilder::new(products).day_zero_at_most(deps.clock.now().plus(AHEAD));
    if let Some(base) = base {
        builder = builder.under(&base.record);
        let outdated = deps.store.erased_products(marketplace, base.serving.no).await?;
        builder.outdated(&outdated);
    }
    let (lots, inbox) = mpsc::channel(CHUNKS_AHEAD);
    let sorting = spawn_blocking({
        let watcher = watcher.clone();
        move || sort_in(builder, inbox, &watcher)
    });
    let store = &deps.store;
    match base.map(|base| base.serving.watermark) {
        None => send(store.scan_events(marketplace, watermark), &lots).await?,
        Some(earlier) => {
            send(store.scan_events(marketplace, earlier), &lots).await?;
            let _ = lots.send(Lot::Later).await;
            let later = store.scan_events_between(marketplace, earlier, watermark);
            send(later, &lots).await?;
        }
    }
    drop(lots);
    sorting.await.map(Arc::new).map_err(|_| WorkError::Panicked)
}

async fn send(
    mut rows: BoxStream<'static, Result<EventColumns, StoreError>>,
    lots: &mpsc::Sender<Lot>,
) -> Result<(), WorkError> {
    while let Some(columns) = rows.try_next().await? {
        // The other end is only gone when it panicked, which its handle tells.
        if lots.send(Lot::Rows(Box::new(columns))).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn sort_in(mut builder: FactsBuilder, mut inbox: mpsc::Receiver<Lot>, watcher: &Watcher) -> Facts {
    let mut rows = 0;
    while let Some(lot) = inbox.blocking_recv() {
        match lot {
            Lot::Later => builder.later(),
            Lot::Rows(columns) => {
                push(&mut builder, &columns);
                rows += columns.kinds.len() as u64;
                watcher.at(Phase::Read, rows, None);
            }
        }
    }
    watcher.at(Phase::Read, rows, Some(rows));
    watcher.at(Phase::Count, 0, Some(1));
    builder.finish()
}

fn push(builder: &mut FactsBuilder, columns: &EventColumns) {
    let mut batch = builder.batch();
    for row in 0..columns.kinds.len() {
        let Some(kind) = EventKind::from_code(columns.kinds[row]) else {
            continue;
        };
        batch.push(EventRow {
            kind,
            product: &columns.products[row],
            user: columns.users[row].as_deref(),
            group: columns.groups[row].as_deref(),
            scene: columns.scenes[row].as_deref(),
            quantity: columns.quantities[row],
            unit_price: columns.unit_prices[row].map(Money::from_minor),
            time: Timestamp::from_ms(columns.times_ms[row]),
            generated: columns.generated[row],
            attributed: columns.attributed[row],
            dwell_ms: columns.dwells_ms[row],
        });
    }
    builder.take(&batch.number());
}

fn product_facts(row: ProductRow) -> ProductFacts {
    let mut product = row.product;
    // It says how a product is to be sold, not what it is like.
    product.tags.remove(CLEARANCE);
    ProductFacts {
        id: product.id,
        shop: row.shop,
        title: Some(product.title),
        category: product.category,
        category_path: row.category_path,
        brand: product.brand,
        series: product.series,
        price: product.price,
        quality: product.quality,
        tags: product.tags,
        generated: product.provenance == Provenance::Generated,
        listed: row.listing == Listing::Listed,
    }
}
