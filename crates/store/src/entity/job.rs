//! Rows of `jobs`.

use sea_orm::entity::prelude::*;
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::GenerationNo;
use tandem_domain::id::JobId;

use super::{from_json, from_name, stored, unsigned};
use crate::error::{Result, StoreError};
use crate::job::Job;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub job_id: String,
    pub marketplace_id: String,
    pub kind: String,
    pub arguments: String,
    pub state: String,
    pub attempts: i32,
    pub fence: i64,
    pub lease_until_ms: i64,
    pub worker: String,
    pub generation: Option<i64>,
    pub message: String,
    pub report: String,
    pub created_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<&Model> for Job {
    type Error = StoreError;
    fn try_from(row: &Model) -> Result<Self> {
        Ok(Self {
            id: stored("job", JobId::new(&row.job_id))?,
            kind: from_json("job", &row.arguments)?,
            state: from_name("job state", &row.state)?,
            generation: row
                .generation
                .map(|no| unsigned("generation", no).map(GenerationNo))
                .transpose()?,
            message: row.message.clone(),
            report: row.report.clone(),
            created: Timestamp::from_ms(row.created_ms),
        })
    }
}
