//! Signs of life: they prove that SQL, relay, worker and stream all move.

use std::time::Duration;

use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::Store;
use tokio::time::{MissedTickBehavior, interval};

/// Writes a beat of a marketplace every `every`, until the shutdown. A beat that fails is left out.
pub(crate) async fn run(store: Store, marketplace: MarketplaceId, every: Duration, shutdown: Shutdown) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beating = true;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.soft() => return,
        }
        match store.beat(&marketplace).await {
            Ok(_) => beating = true,
            // Once per outage: four lines a second would bury everything else.
            Err(error) if beating => {
                beating = false;
                tracing::warn!(marketplace.id = %marketplace, error = chain(&error), "no heartbeat for now");
            }
            Err(_) => {}
        }
    }
}
