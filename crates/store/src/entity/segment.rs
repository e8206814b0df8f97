//! Rows of `segments`.

use sea_orm::entity::prelude::*;
use tandem_domain::generation::SegmentRef;
use tandem_domain::id::MarketplaceId;

use super::{signed, unsigned};
use crate::error::{Result, StoreError};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "segments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub marketplace_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub segment_id: i64,
    pub path: String,
    pub checksum: String,
    pub bytes: i64,
    pub records: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn new(marketplace: &MarketplaceId, segment: &SegmentRef) -> Result<Self> {
        Ok(Self {
            marketplace_id: marketplace.as_str().to_owned(),
            segment_id: signed("segment", segment.id)?,
            path: segment.path.clone(),
            checksum: segment.checksum.clone(),
            bytes: signed("bytes", segment.bytes)?,
            records: signed("records", segment.records)?,
        })
    }
}

impl TryFrom<Model> for SegmentRef {
    type Error = StoreError;
    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: unsigned("segment", row.segment_id)?,
            path: row.path,
            checksum: row.checksum,
            bytes: unsigned("bytes", row.bytes)?,
            records: unsigned("records", row.records)?,
        })
    }
}
