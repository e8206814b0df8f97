//! Rows of `generations`.

use sea_orm::entity::prelude::*;
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::{Generation, GenerationNo, GenerationState, Manifest};

use super::{from_json, from_name, unsigned};
use crate::error::Result;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "generations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub marketplace_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub generation: i64,
    pub kind: String,
    pub state: String,
    pub watermark: i64,
    pub erasure_step: i64,
    pub stats: String,
    pub epoch_record: Option<String>,
    pub manifest: Option<String>,
    pub message: String,
    pub created_ms: i64,
    pub ended_ms: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn state(&self) -> Result<GenerationState> {
        from_name("generation state", &self.state)
    }

    pub(crate) fn manifest(&self) -> Result<Option<Manifest>> {
        self.manifest
            .as_ref()
            .map(|text| from_json("manifest", text))
            .transpose()
    }

    /// The generation; `serving` is the number of the one on serve.
    pub(crate) fn generation(&self, serving: Option<i64>) -> Result<Generation> {
        let state = self.state()?;
        Ok(Generation {
            no: GenerationNo(unsigned("generation", self.generation)?),
            kind: from_name("generation kind", &self.kind)?,
            state,
            serving: serving == Some(self.generation),
            watermark: unsigned("watermark", self.watermark)?,
            manifest: self.manifest()?,
            stats: from_json("build statistics", &self.stats)?,
            message: self.message.clone(),
            created: Timestamp::from_ms(self.created_ms),
            published: self
                .ended_ms
                .filter(|_| state == GenerationState::Published)
                .map(Timestamp::from_ms),
        })
    }
}
