//! Reading surfaces.

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{MarketplaceId, SurfaceId};
use tandem_domain::surface::SurfaceRevision;

use crate::entity::{from_json, from_name, signed};
use crate::error::{Missing, Result, StoreError};
use crate::sql;

/// A row of `surface_revisions`.
#[derive(FromQueryResult)]
pub(super) struct Row {
    settings: String,
    action: String,
    author: String,
    reason: String,
    created_ms: i64,
}

impl TryFrom<Row> for SurfaceRevision {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            surface: from_json("surface", &row.settings)?,
            action: from_name("action", &row.action)?,
            author: row.author,
            reason: row.reason,
            time: Timestamp::from_ms(row.created_ms),
        })
    }
}

/// Revisions that stand now.
const STANDING: &str = "SELECT r.settings, r.action, r.author, r.reason, r.created_ms FROM surfaces s
     JOIN surface_revisions r
         ON r.marketplace_id = s.marketplace_id AND r.surface_id = s.surface_id AND r.version = s.version
     WHERE s.marketplace_id = $1 AND NOT s.deleted";

pub(super) async fn current<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    id: &SurfaceId,
) -> Result<Option<SurfaceRevision>> {
    let query = format!("{STANDING} AND s.surface_id = $2");
    let row: Option<Row> = sql::one(conn, query, [marketplace.as_str().into(), id.as_str().into()]).await?;
    row.map(SurfaceRevision::try_from).transpose()
}

pub(super) async fn page<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    after: Option<&SurfaceId>,
    limit: u32,
) -> Result<Vec<SurfaceRevision>> {
    let query = format!("{STANDING} AND s.surface_id > $2 ORDER BY s.surface_id LIMIT $3");
    let after = after.map_or("", SurfaceId::as_str);
    let values = [marketplace.as_str().into(), after.into(), i64::from(limit).into()];
    let rows: Vec<Row> = sql::all(conn, query, values).await?;
    rows.into_iter().map(SurfaceRevision::try_from).collect()
}

pub(super) async fn revisions<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    id: &SurfaceId,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<SurfaceRevision>> {
    let rows: Vec<Row> = sql::all(
        conn,
        "SELECT settings, action, author, reason, created_ms FROM surface_revisions
         WHERE marketplace_id = $1 AND surface_id = $2 AND version < $3 ORDER BY version DESC LIMIT $4",
        [
            marketplace.as_str().into(),
            id.as_str().into(),
            before
                .map_or(Ok(i64::MAX), |version| signed("version", version))?
                .into(),
            i64::from(limit).into(),
        ],
    )
    .await?;
    if rows.is_empty() && before.is_none() {
        return Err(StoreError::NotFound(Missing::Surface(id.clone())));
    }
    rows.into_iter().map(SurfaceRevision::try_from).collect()
}

/// A surface at one version.
pub(super) async fn at<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    id: &SurfaceId,
    version: u64,
) -> Result<SurfaceRevision> {
    let row: Option<Row> = sql::one(
        conn,
        "SELECT settings, action, author, reason, created_ms FROM surface_revisions
         WHERE marketplace_id = $1 AND surface_id = $2 AND version = $3",
        [
            marketplace.as_str().into(),
            id.as_str().into(),
            signed("version", version)?.into(),
        ],
    )
    .await?;
    let missing = || StoreError::NotFound(Missing::SurfaceRevision(id.clone(), version));
    row.ok_or_else(missing)?.try_into()
}
