//! Erasures as rows: asked for, waiting, done.

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;

use super::UserErasure;
use crate::audit::{self, Deed};
use crate::context::WriteContext;
use crate::entity::unsigned;
use crate::error::{Missing, Result, StoreError};
use crate::sql;
use crate::write::Tx;

/// Users that one reading of all events does for.
const TOGETHER: i64 = 100;

/// A user who is to be erased.
#[derive(FromQueryResult)]
pub(super) struct Waiting {
    pub(super) erasure_id: i64,
    pub(super) user_id: String,
}

#[derive(FromQueryResult)]
struct Row {
    erasure_id: i64,
    events: i64,
    orders: i64,
    asked_ms: i64,
    erased_ms: Option<i64>,
}

impl TryFrom<Row> for UserErasure {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: unsigned("erasure", row.erasure_id)?,
            events: unsigned("events", row.events)?,
            orders: unsigned("orders", row.orders)?,
            asked: Timestamp::from_ms(row.asked_ms),
            erased: row.erased_ms.map(Timestamp::from_ms),
        })
    }
}

/// Every call has a row of its own: one that a worker is at work on may have been looked for already.
pub(super) async fn ask(tx: &Tx, ctx: &WriteContext, user: &str, reason: &str) -> Result<UserErasure> {
    let marketplace = &ctx.principal.marketplace;
    let row: Option<Row> = tx
        .one(
            "INSERT INTO user_erasures (marketplace_id, user_id, events, orders, asked_ms)
             SELECT marketplace_id, $2, 0, 0, $3 FROM marketplaces WHERE marketplace_id = $1
             RETURNING erasure_id, events, orders, asked_ms, erased_ms",
            [marketplace.as_str().into(), user.into(), ctx.now.as_ms().into()],
        )
        .await?;
    let row = row.ok_or_else(|| StoreError::NotFound(Missing::Marketplace(marketplace.clone())))?;
    let erasure = UserErasure::try_from(row)?;
    let id = erasure.id.to_string();
    let deed = Deed {
        action: "erase_user",
        targets: vec![&id],
        reason,
    };
    audit::write(tx, ctx, deed).await?;
    Ok(erasure)
}

pub(super) async fn one<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    id: u64,
) -> Result<Option<UserErasure>> {
    let row: Option<Row> = sql::one(
        conn,
        "SELECT erasure_id, events, orders, asked_ms, erased_ms FROM user_erasures
         WHERE marketplace_id = $1 AND erasure_id = $2",
        [
            marketplace.as_str().into(),
            i64::try_from(id).unwrap_or(i64::MAX).into(),
        ],
    )
    .await?;
    row.map(UserErasure::try_from).transpose()
}

/// Those who wait, the longest first.
pub(super) async fn waiting<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
) -> Result<Vec<Waiting>> {
    sql::all(
        conn,
        "SELECT erasure_id, user_id FROM user_erasures
         WHERE marketplace_id = $1 AND user_id IS NOT NULL ORDER BY erasure_id LIMIT $2",
        [marketplace.as_str().into(), TOGETHER.into()],
    )
    .await
}
