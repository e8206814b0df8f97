//! Reading generations.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use tandem_domain::generation::{Generation, GenerationKind, GenerationNo};
use tandem_domain::id::MarketplaceId;

use super::{Serving, key};
use crate::entity::generation::Model;
use crate::entity::{from_json, to_name, unsigned};
use crate::error::Result;
use crate::sql;

/// A row beside the pointer, of the same moment.
#[derive(FromQueryResult)]
struct Found {
    #[sea_orm(nested)]
    row: Model,
    serving_generation: Option<i64>,
    serving_fence: Option<i64>,
}

impl Found {
    fn generation(&self) -> Result<Generation> {
        self.row.generation(self.serving_generation)
    }
}

/// Rows of one marketplace, `$1`. Epoch records stay behind: they are large, and asked for by themselves.
async fn find<C: ConnectionTrait>(
    conn: &C,
    filter: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Found>> {
    let query = format!(
        "SELECT g.marketplace_id, g.generation, g.kind, g.state, g.watermark, g.erasure_step, g.stats,
             CAST(NULL AS text) AS epoch_record, g.manifest, g.message, g.created_ms, g.ended_ms, m.serving_generation, m.serving_fence
         FROM marketplaces m JOIN generations g ON g.marketplace_id = m.marketplace_id
         WHERE m.marketplace_id = $1 AND {filter}"
    );
    sql::all(conn, query, values).await
}

pub(super) async fn one<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    no: GenerationNo,
) -> Result<Option<Generation>> {
    let found = find(
        conn,
        "g.generation = $2",
        [marketplace.as_str().into(), key(no).into()],
    )
    .await?;
    found.first().map(Found::generation).transpose()
}

pub(super) async fn serving<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
) -> Result<Option<Serving>> {
    let found = find(
        conn,
        "g.generation = m.serving_generation",
        [marketplace.as_str().into()],
    )
    .await?;
    let serving = |found: &Found| {
        Ok(Serving {
            generation: found.generation()?,
            fence: unsigned("fence", found.serving_fence.unwrap_or_default())?,
        })
    };
    found.first().map(serving).transpose()
}

pub(super) async fn page<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    before: Option<GenerationNo>,
    limit: u32,
) -> Result<Vec<Generation>> {
    let before = before.map_or(i64::MAX, key);
    let values = [
        marketplace.as_str().into(),
        before.into(),
        i64::from(limit).into(),
    ];
    let found = find(
        conn,
        "g.generation < $2 ORDER BY g.generation DESC LIMIT $3",
        values,
    )
    .await?;
    found.iter().map(Found::generation).collect()
}

pub(super) async fn last<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    kind: GenerationKind,
) -> Result<Option<Generation>> {
    let values = [marketplace.as_str().into(), to_name(&kind).into()];
    let found = find(conn, "g.kind = $2 ORDER BY g.generation DESC LIMIT 1", values).await?;
    found.first().map(Found::generation).transpose()
}

/// A generation's own record, or that of its base.
pub(super) async fn epoch_record<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    no: GenerationNo,
) -> Result<Option<serde_json::Value>> {
    let own = own_record(conn, marketplace, no).await?;
    if own.is_some() {
        return Ok(own);
    }
    let generation = one(conn, marketplace, no).await?;
    let base = generation.and_then(|generation| generation.manifest?.base());
    match base.filter(|base| *base != no) {
        Some(base) => own_record(conn, marketplace, base).await,
        None => Ok(None),
    }
}

async fn own_record<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    no: GenerationNo,
) -> Result<Option<serde_json::Value>> {
    #[derive(FromQueryResult)]
    struct Row {
        epoch_record: Option<String>,
    }
    let row: Option<Row> = sql::one(
        conn,
        "SELECT epoch_record FROM generations WHERE marketplace_id = $1 AND generation = $2",
        [marketplace.as_str().into(), key(no).into()],
    )
    .await?;
    row.and_then(|row| row.epoch_record)
        .map(|text| from_json("epoch record", &text))
        .transpose()
}
