//! What sources said before: rows of `stock_sources` and `stock_deltas`.

use std::collections::BTreeSet;

use sea_orm::FromQueryResult;
use serde::Serialize;
use tandem_domain::id::{MarketplaceId, ShopId};
use tandem_domain::stock::{Reported, StockReport};

use crate::error::Result;
use crate::sql::{self, Batch, Type};
use crate::write::Tx;

/// The last set report of a source.
#[derive(Debug, Clone, FromQueryResult, Serialize)]
pub(super) struct Set {
    pub(super) sku_id: String,
    pub(super) pool: String,
    pub(super) source: String,
    pub(super) source_version: i64,
    pub(super) quantity: i64,
}

impl Set {
    pub(super) fn key(&self) -> (String, String, String) {
        (self.sku_id.clone(), self.pool.clone(), self.source.clone())
    }
}

/// The key of a delta.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, FromQueryResult, Serialize)]
pub(super) struct Delta {
    pub(super) sku_id: String,
    pub(super) pool: String,
    pub(super) source: String,
    pub(super) idempotency_key: String,
}

/// What is known of the sources of a batch.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) sets: Vec<Set>,
    pub(super) deltas: Vec<Delta>,
}

const SETS: Batch = Batch::of(&[
    ("sku_id", Type::Text),
    ("pool", Type::Text),
    ("source", Type::Text),
    ("source_version", Type::Integer),
    ("quantity", Type::Integer),
]);

const DELTAS: Batch = Batch::of(&[
    ("sku_id", Type::Text),
    ("pool", Type::Text),
    ("source", Type::Text),
    ("idempotency_key", Type::Text),
]);

pub(super) async fn fetch(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    reports: &[StockReport],
) -> Result<Sources> {
    let (mut sets, mut deltas) = (BTreeSet::new(), BTreeSet::new());
    for report in reports {
        let (sku_id, pool, source) = (
            report.sku.as_str().to_owned(),
            report.pool.to_string(),
            report.source.clone(),
        );
        match &report.quantity {
            Reported::Set { .. } => {
                sets.insert(Voice { sku_id, pool, source });
            }
            Reported::Delta { idempotency_key, .. } => {
                deltas.insert(Delta {
                    sku_id,
                    pool,
                    source,
                    idempotency_key: idempotency_key.clone(),
                });
            }
        }
    }
    Ok(Sources {
        sets: fetch_sets(tx, marketplace, shop, sets).await?,
        deltas: fetch_deltas(tx, marketplace, shop, deltas).await?,
    })
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Voice {
    sku_id: String,
    pool: String,
    source: String,
}

const VOICES: Batch = Batch::of(&[
    ("sku_id", Type::Text),
    ("pool", Type::Text),
    ("source", Type::Text),
]);

async fn fetch_sets(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    voices: BTreeSet<Voice>,
) -> Result<Vec<Set>> {
    if voices.is_empty() {
        return Ok(Vec::new());
    }
    let query = format!(
        "SELECT s.sku_id, s.pool, s.source, s.source_version, s.quantity FROM {} {}",
        VOICES.table(tx.backend(), "$3"),
        sql::lookup(
            tx.backend(),
            "stock_sources s",
            "s.marketplace_id = $1 AND s.shop_id = $2 AND s.sku_id = batch.sku_id AND s.pool = batch.pool
             AND s.source = batch.source"
        )
    );
    tx.all(
        query,
        [
            marketplace.as_str().into(),
            shop.as_str().into(),
            sql::rows(&Vec::from_iter(voices)),
        ],
    )
    .await
}

async fn fetch_deltas(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    deltas: BTreeSet<Delta>,
) -> Result<Vec<Delta>> {
    if deltas.is_empty() {
        return Ok(Vec::new());
    }
    let query = format!(
        "SELECT d.sku_id, d.pool, d.source, d.idempotency_key FROM {} {}",
        DELTAS.table(tx.backend(), "$3"),
        sql::lookup(
            tx.backend(),
            "stock_deltas d",
            "d.marketplace_id = $1 AND d.shop_id = $2 AND d.sku_id = batch.sku_id AND d.pool = batch.pool
             AND d.source = batch.source AND d.idempotency_key = batch.idempotency_key"
        )
    );
    tx.all(
        query,
        [
            marketplace.as_str().into(),
            shop.as_str().into(),
            sql::rows(&Vec::from_iter(deltas)),
        ],
    )
    .await
}

pub(super) async fn save_sets(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    sets: &[&Set],
) -> Result<()> {
    if sets.is_empty() {
        return Ok(());
    }
    let query = format!(
        "INSERT INTO stock_sources (marketplace_id, shop_id, sku_id, pool, source, source_version, quantity)
         SELECT $1, $2, sku_id, pool, source, source_version, quantity FROM {} WHERE true
         ON CONFLICT (marketplace_id, shop_id, sku_id, pool, source) DO UPDATE SET
         source_version = excluded.source_version, quantity = excluded.quantity",
        SETS.table(tx.backend(), "$3")
    );
    tx.execute(
        query,
        [marketplace.as_str().into(), shop.as_str().into(), sql::rows(sets)],
    )
    .await?;
    Ok(())
}

pub(super) async fn save_deltas(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    deltas: &BTreeSet<Delta>,
    applied_ms: i64,
) -> Result<()> {
    if deltas.is_empty() {
        return Ok(());
    }
    let query = format!(
        "INSERT INTO stock_deltas (marketplace_id, shop_id, sku_id, pool, source, idempotency_key, applied_ms)
         SELECT $1, $2, sku_id, pool, source, idempotency_key, $4 FROM {}",
        DELTAS.table(tx.backend(), "$3")
    );
    let rows = sql::rows(&Vec::from_iter(deltas));
    tx.execute(
        query,
        [
            marketplace.as_str().into(),
            shop.as_str().into(),
            rows,
            applied_ms.into(),
        ],
    )
    .await?;
    Ok(())
}
