//! Rows of `surfaces`.

use sea_orm::entity::prelude::*;
use tandem_domain::id::MarketplaceId;
use tandem_domain::surface::Surface;

use super::{from_json, signed, to_json};
use crate::error::{Result, StoreError};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "surfaces")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub marketplace_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub surface_id: String,
    pub version: i64,
    pub settings: String,
    pub deleted: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn new(marketplace: &MarketplaceId, surface: &Surface) -> Result<Self> {
        Ok(Self {
            marketplace_id: marketplace.as_str().to_owned(),
            surface_id: surface.id.as_str().to_owned(),
            version: signed("version", surface.version)?,
            settings: to_json(surface),
            deleted: surface.deleted,
        })
    }
}

impl TryFrom<&Model> for Surface {
    type Error = StoreError;
    fn try_from(row: &Model) -> Result<Self> {
        from_json("surface", &row.settings)
    }
}
