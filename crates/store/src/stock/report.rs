//! Applying stock reports.

use std::collections::{BTreeMap, BTreeSet};

use tandem_domain::id::{ShopId, SkuId};
use tandem_domain::stock::{StockOutcome, StockReport};

use super::ledger::Ledger;
use super::level::{self, Known, Level};
use super::source;
use crate::context::WriteContext;
use crate::error::{Missing, Result, StoreError};
use crate::outbox;
use crate::write::Tx;

/// Reads what a batch touches, applies it in memory, writes what changed: a fixed number of statements for any size. A
/// report that is refused is refused before the first write, so that the transaction may go on without it.
pub(super) async fn apply(tx: &Tx, ctx: &WriteContext, reports: &[StockReport]) -> Result<Vec<StockOutcome>> {
    let shop = ctx.shop()?;
    let marketplace = &ctx.principal.marketplace;
    let skus: BTreeSet<_> = reports.iter().map(|report| report.sku.as_str()).collect();
    let place = |report: &StockReport| (report.sku.to_string(), report.pool.to_string());
    let places: BTreeSet<_> = reports.iter().map(place).collect();
    let suffices = |levels: &[Level]| places.is_subset(&levels.iter().map(Level::key).collect());
    let levels = level::lock(tx, marketplace, shop, &skus, suffices).await?;
    // Only now: who creates these SKUs or changes them waits for the lock, or has committed.
    let known = level::known(tx.conn(), marketplace, reports.iter().map(|report| &report.sku)).await?;
    refuse_foreign(&known, shop, reports)?;
    let sources = source::fetch(tx, marketplace, shop, reports).await?;
    let mut ledger = Ledger::new(levels, sources);
    let mut outcomes = Vec::with_capacity(reports.len());
    for report in reports {
        let (level, applied) = ledger.apply(report, ctx.now)?;
        outcomes.push(StockOutcome {
            level,
            applied,
            known_sku: known.contains_key(report.sku.as_str()),
        });
    }
    write(tx, ctx, shop, &ledger, &known).await?;
    Ok(outcomes)
}

/// SKUs of another shop. Of those that nobody has yet the report is kept.
fn refuse_foreign(known: &BTreeMap<String, Known>, shop: &ShopId, reports: &[StockReport]) -> Result<()> {
    let is_foreign = |sku: &SkuId| known.get(sku.as_str()).is_some_and(|known| !known.is_of(shop));
    match reports
        .iter()
        .map(|report| &report.sku)
        .find(|sku| is_foreign(sku))
    {
        Some(sku) => Err(StoreError::ForeignShop(Missing::Sku(sku.clone()))),
        None => Ok(()),
    }
}

async fn write(
    tx: &Tx,
    ctx: &WriteContext,
    shop: &ShopId,
    ledger: &Ledger,
    known: &BTreeMap<String, Known>,
) -> Result<()> {
    let marketplace = &ctx.principal.marketplace;
    let levels = ledger.changed_levels();
    level::save(tx, marketplace, shop, &levels).await?;
    source::save_sets(tx, marketplace, shop, &ledger.changed_sets()).await?;
    source::save_deltas(tx, marketplace, shop, ledger.new_deltas(), ctx.now.as_ms()).await?;
    let changes = levels
        .into_iter()
        .filter_map(|level| known.get(&level.sku_id).map(|sku| level.change(sku)))
        .collect::<Result<Vec<_>>>()?;
    outbox::push(tx, marketplace, &ctx.traceparent, &changes).await
}
