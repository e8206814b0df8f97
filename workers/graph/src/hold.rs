//! Holding a job while it is worked on.
//!
//! **Invariant**: a lease bounds the work. It is renewed beside the work; when it cannot be, the work is dropped before
//! the lease runs out, and whatever it would still write is refused by its fence.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tandem_runtime::backoff::chain;
use tandem_store::{ClaimedJob, Lease, Store, StoreError};
use tokio::time::sleep;

use crate::error::WorkError;

/// A claimed job whose lease is kept up.
pub(crate) struct Hold {
    store: Store,
    span: Duration,
    lease: Mutex<(Lease, Instant)>,
}

impl Hold {
    /// Holds a job claimed for `span`, asked for at `asked` by the monotonic clock.
    pub(crate) fn new(store: Store, claimed: &ClaimedJob, span: Duration, asked: Instant) -> Self {
        Self {
            store,
            span,
            lease: Mutex::new((claimed.lease.clone(), asked)),
        }
    }

    /// The lease as last renewed.
    pub(crate) fn lease(&self) -> Lease {
        self.lease.lock().0.clone()
    }

    /// Works while the lease holds.
    pub(crate) async fn during<T>(
        &self,
        work: impl Future<Output = Result<T, WorkError>>,
    ) -> Result<T, WorkError> {
        let done = tokio::select! {
            done = work => done,
            lost = self.keep() => Err(lost),
        };
        match done {
            // A worker that was paused wakes to timeouts of its own, too; what ended its hold is the pause.
            Err(error) if error.is_passing() && self.left().is_zero() => Err(WorkError::LeaseLost),
            done => done,
        }
    }

    /// Gives the job back at once, for another worker to claim.
    pub(crate) async fn give_back(&self) -> Result<(), StoreError> {
        self.store
            .renew_job(&self.lease(), Duration::ZERO)
            .await
            .map(drop)
    }

    /// Renews until the lease is lost. The wall clock orders nothing here: what is left is told by the monotonic one.
    async fn keep(&self) -> WorkError {
        loop {
            sleep(self.span / 4).await;
            let asked = Instant::now();
            let held = self.lease();
            let renewed = self.store.renew_job(&held, self.span);
            match tokio::time::timeout(self.left(), renewed).await {
                Ok(Ok(lease)) => *self.lease.lock() = (lease, asked),
                Ok(Err(StoreError::LeaseLost)) | Err(_) => return WorkError::LeaseLost,
                Ok(Err(error)) => {
                    tracing::warn!(error = chain(&error), "the lease cannot be renewed for now");
                    if self.left().is_zero() {
                        return WorkError::LeaseLost;
                    }
                }
            }
        }
    }

    /// What is left of the lease, less a tenth for clocks that run at different speeds.
    fn left(&self) -> Duration {
        let since = self.lease.lock().1.elapsed();
        (self.span * 9 / 10).saturating_sub(since)
    }
}
