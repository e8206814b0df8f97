//! Group commit for SQLite.
//!
//! Callers take turns on one open transaction, each under its own savepoint, then queue again to see it committed. The
//! queue is fair, so all who were waiting have had their turn by the time the first comes back; it commits for all. A
//! lone caller finds the queue empty and commits at once: nobody waits for company.
//!
//! A call may be cancelled at any point. While it has the turn it also holds the transaction, which is rolled back with
//! it; the others then start over. A commit that was begun stays in the slot: whoever comes next sees it through.
//! Whoever leaves last rolls back what nobody waits for any more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, OnceLock, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};
use tokio::sync::Mutex;

use super::Tx;
use crate::error::{Result, StoreError};
use crate::wake::WakeSet;

/// The transaction was rolled back with somebody else's turn; the retry of every write makes up for it.
const START_OVER: StoreError = StoreError::Busy { during: "commit" };
/// Nobody can know whether a cancelled commit took place.
const UNDECIDED: StoreError = StoreError::Timeout { during: "commit" };

/// The writer of a SQLite file.
#[derive(Debug)]
pub(crate) struct GroupCommit {
    db: DatabaseConnection,
    open: Mutex<Slot>,
    /// Members leave one at a time, so that the last one knows that it is the last.
    leaving: SyncMutex<()>,
}

impl GroupCommit {
    pub(super) fn over(db: DatabaseConnection) -> Self {
        Self {
            db,
            open: Mutex::default(),
            leaving: SyncMutex::new(()),
        }
    }

    pub(super) async fn close(&self) {
        *self.open.lock().await = Slot::default();
    }

    pub(super) async fn transact<T, F>(&self, body: impl FnOnce(Arc<Tx>) -> F) -> Result<(T, WakeSet)>
    where
        F: Future<Output = Result<T>>,
    {
        let mut member = Member {
            group: self,
            fate: None,
        };
        let done = member.take_turn(body).await?;
        member.see_committed().await?;
        Ok(done)
    }

    async fn begin(&self) -> Result<Batch> {
        let options = TransactionOptions {
            // A deferred transaction that turns to writing fails at once when another process wrote meanwhile.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let conn = self.db.begin_with_options(options).await?;
        let fate = Decision {
            fate: Arc::default(),
            otherwise: START_OVER,
        };
        Ok(Batch { conn, decision: fate })
    }
}

/// One call on its way through the group.
struct Member<'g> {
    group: &'g GroupCommit,
    /// What it waits for, once it has had its turn.
    fate: Option<Arc<Fate>>,
}

impl Member<'_> {
    async fn take_turn<T, F>(&mut self, body: impl FnOnce(Arc<Tx>) -> F) -> Result<(T, WakeSet)>
    where
        F: Future<Output = Result<T>>,
    {
        let mut open = self.group.open.lock().await;
        // Out of the slot while it is in use: cancelled or failed half-way, it is dropped, which rolls it back.
        open.see_through().await;
        let batch = match open.batch.take() {
            Some(batch) => batch,
            None => self.group.begin().await?,
        };
        let tx = Arc::new(Tx::over(batch.conn.begin().await?, DbBackend::Sqlite));
        let done = body(Arc::clone(&tx)).await;
        let (savepoint, wakes) = Tx::into_parts(tx);
        match done {
            Ok(value) => {
                savepoint.commit().await?;
                self.fate = Some(batch.decision.await_it());
                open.batch = Some(batch);
                Ok((value, wakes))
            }
            Err(error) => {
                // SQLite itself rolls everything back on some errors; then the savepoint is gone, and the batch with it.
                if savepoint.rollback().await.is_ok() && batch.decision.fate.is_awaited() {
                    open.batch = Some(batch);
                }
                Err(error)
            }
        }
    }

    async fn see_committed(&self) -> Result<()> {
        let fate = self.fate.as_ref().expect("it has had its turn");
        let mut open = self.group.open.lock().await;
        if fate.outcome.get().is_none()
            && let Some(batch) = open.batch.take()
        {
            open.committing = Some((Arc::clone(&batch.decision.fate), batch.commit().boxed()));
        }
        open.see_through().await;
        fate.outcome.get().cloned().expect("a committed batch is decided")
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        let _one_at_a_time = self.group.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fate) = self.fate.take() {
            fate.awaiting.fetch_sub(1, Ordering::AcqRel);
        }
        // Whoever has the turn or queues for it will pass here, too.
        if let Ok(mut open) = self.group.open.try_lock() {
            open.batch.take_if(|batch| !batch.decision.fate.is_awaited());
            open.committing.take_if(|(fate, _)| !fate.is_awaited());
        }
    }
}

/// What the group has under way: a transaction that takes turns, or one that is being committed.
#[derive(Default)]
struct Slot {
    batch: Option<Batch>,
    committing: Option<(Arc<Fate>, BoxFuture<'static, ()>)>,
}

impl Slot {
    /// Ends a commit that was begun. Cancelled, it stays for whoever comes next.
    async fn see_through(&mut self) {
        if let Some((_, commit)) = &mut self.committing {
            commit.await;
            self.committing = None;
        }
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("batch", &self.batch)
            .field("committing", &self.committing.is_some())
            .finish()
    }
}

/// A transaction that several calls share.
#[derive(Debug)]
struct Batch {
    conn: DatabaseTransaction,
    decision: Decision,
}

impl Batch {
    async fn commit(self) {
        let Self { conn, mut decision } = self;
        decision.otherwise = UNDECIDED;
        let outcome = conn.commit().await.map_err(StoreError::from);
        decision.decide(outcome);
    }
}

/// The side of a batch that decides its fate, at the latest when it is dropped.
#[derive(Debug)]
struct Decision {
    fate: Arc<Fate>,
    otherwise: StoreError,
}

/// The side of a batch that its members wait for.
#[derive(Debug, Default)]
struct Fate {
    outcome: OnceLock<Result<()>>,
    awaiting: AtomicUsize,
}

impl Fate {
    fn is_awaited(&self) -> bool {
        self.awaiting.load(Ordering::Acquire) > 0
    }
}

impl Decision {
    fn await_it(&self) -> Arc<Fate> {
        self.fate.awaiting.fetch_add(1, Ordering::AcqRel);
        Arc::clone(&self.fate)
    }

    fn decide(&self, outcome: Result<()>) {
        // The first word counts: what follows is the drop of what was decided.
        let _ = self.fate.outcome.set(outcome);
    }
}

impl Drop for Decision {
    fn drop(&mut self) {
        self.decide(Err(self.otherwise.clone()));
    }
}
