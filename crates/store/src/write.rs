//! The one way to write: a transaction with bounded retry, in bounded time.

mod group;
pub(crate) mod request;

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use parking_lot::Mutex;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, FromQueryResult, TransactionTrait as _, Value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tandem_domain::id::MarketplaceId;
use tokio::time::timeout;

use crate::Store;
use crate::connect::Pool;
use crate::context::WriteContext;
use crate::error::{Result, StoreError};
use crate::sql;
use crate::wake::{Wake, WakeSet};
use group::GroupCommit;

/// A worker that hangs between two statements must not keep what it locked: rows that others could relay or take, the
/// counter that they beat on, levels that are reported. The server ends its session after this time, which is shorter
/// than the one after which gateways distrust their view.
pub(crate) const LET_GO: &str = "500ms";

/// An open transaction.
pub(crate) struct Tx {
    conn: DatabaseTransaction,
    backend: DbBackend,
    wakes: WakeSet,
    words: Mutex<Words>,
}

/// What a commit says to relays.
#[derive(Debug, Default)]
enum Words {
    #[default]
    None,
    One(MarketplaceId, String),
    /// More than one word holds.
    Many,
}

impl Tx {
    fn over(conn: DatabaseTransaction, backend: DbBackend) -> Self {
        Self {
            conn,
            backend,
            wakes: WakeSet::default(),
            words: Mutex::default(),
        }
    }

    /// Once the body has ended, nobody else holds it.
    fn into_parts(this: Arc<Self>) -> (DatabaseTransaction, WakeSet) {
        let Self { conn, wakes, .. } =
            Arc::into_inner(this).expect("a body keeps nothing of its transaction");
        (conn, wakes)
    }

    /// For entities, which take any connection.
    pub(crate) const fn conn(&self) -> &DatabaseTransaction {
        &self.conn
    }

    pub(crate) const fn backend(&self) -> DbBackend {
        self.backend
    }

    pub(crate) async fn execute(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64> {
        sql::execute(&self.conn, sql, values).await
    }

    pub(crate) async fn all<R: FromQueryResult>(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<R>> {
        sql::all(&self.conn, sql, values).await
    }

    pub(crate) async fn one<R: FromQueryResult>(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<R>> {
        sql::one(&self.conn, sql, values).await
    }

    pub(crate) async fn number(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<i64>> {
        sql::number(&self.conn, sql, values).await
    }

    /// Lets statements take as long as they need, in this transaction.
    pub(crate) async fn lift_timeout(&self) -> Result<()> {
        if self.backend == DbBackend::Postgres {
            self.execute("SET LOCAL statement_timeout = 0", []).await?;
        }
        Ok(())
    }

    /// Has the server end this transaction if it hangs: see [`LET_GO`].
    pub(crate) async fn let_go(&self) -> Result<()> {
        if self.backend == DbBackend::Postgres {
            let limit = format!("SET LOCAL idle_in_transaction_session_timeout = '{LET_GO}'");
            self.execute(limit, []).await?;
        }
        Ok(())
    }

    /// Wakes those who wait for `wake`, once this is committed.
    pub(crate) fn wake(&self, wake: Wake) {
        self.wakes.add(wake);
    }

    /// Says what was changed in a marketplace to the relays that are woken, as far as one word holds it.
    pub(crate) fn say(&self, marketplace: &MarketplaceId, word: Option<String>) {
        let mut words = self.words.lock();
        *words = match (&*words, word) {
            (Words::None, Some(word)) => Words::One(marketplace.clone(), word),
            _ => Words::Many,
        };
    }

    /// Other processes are told by the database, in the transaction.
    async fn notify(&self) -> Result<()> {
        if self.backend != DbBackend::Postgres {
            return Ok(());
        }
        for wake in self.wakes.iter() {
            let words = match wake {
                Wake::Outbox => std::mem::take(&mut *self.words.lock()),
                Wake::Jobs | Wake::StockInbox => Words::None,
            };
            let channel = wake.channel();
            match words {
                Words::One(marketplace, word) => {
                    self.execute(TELL, [channel.into(), marketplace.as_str().into(), word.into()])
                        .await?
                }
                Words::None | Words::Many => {
                    self.execute("SELECT pg_notify($1, '')", [channel.into()]).await?
                }
            };
        }
        Ok(())
    }
}

/// A word, behind the epoch of its marketplace.
const TELL: &str = "SELECT pg_notify($1, coalesce(
    (SELECT store_epoch FROM marketplaces WHERE marketplace_id = $2)::text || ' ' || $3, ''))";

/// How a backend commits.
#[derive(Debug)]
pub(crate) enum Writer {
    /// SQLite allows one writer: those that wait for it share a commit, and its fsync.
    Sqlite(GroupCommit),
    /// PostgreSQL shares the fsync of concurrent commits itself.
    Postgres(DatabaseConnection),
}

impl Writer {
    pub(crate) fn over(pool: &Pool) -> Self {
        match pool {
            Pool::Sqlite { .. } => Self::Sqlite(GroupCommit::over(pool.writes())),
            Pool::Postgres { .. } => Self::Postgres(pool.writes()),
        }
    }

    pub(crate) async fn close(&self) {
        if let Self::Sqlite(group) = self {
            group.close().await;
        }
    }

    async fn transact<T, F>(&self, body: impl FnOnce(Arc<Tx>) -> F) -> Result<(T, WakeSet)>
    where
        F: Future<Output = Result<T>>,
    {
        match self {
            Self::Sqlite(group) => group.transact(body).await,
            Self::Postgres(db) => {
                let tx = Arc::new(Tx::over(db.begin().await?, DbBackend::Postgres));
                // Whatever leaves early is rolled back when `tx` is dropped.
                let value = body(Arc::clone(&tx)).await?;
                tx.notify().await?;
                let (conn, wakes) = Tx::into_parts(tx);
                conn.commit().await?;
                Ok((value, wakes))
            }
        }
    }
}

/// Waits 5, 10, 20, … ms, with jitter: losers of a deadlock come back one after the other.
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(5))
    .with_max_delay(Duration::from_millis(100))
    .with_max_times(6)
    .with_jitter();

impl Store {
    /// Runs `body` in a transaction, in bounded time. It may run several times; only the last one counts.
    pub(crate) async fn transaction<T, F>(
        &self,
        during: &'static str,
        body: impl Fn(Arc<Tx>) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        timeout(self.0.patience, self.bulk_transaction(during, body))
            .await
            .unwrap_or(Err(StoreError::Timeout { during }))
    }

    /// As [`transaction`](Self::transaction), for as long as it takes.
    pub(crate) async fn bulk_transaction<T, F>(
        &self,
        during: &'static str,
        body: impl Fn(Arc<Tx>) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.require_schema().await?;
        self.unchecked_transaction(during, body).await
    }

    /// As [`bulk_transaction`](Self::bulk_transaction), whatever the schema.
    #[tracing::instrument(name = "store.write", skip_all, fields(db.operation.name = during), err(level = "debug"))]
    pub(crate) async fn unchecked_transaction<T, F>(
        &self,
        during: &'static str,
        body: impl Fn(Arc<Tx>) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let (value, wakes) = (|| self.0.writer.transact(&body))
            .retry(RETRY)
            .when(StoreError::is_contention)
            .notify(|error, pause| tracing::debug!(?error, ?pause, during, "transaction runs again"))
            .await
            .map_err(|error| error.during(during))?;
        for wake in wakes.iter() {
            self.0.wakes.of(wake).notify_one();
        }
        Ok(value)
    }

    /// As [`transaction`](Self::transaction), once per request id: what was answered first is answered again.
    pub(crate) async fn answer<T, F>(
        &self,
        ctx: &WriteContext,
        during: &'static str,
        body: impl Fn(Arc<Tx>) -> F,
    ) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T>>,
    {
        let body = &body;
        self.transaction(during, |tx| async move {
            match &ctx.request {
                None => body(tx).await,
                Some(request) => request::once(&tx, ctx, request, || body(Arc::clone(&tx))).await,
            }
        })
        .await
    }
}
