//! Who changed what, when and why.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{MarketplaceId, ShopId};

use crate::Store;
use crate::context::WriteContext;
use crate::entity;
use crate::error::Result;
use crate::write::Tx;

/// One entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub time: Timestamp,
    /// Who: the caller's name.
    pub subject: String,
    /// For which shop.
    pub shop: Option<ShopId>,
    /// What was done, such as `delist_products`.
    pub action: String,
    /// To what: a JSON array of ids.
    pub target: String,
    /// Why, in the caller's words; empty when not said.
    pub reason: String,
}

impl Store {
    /// The newest entries, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, marketplace: &MarketplaceId, limit: u32) -> Result<Vec<AuditEntry>> {
        self.read("read the audit trail", |db| async move {
            let rows = entity::audit::Entity::find()
                .filter(entity::audit::Column::MarketplaceId.eq(marketplace.as_str()))
                .order_by_desc(entity::audit::Column::AuditId)
                .limit(u64::from(limit))
                .all(&db)
                .await?;
            rows.into_iter().map(AuditEntry::try_from).collect()
        })
        .await
    }
}

/// What is written into the trail.
pub(crate) struct Deed<'a> {
    pub(crate) action: &'static str,
    pub(crate) targets: Vec<&'a str>,
    pub(crate) reason: &'a str,
}

/// Writes an entry, in the transaction of what it tells of.
pub(crate) async fn write(tx: &Tx, ctx: &WriteContext, deed: Deed<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO audit (marketplace_id, time_ms, subject, shop_id, action, target, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            ctx.principal.marketplace.as_str().into(),
            ctx.now.as_ms().into(),
            ctx.principal.subject.as_str().into(),
            ctx.principal.shop.as_ref().map(|shop| shop.as_str()).into(),
            deed.action.into(),
            entity::to_json(&deed.targets).into(),
            deed.reason.into(),
        ],
    )
    .await?;
    Ok(())
}
