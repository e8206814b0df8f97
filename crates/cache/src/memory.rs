//! The in-process twin: the same semantics as [`crate::redis`], without a server. It serves `tandem dev` and
//! `tandem demo`, and tests.
//!
//! Reads are look-ups in maps; records are shared [`Bytes`](bytes::Bytes). Who waits for the feed or for changes is
//! woken, never polls. What is written is gone with the process, as an emptied Redis: SQL and segments are the truth.

mod changes;
mod feed;
mod leases;
mod log;
mod market;
mod projects;
mod publishes;
mod reads;
mod shelf;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tandem_domain::id::MarketplaceId;

use market::Market;

/// A cache in this process. Cloning it shares the content.
#[derive(Debug, Clone, Default)]
pub struct MemoryCache {
    markets: Arc<RwLock<HashMap<MarketplaceId, Arc<Market>>>>,
}

impl MemoryCache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties it as `FLUSHALL` empties Redis: followers see a gap, the rebuild marker is gone.
    pub fn clear(&self) {
        for market in self.markets.read().values() {
            market.clear();
        }
    }

    fn market(&self, marketplace: &MarketplaceId) -> Arc<Market> {
        if let Some(market) = self.markets.read().get(marketplace) {
            return Arc::clone(market);
        }
        Arc::clone(self.markets.write().entry(marketplace.clone()).or_default())
    }
}
