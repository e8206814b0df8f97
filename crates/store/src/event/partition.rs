//! The daily partitions of PostgreSQL.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use crate::connect::Pool;
use crate::error::Result;

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
        // Numbers only: nothing of a caller's stands in it.
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *conn)
            .await?;
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
