//! Locks on ids whose rows do not exist yet, and so cannot be locked.

use std::collections::BTreeSet;

use sea_orm::DbBackend;
use serde::Serialize;
use tandem_domain::id::MarketplaceId;

use crate::error::Result;
use crate::sql::{self, Batch, Type};
use crate::write::Tx;

/// Ids share this many locks per marketplace and kind, since a PostgreSQL server holds only some thousands at a time.
const BUCKETS: u8 = 64;

/// What an id names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Product,
    Sku,
    Surface,
    CategoryRule,
}

const KEYS: Batch = Batch::of(&[("key", Type::Integer)]);

#[derive(Serialize)]
struct Key {
    key: i64,
}

/// Keeps others from claiming `ids` until the transaction ends. What is read afterwards holds till then: who creates a
/// row claims its id first. SQLite has one writer, whose claim is the transaction itself.
pub(crate) async fn claim<'i>(
    tx: &Tx,
    marketplace: &MarketplaceId,
    kind: Kind,
    ids: impl IntoIterator<Item = &'i str>,
) -> Result<()> {
    if tx.backend() == DbBackend::Sqlite {
        return Ok(());
    }
    // In one order for all, so that two claims do not wait for each other.
    let keys: BTreeSet<i64> = ids.into_iter().map(|id| key(marketplace, kind, id)).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = keys.into_iter().map(|key| Key { key }).collect();
    let query = format!(
        "SELECT pg_advisory_xact_lock(key) FROM {}",
        KEYS.table(tx.backend(), "$1")
    );
    tx.execute(query, [sql::rows(&keys)]).await?;
    Ok(())
}

fn key(marketplace: &MarketplaceId, kind: Kind, id: &str) -> i64 {
    let bucket = blake3::hash(id.as_bytes()).as_bytes()[0] % BUCKETS;
    let mut hash = blake3::Hasher::new();
    hash.update(&[kind as u8, bucket])
        .update(marketplace.as_str().as_bytes());
    let mut key = [0; 8];
    hash.finalize_xof().fill(&mut key);
    i64::from_le_bytes(key)
}
