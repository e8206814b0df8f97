//! Stock that other services leave in SQL: rows of `stock_inbox`, applied as if they had been reported.

mod row;

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use serde::Serialize;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{MarketplaceId, ShopId};
use tandem_domain::parts::Parts;
use tandem_domain::principal::Principal;
use tandem_domain::stock::StockReport;

use super::report;
use crate::context::WriteContext;
use crate::dead_letter;
use crate::error::{Result, StoreError};
use crate::marketplace;
use crate::sql::{self, Batch, Type};
use crate::write::Tx;
pub(crate) use row::{InboxRow, put_back};

/// What a pass over the inbox did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// Rows that were applied, or were older or doubled and changed nothing; they are gone.
    pub taken: u64,
    /// Rows that were refused and wait among the dead letters now.
    pub set_aside: Vec<Refused>,
    /// Whether more are likely to wait: the pass was full.
    pub remaining_hint: bool,
}

/// A row of the inbox that was refused, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The marketplace that it names, which may not exist.
    pub marketplace: String,
    /// What it is about.
    pub subject: String,
    /// Why it was refused.
    pub reason: String,
}

/// Who reports what stood in the inbox, as audit and logs name it.
const SUBJECT: &str = "stock_inbox";

/// Whether any row waits, whoever holds it.
pub(super) async fn waits<C: ConnectionTrait>(conn: &C) -> Result<bool> {
    let found = sql::number(conn, "SELECT inbox_id FROM stock_inbox LIMIT 1", []).await?;
    Ok(found.is_some())
}

/// Applies the oldest rows that nobody else holds, and deletes them.
pub(super) async fn take(tx: &Tx, max: u32, now: Timestamp) -> Result<Received> {
    tx.let_go().await?;
    let rows = row::claim(tx, max).await?;
    let mut refused = Vec::new();
    // In one order for all, as their levels are locked.
    let mut shops: BTreeMap<(MarketplaceId, ShopId), Vec<Named<'_>>> = BTreeMap::new();
    for row in &rows {
        match row.read() {
            Ok((of, report)) => shops.entry(of).or_default().push(Named { row, report }),
            Err(why) => refused.push((row, why)),
        }
    }
    for ((marketplace, shop), reports) in shops {
        let caller = Principal {
            marketplace,
            shop: Some(shop),
            subject: SUBJECT.to_owned(),
            scopes: Vec::new(),
        };
        refused.extend(apply(tx, &WriteContext::new(caller, now), &reports).await?);
    }
    for (row, why) in &refused {
        dead_letter::keep(tx.conn(), row.marketplace(), &row.letter(why), now).await?;
    }
    delete(tx, &rows).await?;
    Ok(Received {
        taken: (rows.len() - refused.len()) as u64,
        set_aside: refused.iter().map(|(row, why)| row.refused(why)).collect(),
        remaining_hint: rows.len() as u64 >= u64::from(max),
    })
}

/// A row with what it says.
struct Named<'r> {
    row: &'r InboxRow,
    report: StockReport,
}

/// Applies the reports of a shop; returns those that are refused, and why. One that is refused spoils no other: it is
/// found before anything of its batch is written.
async fn apply<'r>(
    tx: &Tx,
    ctx: &WriteContext,
    reports: &[Named<'r>],
) -> Result<Vec<(&'r InboxRow, StoreError)>> {
    // A token vouches for the marketplace of a caller; nobody does for that of a row.
    match marketplace::epoch(tx.conn(), &ctx.principal.marketplace).await {
        Ok(_) => {}
        Err(error) if is_refusal(&error) => {
            return Ok(reports.iter().map(|named| (named.row, error.clone())).collect());
        }
        Err(error) => return Err(error),
    }
    let mut refused = Vec::new();
    let mut parts = Parts::of(reports);
    while let Some(part) = parts.take() {
        let said: Vec<StockReport> = part.iter().map(|named| named.report.clone()).collect();
        match report::apply(tx, ctx, &said).await {
            Ok(_) => {}
            Err(error) if is_refusal(&error) => {
                refused.extend(parts.refused(part).map(|named| (named.row, error)));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

/// Whether a report failed by its own fault, and will whenever it is tried.
const fn is_refusal(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::ForeignShop(_)
            | StoreError::VersionConflict { .. }
            | StoreError::OutOfRange { .. }
            | StoreError::NotFound(_)
    )
}

const KEYS: Batch = Batch::of(&[("inbox_id", Type::Integer)]);

#[derive(Serialize)]
struct Key {
    inbox_id: i64,
}

async fn delete(tx: &Tx, rows: &[InboxRow]) -> Result<()> {
    let keys: Vec<_> = rows.iter().map(InboxRow::key).collect();
    let query = format!(
        "DELETE FROM stock_inbox WHERE inbox_id IN (SELECT batch.inbox_id FROM {})",
        KEYS.table(tx.backend(), "$1")
    );
    tx.execute(query, [sql::rows(&keys)]).await?;
    Ok(())
}
