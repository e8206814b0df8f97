//! Whether the database can be worked with: reachable, and with the schema that this binary knows.

use std::sync::Arc;
use std::time::Duration;

use tandem_domain::catalog::Marketplace;
use tandem_domain::clock::SharedClock;
use tandem_domain::id::ShopId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_runtime::readiness::Check;
use tandem_runtime::status::Refusal;
use tandem_store::{SchemaStatus, Store, StoreError};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::refusal::{schema_mismatch, unavailable};

/// Lets calls through while the schema fits. Clones share their state.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<watch::Sender<State>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has looked yet.
    Unknown,
    Fits,
    Mismatch(String),
}

impl Gate {
    /// A gate that is closed until somebody has looked at the schema.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::Unknown)))
    }

    /// An open gate.
    #[cfg(test)]
    pub(crate) fn open() -> Self {
        Self(Arc::new(watch::Sender::new(State::Fits)))
    }

    /// Whether a call may go on.
    pub(crate) fn pass(&self) -> Result<(), Refusal> {
        match &*self.0.borrow() {
            State::Fits => Ok(()),
            State::Unknown => Err(unavailable()),
            State::Mismatch(why) => Err(schema_mismatch(why)),
        }
    }

    fn set(&self, state: State) {
        self.0.send_replace(state);
    }
}

/// Looks at the database again and again; readiness and gate follow what it sees.
pub(crate) struct Inspector {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) marketplace: Marketplace,
    pub(crate) shop: ShopId,
    pub(crate) interval: Duration,
    pub(crate) check: Check,
    pub(crate) gate: Gate,
}

impl Inspector {
    /// One look after the other until the shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.soft() => return,
                () = sleep(self.interval) => self.look().await,
            }
        }
    }

    /// One look.
    pub(crate) async fn look(&self) {
        match self.inspect().await {
            Ok(State::Mismatch(why)) => {
                self.check.not_ready(why.as_str());
                self.gate.set(State::Mismatch(why));
            }
            Ok(state) => {
                self.check.ready();
                self.gate.set(state);
            }
            // Calls go on and find out for themselves; the database may be back before the next look.
            Err(error) => {
                tracing::warn!(error = chain(&error), "the database cannot be worked with");
                self.check.not_ready("the database cannot be reached");
            }
        }
    }

    async fn inspect(&self) -> Result<State, StoreError> {
        let why = match self.store.schema_status().await? {
            SchemaStatus::Current => {
                self.ensure_marketplace().await?;
                return Ok(State::Fits);
            }
            SchemaStatus::Pending(names) => format!("migrations are pending: {}", names.join(", ")),
            SchemaStatus::Newer(names) => {
                format!("the schema is newer than this binary: {}", names.join(", "))
            }
        };
        tracing::warn!(reason = why, "the schema does not fit");
        Ok(State::Mismatch(why))
    }

    /// Once per schema that fits: nobody else makes a marketplace, and nobody removes one.
    async fn ensure_marketplace(&self) -> Result<(), StoreError> {
        if self.gate.pass().is_ok() {
            return Ok(());
        }
        let now = self.clock.now();
        self.store
            .ensure_marketplace(&self.marketplace, &self.shop, now)
            .await
    }
}
