//! Rows of `marketplaces`.

use sea_orm::entity::prelude::*;
use tandem_domain::catalog::Marketplace;
use tandem_domain::id::MarketplaceId;
use tandem_domain::money::Currency;

use super::stored;
use crate::error::{Result, StoreError};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "marketplaces")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub marketplace_id: String,
    pub currency_code: String,
    pub currency_exponent: i16,
    pub time_zone: String,
    pub store_epoch: i64,
    pub serving_generation: Option<i64>,
    pub serving_fence: Option<i64>,
    pub created_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Marketplace {
    type Error = StoreError;
    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: stored("marketplace", MarketplaceId::new(row.marketplace_id))?,
            currency: Currency {
                code: row.currency_code,
                exponent: stored("currency", u8::try_from(row.currency_exponent))?,
            },
            time_zone: row.time_zone,
        })
    }
}
