//! Rows of `audit`.

use sea_orm::entity::prelude::*;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::ShopId;

use super::stored;
use crate::audit::AuditEntry;
use crate::error::{Result, StoreError};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub audit_id: i64,
    pub marketplace_id: String,
    pub time_ms: i64,
    pub subject: String,
    pub shop_id: Option<String>,
    pub action: String,
    pub target: String,
    pub reason: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for AuditEntry {
    type Error = StoreError;
    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            time: Timestamp::from_ms(row.time_ms),
            subject: row.subject,
            shop: stored("shop", row.shop_id.map(ShopId::new).transpose())?,
            action: row.action,
            target: row.target,
            reason: row.reason,
        })
    }
}
