//! Rows of `stock_inbox`: what they say, and what is kept of those that are refused.

use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use tandem_domain::id::{MarketplaceId, ShopId, SkuId};
use tandem_domain::stock::{Reported, StockReport};

use super::{Key, Refused};
use crate::dead_letter::{Document, Undeliverable};
use crate::entity::{stored, to_json, unsigned};
use crate::error::{Result, StoreError};
use crate::sql;
use crate::text::Text;
use crate::wake::Wake;
use crate::write::Tx;

/// A row as it was written.
#[derive(Debug, Clone, PartialEq, FromQueryResult, Serialize, Deserialize)]
pub(crate) struct InboxRow {
    #[serde(skip)]
    inbox_id: i64,
    marketplace_id: Text,
    shop_id: Text,
    sku_id: Text,
    pool: Text,
    source: Text,
    available: Option<i64>,
    source_version: Option<i64>,
    change: Option<i64>,
    idempotency_key: Option<Text>,
}

const COLUMNS: &str =
    "marketplace_id, shop_id, sku_id, pool, source, available, source_version, change, idempotency_key";

/// Locks the oldest rows that nobody else holds.
pub(super) async fn claim(tx: &Tx, max: u32) -> Result<Vec<InboxRow>> {
    let query = format!(
        "SELECT inbox_id, {COLUMNS} FROM stock_inbox ORDER BY inbox_id LIMIT $1 {}",
        sql::locking(tx.backend(), "FOR UPDATE SKIP LOCKED")
    );
    tx.all(query, [i64::from(max).into()]).await
}

/// Writes a row once more, behind all others.
///
/// # Errors
/// When it says nothing that could ever be applied, or the database fails.
pub(crate) async fn put_back(tx: &Tx, row: &InboxRow) -> Result<()> {
    row.read()?;
    // Whole, since they could be read.
    tx.execute(
        format!("INSERT INTO stock_inbox ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
        [
            row.marketplace_id.readable().into(),
            row.shop_id.readable().into(),
            row.sku_id.readable().into(),
            row.pool.readable().into(),
            row.source.readable().into(),
            row.available.into(),
            row.source_version.into(),
            row.change.into(),
            row.idempotency_key.as_ref().map(Text::readable).into(),
        ],
    )
    .await?;
    tx.wake(Wake::StockInbox);
    Ok(())
}

impl InboxRow {
    pub(super) const fn key(&self) -> Key {
        Key {
            inbox_id: self.inbox_id,
        }
    }

    /// Who reports, and what.
    pub(super) fn read(&self) -> Result<((MarketplaceId, ShopId), StockReport)> {
        let marketplace = MarketplaceId::new(self.marketplace_id.whole("marketplace")?);
        let shop = ShopId::new(self.shop_id.whole("shop")?);
        let report = StockReport {
            sku: stored("SKU", SkuId::new(self.sku_id.whole("SKU")?))?,
            pool: stored("pool", self.pool.whole("pool")?.parse())?,
            source: self.source.whole("source")?.to_owned(),
            quantity: self.quantity()?,
        };
        let of = (stored("marketplace", marketplace)?, stored("shop", shop)?);
        Ok((of, stored("report", report.checked())?))
    }

    fn quantity(&self) -> Result<Reported> {
        let set = (self.available, self.source_version);
        let delta = (self.change, self.idempotency_key.as_ref());
        match (set, delta) {
            ((Some(available), Some(version)), (None, None)) => Ok(Reported::Set {
                available,
                source_version: unsigned("source version", version)?,
            }),
            ((None, None), (Some(change), Some(key))) => Ok(Reported::Delta {
                change,
                idempotency_key: key.whole("idempotency key")?.to_owned(),
            }),
            _ => Err(StoreError::Corrupt {
                what: "report",
                why: "it must hold available and source_version, or change and idempotency_key".to_owned(),
            }),
        }
    }

    /// The marketplace that it names; it may be none.
    pub(super) fn marketplace(&self) -> &str {
        self.marketplace_id.readable()
    }

    /// What it is about, for operators.
    pub(crate) fn subject(&self) -> String {
        let (sku, pool) = (self.sku_id.readable(), self.pool.readable());
        format!("inbox: stock of {sku} in {pool}")
    }

    /// What the log says of it.
    pub(super) fn refused(&self, why: &StoreError) -> Refused {
        Refused {
            marketplace: self.marketplace().to_owned(),
            subject: self.subject(),
            reason: why.to_string(),
        }
    }

    /// The letter that keeps it. It is of no epoch: versions of its source and keys order it, not those of the store.
    pub(super) fn letter(&self, why: &StoreError) -> Undeliverable {
        Undeliverable {
            store_epoch: 0,
            traceparent: String::new(),
            change: to_json(&Document::StockInbox(self.clone())),
            attempts: 1,
            reason: why.to_string(),
        }
    }
}
