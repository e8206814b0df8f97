//! From the outbox into the stream of changes.
//!
//! **Invariant**: a change is appended before the claim on its outbox row is committed. Dying in between appends it
//! again later, and versions make that harmless; the other order would lose it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tandem_cache::error::CacheError;
use tandem_cache::port::Cache;
use tandem_domain::change::Envelope;
use tandem_domain::clock::SharedClock;
use tandem_domain::id::MarketplaceId;
use tandem_store::{Relayed, Store, StoreError, Wakeups};

use crate::ahead;
use crate::config::RelayConfig;
use crate::deps::Deps;
use crate::metrics::Metrics;
use crate::queue::{Heard, Queue};

/// Moves committed changes from SQL into the stream; any number may run at once.
#[derive(Clone)]
pub struct Relay {
    store: Store,
    cache: Arc<dyn Cache>,
    clock: SharedClock,
    settings: RelayConfig,
    metrics: Metrics,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// A relay that has not begun.
    pub fn new(deps: &Deps, settings: RelayConfig) -> Self {
        Self {
            store: deps.store.clone(),
            cache: deps.cache.clone(),
            clock: deps.clock.clone(),
            settings,
            metrics: Metrics::global(),
        }
    }

    /// Sends what is in the outbox until it is empty; returns how many changes that were. What cannot be read, or is of no
    /// marketplace, becomes a dead letter.
    ///
    /// # Errors
    /// When SQL or the cache fails; what was not appended stays in the outbox.
    pub async fn drain(&self) -> Result<u64, StoreError> {
        let mut sent = 0;
        loop {
            let pass = self.pass().await?;
            sent += pass.sent;
            if !pass.remaining_hint {
                return Ok(sent);
            }
        }
    }

    /// Sends one batch.
    async fn pass(&self) -> Result<Relayed, StoreError> {
        let begun = Instant::now();
        let relayed = self
            .store
            .relay_outbox(self.settings.batch, self.clock.now(), |envelopes| {
                self.append(envelopes)
            })
            .await?;
        if relayed.set_aside > 0 {
            self.metrics.set_aside(relayed.set_aside);
            tracing::error!(
                outbox.rows = relayed.set_aside,
                "set rows of the outbox aside that cannot be sent: see `tandem deadletter list`"
            );
        }
        if relayed.sent > 0 {
            self.metrics.relayed(relayed.sent, begun.elapsed());
        }
        Ok(relayed)
    }

    async fn append(&self, envelopes: Vec<Envelope>) -> Result<(), CacheError> {
        let appends = by_marketplace(envelopes);
        try_join_all(
            appends
                .iter()
                .map(|(marketplace, envelopes)| self.cache.append(marketplace, envelopes)),
        )
        .await?;
        Ok(())
    }
}

impl Queue for Relay {
    const TROUBLE: &'static str = "the outbox cannot be relayed for now";

    async fn wakeups(&self) -> Result<Wakeups, StoreError> {
        self.store.outbox_wakeups().await
    }

    async fn hear(&self, said: Vec<Envelope>) -> Heard {
        let mut stand = !said.is_empty();
        for (marketplace, envelopes) in by_marketplace(said) {
            stand &= ahead::put(&*self.cache, &marketplace, &envelopes).await;
        }
        if stand { Heard::Done } else { Heard::Wake }
    }

    async fn take(&self) -> Result<bool, StoreError> {
        Ok(self.pass().await?.remaining_hint)
    }

    fn idle(&self) -> Duration {
        self.settings.idle
    }

    fn count_failure(&self) {
        self.metrics.relay_failed();
    }
}

/// The envelopes of each marketplace, in the order in which they stand.
fn by_marketplace(envelopes: Vec<Envelope>) -> Vec<(MarketplaceId, Vec<Envelope>)> {
    let mut groups: Vec<(MarketplaceId, Vec<Envelope>)> = Vec::new();
    for envelope in envelopes {
        match groups
            .iter_mut()
            .find(|(marketplace, _)| *marketplace == envelope.marketplace)
        {
            Some((_, group)) => group.push(envelope),
            None => groups.push((envelope.marketplace.clone(), vec![envelope])),
        }
    }
    groups
}
