//! The full pass once per interval, or when somebody asks for it.

use std::sync::Arc;
use std::time::Duration;

use tandem_cache::lease::Hold;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tokio::sync::Notify;

use super::{Mode, Reconciled, reconcile};
use crate::deps::Deps;
use crate::error::PassError;
use crate::patience::{Patience, pause};

/// Held for one interval and never given back: whichever worker comes first does the pass for all.
const LEASE: &str = "reconcile";

/// Asks for full passes out of turn.
#[derive(Debug, Clone, Default)]
pub(crate) struct Need(Arc<Notify>);

impl Need {
    /// Asks once, of every marketplace's pass.
    pub(crate) fn ask(&self) {
        self.0.notify_waiters();
    }
}

/// Reconciles once per interval over all workers, and whenever it is asked to, until the shutdown.
pub(crate) async fn run(
    deps: Deps,
    marketplace: MarketplaceId,
    holder: String,
    every: Duration,
    need: Need,
    shutdown: Shutdown,
) {
    while !shutdown.is_soft() {
        let asked = need.0.notified();
        tokio::select! {
            () = pause(every, &shutdown), if !every.is_zero() => {
                let turn = turn(&deps, &marketplace, &holder, every);
                tokio::select! {
                    pass = turn => report(&marketplace, pass),
                    () = shutdown.soft() => return,
                }
            }
            () = asked => at_last(&deps, &marketplace, &shutdown).await,
            () = shutdown.soft() => return,
        }
    }
}

/// A pass that is needed is tried until it succeeds.
async fn at_last(deps: &Deps, marketplace: &MarketplaceId, shutdown: &Shutdown) {
    let mut patience = Patience::new();
    while !shutdown.is_soft() {
        let pass = tokio::select! {
            pass = reconcile(&deps.store, &*deps.cache, marketplace, Mode::Mend) => pass.map(Some),
            () = shutdown.soft() => return,
        };
        let done = pass.is_ok();
        report(marketplace, pass);
        if done {
            return;
        }
        patience.wait(shutdown).await;
    }
}

fn report(marketplace: &MarketplaceId, pass: Result<Option<Reconciled>, PassError>) {
    match pass {
        Ok(Some(found)) => tracing::info!(
            marketplace.id = %marketplace,
            reconcile.checked = found.checked,
            reconcile.drift = found.drift.total(),
            reconcile.mended = found.mended,
            "compared SQL with the cache"
        ),
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(marketplace.id = %marketplace, error = chain(&error), "the full pass failed");
        }
    }
}

async fn turn(
    deps: &Deps,
    marketplace: &MarketplaceId,
    holder: &str,
    every: Duration,
) -> Result<Option<Reconciled>, PassError> {
    // A little less than the interval, so that the same worker may do the next pass.
    let span = every * 9 / 10;
    match deps.cache.hold(marketplace, LEASE, holder, span).await? {
        Hold::Taken => reconcile(&deps.store, &*deps.cache, marketplace, Mode::Mend)
            .await
            .map(Some),
        Hold::Kept | Hold::Elsewhere => Ok(None),
    }
}
