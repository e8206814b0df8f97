//! The daily partitions of PostgreSQL: made before events of the day are stored, dropped when none is left.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use crate::connect::Pool;
use crate::error::{Result, StoreError};

/// Those who make partitions queue for this advisory lock.
const PARTITION_LOCK: i64 = 0x7461_6e64_6461_7973;

/// Days that are known to have a partition. SQLite keeps all days in one table.
#[derive(Debug, Default)]
pub(crate) struct Days(Mutex<BTreeSet<i32>>);

impl Days {
    /// Makes the partitions that are missing, committed before anything is inserted into them.
    pub(super) async fn ensure(&self, pool: &Pool, days: impl Iterator<Item = i32>) -> Result<()> {
        let Pool::Postgres { all: pool, .. } = pool else {
            return Ok(());
        };
        let unknown: BTreeSet<_> = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            days.filter(|day| !known.contains(day)).collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        create(pool, &unknown).await?;
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(unknown);
        Ok(())
    }

    /// Looks for every partition again: one that was empty may have been dropped by another process.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Drops the partitions of days before `before` that hold no row; returns how many. A partition is dropped under a lock
    /// on all events; while somebody reads them for long it stays, for the next time.
    pub(super) async fn drop_empty(&self, pool: &Pool, before: i32) -> Result<u64> {
        let Pool::Postgres { all: pool, .. } = pool else {
            return Ok(0);
        };
        let mut dropped = 0;
        for day in days(pool).await?.into_iter().filter(|day| *day < before) {
            if !is_empty(&mut *pool.acquire().await?, day).await? {
                continue;
            }
            match drop_one(pool, day).await {
                Ok(done) => dropped += u64::from(done),
                Err(StoreError::Busy { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        if dropped > 0 {
            self.forget();
        }
        Ok(dropped)
    }
}

/// How long everybody may be made to wait for a lock on all events.
const LOCK_TIMEOUT: &str = "100ms";

/// The days that have a partition.
async fn days(pool: &PgPool) -> Result<Vec<i32>> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = 'events'::regclass",
    )
    .fetch_all(pool)
    .await?;
    let mut days: Vec<_> = names.iter().filter_map(|name| day(name)).collect();
    days.sort_unstable();
    Ok(days)
}

async fn is_empty(conn: &mut PgConnection, day: i32) -> Result<bool> {
    let query = format!("SELECT NOT EXISTS (SELECT 1 FROM {})", name(day));
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query));
    Ok(query.fetch_one(conn).await?)
}

/// Drops a partition unless a row has come meanwhile. Its own lock comes first, so that looking holds up nobody else.
async fn drop_one(pool: &PgPool, day: i32) -> Result<bool> {
    let name = name(day);
    let mut tx = pool.begin().await?;
    let own = [
        format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"),
        format!("SELECT pg_advisory_xact_lock({PARTITION_LOCK})"),
        format!("LOCK TABLE {name} IN SHARE MODE"),
    ];
    for statement in own {
        run(&mut tx, statement).await?;
    }
    if !is_empty(&mut tx, day).await? {
        return Ok(false);
    }
    run(&mut tx, format!("DROP TABLE {name}")).await?;
    tx.commit().await?;
    Ok(true)
}

/// Runs a statement of ours. Numbers only: nothing of a caller's stands in it.
async fn run(conn: &mut PgConnection, statement: String) -> Result<()> {
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(conn).await?;
    Ok(())
}

async fn create(pool: &PgPool, days: &BTreeSet<i32>) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(PARTITION_LOCK)
        .execute(&mut *tx)
        .await?;
    for day in days {
        if !exists(&mut tx, *day).await? {
            attach(&mut tx, *day).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn exists(conn: &mut PgConnection, day: i32) -> Result<bool> {
    let query = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(name(day));
    Ok(query.fetch_one(conn).await?)
}

/// Made on its own and then attached: unlike `CREATE TABLE … PARTITION OF`, this waits for no scan and no insert.
async fn attach(conn: &mut PgConnection, day: i32) -> Result<()> {
    let (name, next) = (name(day), day + 1);
    let table = format!("CREATE TABLE {name} (LIKE events INCLUDING ALL)");
    let attach = format!("ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ({day}) TO ({next})");
    for statement in [table, attach] {
        run(conn, statement).await?;
    }
    Ok(())
}

/// Days before 1970 would need a sign, which names cannot have.
fn name(day: i32) -> String {
    if day < 0 {
        format!("events_before_{}", day.unsigned_abs())
    } else {
        format!("events_{day}")
    }
}

/// The day of a partition of this name.
fn day(name: &str) -> Option<i32> {
    let day = name.strip_prefix("events_")?;
    match day.strip_prefix("before_") {
        Some(day) => Some(-day.parse::<i32>().ok()?),
        None => day.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_their_days() {
        for number in [-20_000, -1, 0, 1, 20_000] {
            assert_eq!(day(&name(number)), Some(number));
        }
        assert_eq!(day("events_of_chunk"), None);
    }
}
