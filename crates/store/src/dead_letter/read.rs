//! Reading what was set aside.

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;

use super::{DeadLetter, Document, Kept, Undeliverable};
use crate::entity::{from_json, unsigned};
use crate::error::Result;
use crate::sql;

#[derive(FromQueryResult)]
pub(super) struct Row {
    dead_letter_id: i64,
    marketplace_id: String,
    envelope: String,
    attempts: i32,
    reason: String,
    created_ms: i64,
}

/// The columns of a [`Row`].
pub(super) const COLUMNS: &str =
    "d.dead_letter_id, d.marketplace_id, d.envelope, d.attempts, d.reason, d.created_ms";

/// Whose letters a marketplace, `$1`, is shown: its own, and those of marketplaces that do not exist, which nobody else
/// would ever see.
pub(super) const SHOWN: &str = "(d.marketplace_id = $1
    OR d.marketplace_id NOT IN (SELECT m.marketplace_id FROM marketplaces m))";

impl TryFrom<Row> for DeadLetter {
    type Error = crate::StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let kept: Kept = from_json("dead letter", &row.envelope)?;
        Ok(Self {
            id: unsigned("dead letter", row.dead_letter_id)?,
            marketplace: row.marketplace_id,
            change: serde_json::from_str(&kept.change).ok(),
            inbox: match serde_json::from_str(&kept.change) {
                Ok(Document::StockInbox(row)) => Some(row),
                Err(_) => None,
            },
            letter: Undeliverable {
                store_epoch: kept.store_epoch,
                traceparent: kept.traceparent,
                change: kept.change,
                attempts: unsigned("attempts", i64::from(row.attempts))?,
                reason: row.reason,
            },
            created: Timestamp::from_ms(row.created_ms),
        })
    }
}

/// The number as SQL compares it; none is as high.
pub(super) fn key(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub(super) async fn page<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<DeadLetter>> {
    let query = format!(
        "SELECT {COLUMNS} FROM dead_letters d WHERE {SHOWN} AND d.dead_letter_id < $2
         ORDER BY d.dead_letter_id DESC LIMIT $3"
    );
    let values = [
        marketplace.as_str().into(),
        before.map_or(i64::MAX, key).into(),
        i64::from(limit).into(),
    ];
    let rows: Vec<Row> = sql::all(conn, query, values).await?;
    rows.into_iter().map(DeadLetter::try_from).collect()
}

pub(super) async fn one<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    id: u64,
) -> Result<Option<DeadLetter>> {
    let query = format!("SELECT {COLUMNS} FROM dead_letters d WHERE {SHOWN} AND d.dead_letter_id = $2");
    let row: Option<Row> = sql::one(conn, query, [marketplace.as_str().into(), key(id).into()]).await?;
    row.map(DeadLetter::try_from).transpose()
}

pub(super) async fn count<C: ConnectionTrait>(conn: &C, marketplace: &MarketplaceId) -> Result<u64> {
    let query = format!("SELECT count(*) FROM dead_letters d WHERE {SHOWN}");
    let count = sql::number(conn, query, [marketplace.as_str().into()]).await?;
    unsigned("count", count.unwrap_or(0))
}
