//! [`Changes`] in memory.

use std::time::Duration;

use async_trait::async_trait;
use tandem_domain::change::Envelope;
use tandem_domain::id::MarketplaceId;
use tokio::time::{Instant, timeout_at};

use super::MemoryCache;
use super::market::Market;
use crate::port::{Changes, Delivery, Result};

#[async_trait]
impl Changes for MemoryCache {
    async fn append(&self, marketplace: &MarketplaceId, envelopes: &[Envelope]) -> Result<()> {
        let market = self.market(marketplace);
        market.log.lock().append(envelopes);
        market.logged.notify_waiters();
        Ok(())
    }

    async fn receive(
        &self,
        marketplace: &MarketplaceId,
        _consumer: &str,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let market = self.market(marketplace);
        let arrived = timeout_at(Instant::now() + wait, arrival(&market, max)).await;
        Ok(arrived.unwrap_or_default())
    }

    async fn reclaim(
        &self,
        marketplace: &MarketplaceId,
        _consumer: &str,
        idle: Duration,
        max: usize,
    ) -> Result<Vec<Delivery>> {
        Ok(self
            .market(marketplace)
            .log
            .lock()
            .reclaim(idle, max, Instant::now()))
    }

    async fn ack(&self, marketplace: &MarketplaceId, ids: &[String]) -> Result<()> {
        self.market(marketplace).log.lock().ack(ids);
        Ok(())
    }

    async fn trim_changes(&self, marketplace: &MarketplaceId) -> Result<u64> {
        Ok(self.market(marketplace).log.lock().trim())
    }

    async fn backlog(&self, marketplace: &MarketplaceId) -> Result<u64> {
        Ok(self.market(marketplace).log.lock().backlog())
    }

    async fn oldest_held(&self, marketplace: &MarketplaceId) -> Result<Option<Duration>> {
        Ok(self.market(marketplace).log.lock().oldest_held(Instant::now()))
    }
}

/// Waits until something can be handed out.
async fn arrival(market: &Market, max: usize) -> Vec<Delivery> {
    loop {
        // Registered before the look, so that nothing slips in between.
        let logged = market.logged.notified();
        tokio::pin!(logged);
        logged.as_mut().enable();
        let deliveries = market.log.lock().deliver(max, Instant::now());
        if !deliveries.is_empty() {
            return deliveries;
        }
        logged.await;
    }
}
