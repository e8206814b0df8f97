//! Letting raw events go once they are old; what they add up to stays in daily counts and orders.

use sea_orm::FromQueryResult;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;

use super::RetiredDay;
use crate::counter::{self, Counter};
use crate::error::Result;
use crate::write::Tx;

/// Rows whose chunk was folded: nobody has still to add them up.
const FOLDED: &str = "chunk_id NOT IN
    (SELECT chunk_id FROM event_chunks WHERE marketplace_id = $1 AND batch_no IS NULL)";

pub(super) async fn oldest_day(
    tx: &Tx,
    marketplace: &MarketplaceId,
    keep_days: u32,
    now: Timestamp,
) -> Result<Option<RetiredDay>> {
    let Some(newest) = newest_day(tx, marketplace).await? else {
        return Ok(None);
    };
    let kept_from = newest
        .min(now.day())
        .saturating_sub_unsigned(keep_days.saturating_sub(1));
    match day_before(tx, marketplace, kept_from).await? {
        Some(day) => clear(tx, marketplace, day).await.map(Some),
        None => Ok(None),
    }
}

/// The first day whose raw events are kept: of days before it no event counts, since its id would not tell whether it
/// counted before. Every day is kept until one was let go.
pub(super) async fn kept_from(tx: &Tx, marketplace: &MarketplaceId) -> Result<i32> {
    let day = counter::value(tx.conn(), marketplace, Counter::KeptFrom).await?;
    Ok(match i32::try_from(day) {
        Ok(0) => i32::MIN,
        day => day.unwrap_or(i32::MAX),
    })
}

#[derive(FromQueryResult)]
struct Day {
    day: Option<i32>,
}

async fn newest_day(tx: &Tx, marketplace: &MarketplaceId) -> Result<Option<i32>> {
    let found: Option<Day> = tx
        .one(
            "SELECT max(last_day) AS day FROM event_chunks WHERE marketplace_id = $1",
            [marketplace.as_str().into()],
        )
        .await?;
    Ok(found.and_then(|row| row.day))
}

/// The oldest day before `kept_from` that has events to clear.
async fn day_before(tx: &Tx, marketplace: &MarketplaceId, kept_from: i32) -> Result<Option<i32>> {
    let query =
        format!("SELECT min(day) AS day FROM events WHERE marketplace_id = $1 AND day < $2 AND {FOLDED}");
    let found: Option<Day> = tx
        .one(query, [marketplace.as_str().into(), kept_from.into()])
        .await?;
    Ok(found.and_then(|row| row.day))
}

async fn clear(tx: &Tx, marketplace: &MarketplaceId, day: i32) -> Result<RetiredDay> {
    let ids = format!(
        "DELETE FROM event_ids WHERE marketplace_id = $1 AND event_id IN
         (SELECT event_id FROM events WHERE marketplace_id = $1 AND day = $2 AND {FOLDED})"
    );
    let rows = format!("DELETE FROM events WHERE marketplace_id = $1 AND day = $2 AND {FOLDED}");
    // Chunks end on the day of their newest event: with the days before gone, these hold nothing any more.
    let chunks =
        "DELETE FROM event_chunks WHERE marketplace_id = $1 AND last_day <= $2 AND batch_no IS NOT NULL";
    let values = || [marketplace.as_str().into(), day.into()];
    // Days before 1970 are no events of ours.
    let kept_from = i64::from(day.max(0)) + 1;
    counter::lift(tx, marketplace, Counter::KeptFrom, kept_from).await?;
    tx.execute(ids, values()).await?;
    let events = tx.execute(rows, values()).await?;
    tx.execute(chunks, values()).await?;
    Ok(RetiredDay { day, events })
}
