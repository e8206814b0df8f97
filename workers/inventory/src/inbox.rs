//! From the inbox, where other services write stock, into the levels of the store.
//!
//! **Invariant**: rows are deleted in the transaction that applies them. Dying anywhere leaves both undone.

use std::time::Duration;

use tandem_domain::change::Envelope;
use tandem_domain::clock::SharedClock;
use tandem_store::{Store, StoreError, Wakeups};

use crate::config::InboxConfig;
use crate::deps::Deps;
use crate::metrics::Metrics;
use crate::queue::{Heard, Queue};

/// Applies rows of the inbox as if they had been reported; any number may run at once.
pub(crate) struct Inbox {
    store: Store,
    clock: SharedClock,
    settings: InboxConfig,
    metrics: Metrics,
}

impl Inbox {
    /// One that has not begun.
    pub(crate) fn new(deps: &Deps, settings: InboxConfig) -> Self {
        Self {
            store: deps.store.clone(),
            clock: deps.clock.clone(),
            settings,
            metrics: Metrics::global(),
        }
    }
}

impl Queue for Inbox {
    const TROUBLE: &'static str = "the inbox cannot be taken for now";

    async fn wakeups(&self) -> Result<Wakeups, StoreError> {
        self.store.stock_inbox_wakeups().await
    }

    /// Nobody says anything of stock: it is in the rows.
    async fn hear(&self, _: Vec<Envelope>) -> Heard {
        Heard::Wake
    }

    /// Rows that are refused become dead letters.
    async fn take(&self) -> Result<bool, StoreError> {
        let pass = self
            .store
            .take_stock_inbox(self.settings.batch, self.clock.now())
            .await?;
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
        Ok(pass.remaining_hint)
    }

    fn idle(&self) -> Duration {
        self.settings.idle
    }

    fn count_failure(&self) {
        self.metrics.inbox_failed();
    }
}
