//! Rows of `skus`.

use sea_orm::entity::prelude::*;
use tandem_domain::catalog::{Provenance, Sku, SkuInput, StockPolicy};
use tandem_domain::id::{MarketplaceId, ProductId, SkuId};

use super::{from_json, from_name, money, provenance, stored, to_json, to_name, unsigned};
use crate::error::{Result, StoreError};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "skus")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub marketplace_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sku_id: String,
    pub product_id: String,
    pub price: Option<i64>,
    pub policy: String,
    pub attributes: String,
    pub generated: bool,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The first row of a SKU.
    pub(crate) fn new(marketplace: &MarketplaceId, input: &SkuInput) -> Self {
        Self {
            marketplace_id: marketplace.as_str().to_owned(),
            sku_id: input.id.as_str().to_owned(),
            product_id: input.product.as_str().to_owned(),
            price: input.price.map(|price| price.minor()),
            policy: to_name(&input.policy),
            attributes: to_json(&input.attributes),
            generated: input.provenance == Provenance::Generated,
            version: 1,
        }
    }

    /// This row in the place of `old`: the next version, or `old` itself when it says the same.
    pub(crate) fn replacing(self, old: &Self) -> Self {
        let as_old = Self {
            version: old.version,
            ..self
        };
        if as_old == *old {
            as_old
        } else {
            Self {
                version: old.version + 1,
                ..as_old
            }
        }
    }

    pub(crate) fn id(&self) -> Result<SkuId> {
        stored("SKU", SkuId::new(&self.sku_id))
    }

    pub(crate) fn policy(&self) -> Result<StockPolicy> {
        from_name("stock policy", &self.policy)
    }
}

impl TryFrom<&Model> for Sku {
    type Error = StoreError;
    fn try_from(row: &Model) -> Result<Self> {
        Ok(Self {
            input: SkuInput {
                id: row.id()?,
                product: stored("product", ProductId::new(&row.product_id))?,
                price: money(row.price),
                policy: row.policy()?,
                attributes: from_json("attributes", &row.attributes)?,
                provenance: provenance(row.generated),
            },
            version: unsigned("version", row.version)?,
        })
    }
}
