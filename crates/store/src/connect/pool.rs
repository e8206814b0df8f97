//! The pools of both drivers, set up for what Tandem promises.

use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tracing::log::LevelFilter;

use super::{Backend, StoreOptions};
use crate::error::Result;
use crate::write::LET_GO;

const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// Connections to one of the two databases.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    /// Readers beside the one writer that SQLite allows.
    Sqlite { reads: SqlitePool, writes: SqlitePool },
    /// One pool for all but relays, whose transactions are of another kind.
    Postgres { all: PgPool, relays: PgPool },
}

impl Pool {
    pub(super) async fn open(options: &StoreOptions) -> Result<Self> {
        if options.url.starts_with("sqlite:") {
            open_sqlite(options).await
        } else {
            open_postgres(options).await
        }
    }

    pub(crate) const fn backend(&self) -> Backend {
        match self {
            Self::Sqlite { .. } => Backend::Sqlite,
            Self::Postgres { .. } => Backend::Postgres,
        }
    }

    pub(super) fn reads(&self) -> DatabaseConnection {
        match self {
            Self::Sqlite { reads, .. } => SqlxSqliteConnector::from_sqlx_sqlite_pool(reads.clone()),
            Self::Postgres { all, .. } => SqlxPostgresConnector::from_sqlx_postgres_pool(all.clone()),
        }
    }

    pub(crate) fn writes(&self) -> DatabaseConnection {
        match self {
            Self::Sqlite { writes, .. } => SqlxSqliteConnector::from_sqlx_sqlite_pool(writes.clone()),
            Self::Postgres { .. } => self.reads(),
        }
    }

    /// Where a relay works. On SQLite, which locks nothing for it, it writes like all others.
    pub(crate) fn relays(&self) -> DatabaseConnection {
        match self {
            Self::Sqlite { .. } => self.writes(),
            Self::Postgres { relays, .. } => SqlxPostgresConnector::from_sqlx_postgres_pool(relays.clone()),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { reads, writes } => {
                reads.close().await;
                // Last, so that it moves the log into the file and removes it.
                writes.close().await;
            }
            Self::Postgres { all, relays } => {
                relays.close().await;
                all.close().await;
            }
        }
    }
}

async fn open_sqlite(options: &StoreOptions) -> Result<Pool> {
    let file = SqliteConnectOptions::from_str(&options.url)?
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledgement survives the power failing, not only the process.
        .synchronous(SqliteSynchronous::Full)
        // Writers of this process queue before the file; this is for those of other processes.
        .busy_timeout(options.acquire_timeout)
        .log_statements(LevelFilter::Trace)
        .log_slow_statements(LevelFilter::Warn, SLOW_STATEMENT);
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(options.acquire_timeout)
            .idle_timeout(None)
            .max_lifetime(None)
            // A file does not hang up.
            .test_before_acquire(false)
    };
    // The writer first: it makes the file, which readers only open.
    let writes = pool()
        .max_connections(1)
        .after_release(|conn, _| Box::pin(is_outside_transactions(conn)))
        .connect_with(file.clone())
        .await?;
    let reads = pool()
        .max_connections(options.max_connections.max(1))
        .connect_with(file.create_if_missing(false).pragma("query_only", "on"))
        .await?;
    Ok(Pool::Sqlite { reads, writes })
}

/// A full disk makes SQLite roll back by itself, which the driver does not notice: it would take every later statement
/// for part of a transaction. Such a connection is closed.
async fn is_outside_transactions(conn: &mut SqliteConnection) -> sqlx::Result<bool> {
    // Behind whatever the driver has still to do.
    conn.ping().await?;
    Ok(!conn.is_in_transaction())
}

/// Off: compiling a plan over hundreds of daily partitions takes half a minute, running it a second.
const JIT: &str = "off";

async fn open_postgres(options: &StoreOptions) -> Result<Pool> {
    let limit = options.statement_timeout.as_millis().to_string();
    let server = PgConnectOptions::from_str(&options.url)?
        .options([("statement_timeout", limit.as_str()), ("jit", JIT)])
        .log_statements(LevelFilter::Trace)
        .log_slow_statements(LevelFilter::Warn, SLOW_STATEMENT);
    let pool = || {
        PgPoolOptions::new()
            .acquire_timeout(options.acquire_timeout)
            // A connection is asked for a sign of life when it comes back, and needs not be asked again right away.
            .test_before_acquire(false)
            .before_acquire(|conn, meta| Box::pin(answers(conn, meta)))
    };
    let relays = pool()
        .max_connections(RELAYS)
        .connect_lazy_with(server.clone().options(RELAYING));
    let all = pool()
        .max_connections(options.max_connections.max(2))
        .connect_with(server)
        .await?;
    Ok(Pool::Postgres { all, relays })
}

/// For so long a connection that came back is taken to stand.
const FRESH: Duration = Duration::from_secs(1);

async fn answers(conn: &mut PgConnection, meta: PoolConnectionMetadata) -> sqlx::Result<bool> {
    if meta.idle_for > FRESH {
        conn.ping().await?;
    }
    Ok(true)
}

/// Relays that one process runs at once; none waits for a connection that others work on.
const RELAYS: u32 = 2;

/// What every transaction of a relay would have to set. It does not wait for the disk: a server that dies may bring rows
/// back that were handed over; they are handed over again, which is harmless, and dead letters come and go with their
/// rows. And one that hangs lets go of its rows: see [`LET_GO`].
const RELAYING: [(&str, &str); 2] = [
    ("synchronous_commit", "off"),
    ("idle_in_transaction_session_timeout", LET_GO),
];
