//! Replaying and dropping what was set aside.

use std::collections::BTreeSet;

use serde::Serialize;
use tandem_domain::id::MarketplaceId;

use super::DeadLetter;
use super::read::{COLUMNS, Row, SHOWN, key};
use crate::audit::{self, Deed};
use crate::context::WriteContext;
use crate::error::{Missing, Result, StoreError};
use crate::marketplace;
use crate::outbox;
use crate::sql::{self, Batch, Type};
use crate::stock;
use crate::write::Tx;

const KEYS: Batch = Batch::of(&[("dead_letter_id", Type::Integer)]);

#[derive(Serialize)]
struct Key {
    dead_letter_id: i64,
}

pub(super) async fn replay(tx: &Tx, ctx: &WriteContext, ids: &[u64], reason: &str) -> Result<u64> {
    let marketplace = &ctx.principal.marketplace;
    let letters = take(tx, marketplace, ids).await?;
    let store_epoch = marketplace::epoch(tx.conn(), marketplace).await?;
    for letter in &letters {
        if let Some(row) = &letter.inbox {
            stock::put_back(tx, row)
                .await
                .map_err(|error| unwritable(letter, error))?;
            continue;
        }
        let change = replayable(letter, marketplace, store_epoch)?;
        outbox::push(tx, marketplace, &letter.letter.traceparent, &[change]).await?;
    }
    tell(tx, ctx, "replay_dead_letters", &letters, reason).await
}

/// A row of the inbox that says nothing that could be applied would only come back.
fn unwritable(letter: &DeadLetter, error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt { .. } => StoreError::Unreplayable {
            id: letter.id,
            why: "it is no report of stock: write another row and drop it",
        },
        other => other,
    }
}

pub(super) async fn discard(tx: &Tx, ctx: &WriteContext, ids: &[u64], reason: &str) -> Result<u64> {
    let letters = take(tx, &ctx.principal.marketplace, ids).await?;
    tell(tx, ctx, "drop_dead_letters", &letters, reason).await
}

/// The relay gives every change the epoch of the moment: a change of an older one would come back with more weight than
/// what SQL holds since.
fn replayable(
    letter: &DeadLetter,
    marketplace: &MarketplaceId,
    store_epoch: u64,
) -> Result<tandem_domain::change::Change> {
    let refuse = |why| StoreError::Unreplayable { id: letter.id, why };
    if letter.marketplace != marketplace.as_str() {
        return Err(refuse("its marketplace does not exist: drop it"));
    }
    if letter.letter.store_epoch != store_epoch {
        return Err(refuse(
            "it is older than the last restore of the database: drop it",
        ));
    }
    letter
        .change
        .clone()
        .ok_or_else(|| refuse("it cannot be read: drop it, a full pass puts what SQL holds"))
}

/// Takes letters out of the table.
async fn take(tx: &Tx, marketplace: &MarketplaceId, ids: &[u64]) -> Result<Vec<DeadLetter>> {
    let wanted: BTreeSet<u64> = ids.iter().copied().collect();
    let keys: Vec<_> = wanted
        .iter()
        .map(|id| Key {
            dead_letter_id: key(*id),
        })
        .collect();
    let keys = sql::rows(&keys);
    let query = format!(
        "SELECT {COLUMNS} FROM dead_letters d
         WHERE {SHOWN} AND d.dead_letter_id IN (SELECT batch.dead_letter_id FROM {})
         ORDER BY d.dead_letter_id {}",
        KEYS.table(tx.backend(), "$2"),
        sql::locking(tx.backend(), "FOR UPDATE OF d")
    );
    let values = [marketplace.as_str().into(), keys.clone()];
    let rows: Vec<Row> = tx.all(query, values).await?;
    let letters: Vec<_> = rows
        .into_iter()
        .map(DeadLetter::try_from)
        .collect::<Result<_>>()?;
    let found: BTreeSet<u64> = letters.iter().map(|letter| letter.id).collect();
    if let Some(missing) = wanted.difference(&found).next() {
        return Err(StoreError::NotFound(Missing::DeadLetter(*missing)));
    }
    let delete = format!(
        "DELETE FROM dead_letters WHERE dead_letter_id IN (SELECT batch.dead_letter_id FROM {})",
        KEYS.table(tx.backend(), "$1")
    );
    tx.execute(delete, [keys]).await?;
    Ok(letters)
}

async fn tell(
    tx: &Tx,
    ctx: &WriteContext,
    action: &'static str,
    letters: &[DeadLetter],
    reason: &str,
) -> Result<u64> {
    let ids: Vec<String> = letters.iter().map(|letter| letter.id.to_string()).collect();
    let deed = Deed {
        action,
        targets: ids.iter().map(String::as_str).collect(),
        reason,
    };
    audit::write(tx, ctx, deed).await?;
    Ok(letters.len() as u64)
}
