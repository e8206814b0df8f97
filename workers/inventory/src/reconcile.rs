//! The periodic full pass: whatever the messages missed, state decides.

use std::time::Duration;

use tandem_cache::lease::Hold;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;

use crate::deps::Deps;
use crate::error::PassError;
use crate::metrics::Metrics;
use crate::patience::pause;
use crate::replay::replay;

/// Held for one interval and never given back: whichever worker comes first does the pass for all.
const LEASE: &str = "reconcile";

/// What a full pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconciled {
    /// Records compared.
    pub checked: u64,
    /// Records that were behind SQL and are not any more, what was under way at that moment included. Cards are put
    /// too, but not counted here.
    pub newer: u64,
}

/// Compares every record of SQL with the cache and puts those that are newer.
///
/// # Errors
/// When SQL or the cache fails; it may be run again.
#[tracing::instrument(name = "inventory.reconcile", skip_all, fields(marketplace.id = %marketplace))]
pub async fn reconcile(deps: &Deps, marketplace: &MarketplaceId) -> Result<Reconciled, PassError> {
    let store_epoch = deps.store.store_epoch(marketplace).await?;
    let put = replay(deps, marketplace, store_epoch, &|_| {}).await?;
    Metrics::global().reconciled(put.checked, put.newer);
    Ok(Reconciled {
        checked: put.checked,
        newer: put.newer,
    })
}

/// Reconciles once per interval, over all workers, until the shutdown.
pub(crate) async fn run(
    deps: Deps,
    marketplace: MarketplaceId,
    holder: String,
    every: Duration,
    shutdown: Shutdown,
) {
    if every.is_zero() {
        return;
    }
    loop {
        pause(every, &shutdown).await;
        if shutdown.is_soft() {
            return;
        }
        let pass = tokio::select! {
            pass = turn(&deps, &marketplace, &holder, every) => pass,
            () = shutdown.soft() => return,
        };
        match pass {
            Ok(Some(found)) => tracing::info!(
                marketplace.id = %marketplace,
                reconcile.checked = found.checked,
                reconcile.newer = found.newer,
                "compared SQL with the cache"
            ),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(marketplace.id = %marketplace, error = chain(&error), "the full pass failed");
            }
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
        Hold::Taken => reconcile(deps, marketplace).await.map(Some),
        Hold::Kept | Hold::Elsewhere => Ok(None),
    }
}
