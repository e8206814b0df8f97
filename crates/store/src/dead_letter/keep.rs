//! Setting changes aside.

use sea_orm::ConnectionTrait;
use tandem_domain::clock::Timestamp;

use super::{Kept, Undeliverable};
use crate::entity::to_json;
use crate::error::Result;
use crate::sql;

/// A longer reason tells nobody more.
const REASON_CHARS: usize = 1_000;

/// Keeps a letter unless the same one waits already: workers that die between this and their acknowledgement come
/// again with it.
pub(crate) async fn keep<C: ConnectionTrait>(
    conn: &C,
    marketplace: &str,
    letter: &Undeliverable,
    now: Timestamp,
) -> Result<bool> {
    let kept = Kept {
        store_epoch: letter.store_epoch,
        traceparent: letter.traceparent.clone(),
        change: letter.change.clone(),
    };
    let reason: String = letter.reason.chars().take(REASON_CHARS).collect();
    let added = sql::execute(
        conn,
        "INSERT INTO dead_letters (marketplace_id, envelope, attempts, reason, created_ms)
         SELECT $1, $2, $3, $4, $5
         WHERE NOT EXISTS (SELECT 1 FROM dead_letters WHERE marketplace_id = $1 AND envelope = $2)",
        [
            marketplace.into(),
            to_json(&kept).into(),
            i32::try_from(letter.attempts).unwrap_or(i32::MAX).into(),
            reason.into(),
            now.as_ms().into(),
        ],
    )
    .await?;
    Ok(added == 1)
}
