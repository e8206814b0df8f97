//! Stock reports and levels.
//!
//! Whoever reports stock holds the level's row, or the SKU's id where there is none yet, and reads the SKU after that.
//! Whoever writes a SKU holds its id and the rows of all its levels. So a level that is reported while its SKU is
//! created, or while its policy changes, is seen by one of the two.

mod inbox;
mod ledger;
mod level;
mod policy;
mod report;
mod source;
mod thresholds;

use std::collections::HashMap;

use tandem_domain::clock::Timestamp;
use tandem_domain::id::SkuId;
use tandem_domain::principal::Principal;
use tandem_domain::stock::{ShopThresholds, StockLevel, StockOutcome, StockReport, Thresholds};

use crate::Store;
use crate::context::WriteContext;
use crate::error::{Result, StoreError};
pub(crate) use inbox::{InboxRow, put_back};
pub use inbox::{Received, Refused};
pub(crate) use level::{Known, Level};
pub(crate) use policy::follow_policies;
pub(crate) use thresholds::all as all_thresholds;

impl Store {
    /// Applies reports in one transaction, in order; returns an outcome for each.
    ///
    /// # Errors
    /// `ForeignShop`, `VersionConflict`, `OutOfRange`, `NoShop`, `RequestIdReused`, or when the database fails; nothing
    /// is written then.
    pub async fn report_stock(
        &self,
        ctx: &WriteContext,
        reports: &[StockReport],
    ) -> Result<Vec<StockOutcome>> {
        self.answer(ctx, "report stock", |tx| async move {
            report::apply(&tx, ctx, reports).await
        })
        .await
    }

    /// Applies up to `max` rows of the inbox, the oldest first, as [`report_stock`](Self::report_stock) applies reports,
    /// and deletes them in the same transaction: whoever dies in between has done nothing. A row that is refused, or
    /// says nothing that could be applied, becomes a dead letter of the time `now`; the others flow.
    ///
    /// Any number of workers share the work: on PostgreSQL each locks the rows that it takes, on SQLite they come one
    /// after the other.
    ///
    /// # Errors
    /// When the database fails; the rows stay then.
    pub async fn take_stock_inbox(&self, max: u32, now: Timestamp) -> Result<Received> {
        let waits = self
            .read("look into the inbox", |db| async move { inbox::waits(&db).await })
            .await?;
        if !waits {
            return Ok(Received::default());
        }
        self.transaction("take stock from the inbox", |tx| async move {
            inbox::take(&tx, max, now).await
        })
        .await
    }

    /// When stock of the caller's shop runs low; zeros at version 0 when it never said.
    ///
    /// # Errors
    /// `NoShop`, or when the database fails.
    pub async fn thresholds(&self, principal: &Principal) -> Result<ShopThresholds> {
        let shop = principal.shop.as_ref().ok_or(StoreError::NoShop)?;
        self.read("read thresholds", |db| async move {
            thresholds::of_shop(&db, &principal.marketplace, shop).await
        })
        .await
    }

    /// Replaces the thresholds of the caller's shop, under an etag if one is given; its products are judged by them
    /// from then on, and those that it has are sent to be judged again.
    ///
    /// # Errors
    /// `EtagMismatch`, `NoShop`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn update_thresholds(
        &self,
        ctx: &WriteContext,
        thresholds: Thresholds,
        etag: Option<u64>,
    ) -> Result<ShopThresholds> {
        self.answer(ctx, "write thresholds", |tx| async move {
            thresholds::update(&tx, ctx, thresholds, etag).await
        })
        .await
    }

    /// Levels of SKUs in all their pools: by SKU in the order given, then by pool. SKUs without reports are absent, and
    /// so are those of other shops than the caller's. A caller without a shop reads the levels of SKUs that exist,
    /// whatever their shop.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stock(&self, principal: &Principal, skus: &[SkuId]) -> Result<Vec<StockLevel>> {
        self.read("read stock", |db| async move {
            let rows = match &principal.shop {
                Some(shop) => {
                    let known = level::known(&db, &principal.marketplace, skus).await?;
                    let own = |sku: &&SkuId| known.get(sku.as_str()).is_none_or(|known| known.is_of(shop));
                    level::of_shop(&db, &principal.marketplace, shop, skus.iter().filter(own)).await?
                }
                None => level::of_owners(&db, &principal.marketplace, skus).await?,
            };
            let mut levels = HashMap::<_, Vec<_>>::new();
            for row in rows {
                levels.entry(row.sku_id.clone()).or_default().push(row.level()?);
            }
            Ok(skus
                .iter()
                .filter_map(|sku| levels.remove(sku.as_str()))
                .flatten()
                .collect())
        })
        .await
    }
}
