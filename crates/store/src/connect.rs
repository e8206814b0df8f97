//! Opening the database.

mod pool;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use tokio::time::timeout;

use crate::Store;
use crate::error::{Result, StoreError};
use crate::wake::Wakes;
use crate::write::Writer;
pub(crate) use pool::Pool;

/// How to reach the database.
#[derive(Clone)]
pub struct StoreOptions {
    /// `sqlite:PATH?mode=rwc` or `postgres://…`
    pub url: String,
    /// Connections in the pool; on SQLite those that read, writes share one more.
    pub max_connections: u32,
    /// How long a call may wait for a connection.
    pub acquire_timeout: Duration,
    /// How long one statement may take; imports and scans are exempt.
    pub statement_timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            url: "sqlite:tandem.db?mode=rwc".to_owned(),
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
        }
    }
}

impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("StoreOptions")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}

/// Which database stands behind a [`Store`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// One file, one machine.
    Sqlite,
    /// A server, version 15 or later.
    Postgres,
}

/// What the clones of a [`Store`] share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) reads: DatabaseConnection,
    pub(crate) writer: Writer,
    pub(crate) wakes: Wakes,
    pub(crate) schema_is_current: std::sync::atomic::AtomicBool,
    pub(crate) job_wakeups: tokio::sync::Mutex<Option<crate::outbox::Wakeups>>,
    pub(crate) days: crate::event::Days,
    pub(crate) patience: Duration,
}

impl Store {
    /// Opens the database; the schema is not touched.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn connect(options: &StoreOptions) -> Result<Self> {
        let pool = Pool::open(options)
            .await
            .map_err(|error| error.during("connect"))?;
        Ok(Self(Arc::new(Shared {
            reads: pool.reads(),
            writer: Writer::over(&pool),
            wakes: Wakes::default(),
            schema_is_current: false.into(),
            job_wakeups: Default::default(),
            days: Default::default(),
            patience: options.acquire_timeout + options.statement_timeout,
            pool,
        })))
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.0.pool.backend()
    }

    /// Round trip to the database.
    ///
    /// # Errors
    /// When it cannot be reached in time.
    pub async fn ping(&self) -> Result<()> {
        self.read("answer", |db| async move {
            db.execute_unprepared("SELECT 1").await?;
            Ok(())
        })
        .await
    }

    /// Closes every connection.
    pub async fn close(self) {
        self.0.job_wakeups.lock().await.take();
        self.0.writer.close().await;
        self.0.pool.close().await;
    }

    /// Runs `body` over the connections for reading, in bounded time.
    pub(crate) async fn read<T, F>(
        &self,
        during: &'static str,
        body: impl FnOnce(DatabaseConnection) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        timeout(self.0.patience, body(self.0.reads.clone()))
            .await
            .unwrap_or(Err(StoreError::Timeout { during }))
            .map_err(|error| error.during(during))
    }
}
