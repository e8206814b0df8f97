//! From the inbox, where other services write stock, into the levels of the store.
//!
//! **Invariant**: rows are deleted in the transaction that applies them. Dying anywhere leaves both undone.

use std::time::Duration;

use tandem_domain::clock::SharedClock;
use tandem_store::{Store, StoreError, Wakeups};

use crate::config::InboxConfig;
use crate::deps::Deps;
use crate::metrics::Metrics;
use crate::queue::Queue;

/// Applies rows of the inbox as if they had been reported; any number may run at once.
#[derive(Clone)]
pub struct Inbox {
    store: Store,
    clock: SharedClock,
    settings: InboxConfig,
    metrics: Metrics,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Inbox {
    /// One that has not begun.
    #[must_use]
    pub fn new(deps: &Deps, settings: InboxConfig) -> Self {
        Self {
            store: deps.store.clone(),
            clock: deps.clock.clone(),
            settings,
            metrics: Metrics::global(),
        }
    }

    /// Takes what is in the inbox until it is empty; returns how many rows were taken. Rows that are refused become dead
    /// letters.
    ///
    /// # Errors
    /// When SQL fails; what was not taken stays in the inbox.
    pub async fn drain(&self) -> Result<u64, StoreError> {
        let mut taken = 0;
        loop {
            let pass = self
                .store
                .take_stock_inbox(self.settings.batch, self.clock.now())
                .await?;
            taken += pass.taken;
            self.metrics.received(pass.taken);
            self.metrics.set_aside(pass.set_aside.len() as u64);
            for row in &pass.set_aside {
                tracing::error!(
                    marketplace.id = row.marketplace,
                    stock_inbox.of = row.subject,
                    error = row.reason,
                    "set a row of the inbox aside: see `tandem deadletter list`"
                );
            }
            if !pass.remaining_hint {
                return Ok(taken);
            }
        }
    }
}

impl Queue for Inbox {
    const TROUBLE: &'static str = "the inbox cannot be taken for now";

    async fn wakeups(&self) -> Result<Wakeups, StoreError> {
        self.store.stock_inbox_wakeups().await
    }

    async fn empty(&self) -> Result<(), StoreError> {
        self.drain().await.map(|_| ())
    }

    fn idle(&self) -> Duration {
        self.settings.idle
    }

    fn count_failure(&self) {
        self.metrics.inbox_failed();
    }
}
