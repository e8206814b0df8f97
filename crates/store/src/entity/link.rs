//! Rows of `links`.

use sea_orm::entity::prelude::*;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{LinkId, MarketplaceId, ProductId, ShopId, SurfaceId};
use tandem_domain::link::{Link, LinkInput};

use super::{from_json, from_name, signed, stored, to_json, to_name, unsigned};
use crate::error::{Result, StoreError};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub marketplace_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub link_id: String,
    pub shop_id: String,
    pub anchor_id: String,
    pub companion_id: String,
    pub effect: String,
    pub relation: Option<String>,
    pub surface_id: Option<String>,
    pub valid_from_ms: Option<i64>,
    pub valid_until_ms: Option<i64>,
    pub reason: String,
    pub author: String,
    pub created_ms: i64,
    pub deleted_ms: Option<i64>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn new(marketplace: &MarketplaceId, link: &Link) -> Result<Self> {
        let input = &link.input;
        Ok(Self {
            marketplace_id: marketplace.as_str().to_owned(),
            link_id: link.id.as_str().to_owned(),
            shop_id: link.shop.as_str().to_owned(),
            anchor_id: input.anchor.as_str().to_owned(),
            companion_id: input.companion.as_str().to_owned(),
            effect: to_json(&input.effect),
            relation: input.relation.as_ref().map(to_name),
            surface_id: input.surface.as_ref().map(|id| id.as_str().to_owned()),
            valid_from_ms: input.valid_from.map(Timestamp::as_ms),
            valid_until_ms: input.valid_until.map(Timestamp::as_ms),
            reason: input.reason.clone(),
            author: link.author.clone(),
            created_ms: link.created.as_ms(),
            deleted_ms: link.deleted.map(Timestamp::as_ms),
            version: signed("version", link.version)?,
        })
    }
}

impl TryFrom<&Model> for Link {
    type Error = StoreError;
    fn try_from(row: &Model) -> Result<Self> {
        Ok(Self {
            id: stored("link", LinkId::new(&row.link_id))?,
            input: LinkInput {
                anchor: stored("anchor", ProductId::new(&row.anchor_id))?,
                companion: stored("companion", ProductId::new(&row.companion_id))?,
                effect: from_json("link effect", &row.effect)?,
                relation: row
                    .relation
                    .as_ref()
                    .map(|name| from_name("relation", name))
                    .transpose()?,
                surface: stored("surface", row.surface_id.as_ref().map(SurfaceId::new).transpose())?,
                valid_from: row.valid_from_ms.map(Timestamp::from_ms),
                valid_until: row.valid_until_ms.map(Timestamp::from_ms),
                reason: row.reason.clone(),
            },
            shop: stored("shop", ShopId::new(&row.shop_id))?,
            author: row.author.clone(),
            created: Timestamp::from_ms(row.created_ms),
            deleted: row.deleted_ms.map(Timestamp::from_ms),
            version: unsigned("version", row.version)?,
        })
    }
}
