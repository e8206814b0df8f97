//! Deleting what outlived its stated lifetime, in bounded batches.

use std::collections::VecDeque;
use std::time::Duration;

use tandem_domain::clock::Timestamp;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{Kept, Store, StoreError};

use crate::config::LifetimesConfig;
use crate::deps::Deps;
use crate::metrics::Metrics;
use crate::patience::pause;
use crate::reconcile::Need;

/// Sweeps the tables of all marketplaces.
#[derive(Debug)]
pub struct Sweep {
    store: Store,
    settings: LifetimesConfig,
    outbox: OutboxAges,
    metrics: Metrics,
}

impl Sweep {
    /// A sweep that has not begun.
    #[must_use]
    pub fn new(deps: &Deps, settings: LifetimesConfig) -> Self {
        Self {
            store: deps.store.clone(),
            settings,
            outbox: OutboxAges::default(),
            metrics: Metrics::global(),
        }
    }

    /// Deletes all that is too old at `now`; returns how many changes left the outbox unsent: after that, only a full
    /// pass puts what they said.
    ///
    /// # Errors
    /// When SQL fails; it may be run again.
    pub async fn turn(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        for kept in Kept::ALL {
            let before = now.minus(self.settings.of(kept));
            let (store, batch) = (&self.store, self.settings.batch);
            let swept = all(batch, async || store.sweep(kept, before, batch).await).await?;
            self.metrics.swept(kept.table(), swept);
        }
        let newest = self.store.newest_in_outbox().await?;
        let Some(up_to) = self.outbox.too_old(now, newest, self.settings.outbox) else {
            return Ok(0);
        };
        let (store, batch) = (&self.store, self.settings.batch);
        let swept = all(batch, async || store.sweep_outbox(up_to, batch).await).await?;
        self.metrics.swept("outbox", swept);
        Ok(swept)
    }

    /// Sweeps again and again, until the shutdown. Asks for a full pass when changes were deleted unsent.
    pub(crate) async fn run(mut self, deps: Deps, need: Need, shutdown: Shutdown) {
        if self.settings.every.is_zero() {
            return;
        }
        while !shutdown.is_soft() {
            let turn = tokio::select! {
                turn = self.turn(deps.clock.now()) => turn,
                () = shutdown.soft() => return,
            };
            match turn {
                Ok(0) => {}
                Ok(swept) => {
                    tracing::error!(
                        outbox.rows = swept,
                        "changes outlived the outbox unsent: a full pass puts them"
                    );
                    need.ask();
                }
                Err(error) => tracing::warn!(error = chain(&error), "old rows cannot be swept for now"),
            }
            pause(self.settings.every, &shutdown).await;
        }
    }
}

/// Batch after batch, until one is not full.
async fn all<F>(batch: u32, sweep: impl Fn() -> F) -> Result<u64, StoreError>
where
    F: Future<Output = Result<u64, StoreError>>,
{
    let mut sum = 0;
    loop {
        let swept = sweep().await?;
        sum += swept;
        if swept < u64::from(batch) {
            return Ok(sum);
        }
    }
}

/// How old the rows of the outbox are at least. Rows carry no time, since every write would pay for it: what stood
/// there at an earlier look is at least as old as that look. A restart begins to count anew.
#[derive(Debug, Default)]
struct OutboxAges(VecDeque<(Timestamp, u64)>);

impl OutboxAges {
    /// The highest number that is older than `lifetime`, given the newest of this moment.
    fn too_old(&mut self, now: Timestamp, newest: Option<u64>, lifetime: Duration) -> Option<u64> {
        let Some(newest) = newest else {
            self.0.clear();
            return None;
        };
        if self.0.back().is_none_or(|(_, before)| *before < newest) {
            self.0.push_back((now, newest));
        }
        let mut found = None;
        while let Some((seen, number)) = self.0.front().copied() {
            if seen.plus(lifetime) > now {
                break;
            }
            found = Some(number);
            self.0.pop_front();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_millis(10);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn what_stood_there_a_lifetime_ago_is_too_old() {
        let mut ages = OutboxAges::default();
        assert_eq!(ages.too_old(at(0), Some(3), LIFETIME), None);
        assert_eq!(ages.too_old(at(5), Some(7), LIFETIME), None);
        assert_eq!(ages.too_old(at(10), Some(9), LIFETIME), Some(3));
        assert_eq!(ages.too_old(at(16), Some(9), LIFETIME), Some(7));
        assert_eq!(ages.too_old(at(17), Some(9), LIFETIME), None);
    }

    #[test]
    fn an_outbox_that_ran_dry_is_young_again() {
        let mut ages = OutboxAges::default();
        ages.too_old(at(0), Some(3), LIFETIME);
        assert_eq!(ages.too_old(at(5), None, LIFETIME), None);
        assert_eq!(ages.too_old(at(20), Some(4), LIFETIME), None);
    }
}
