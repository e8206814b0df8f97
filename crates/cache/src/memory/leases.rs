//! [`Leases`] in memory.

use std::time::Duration;

use async_trait::async_trait;
use tandem_domain::id::MarketplaceId;
use tokio::time::Instant;

use super::MemoryCache;
use crate::lease::{Hold, Leases};
use crate::port::Result;

#[async_trait]
impl Leases for MemoryCache {
    async fn hold(
        &self,
        marketplace: &MarketplaceId,
        name: &str,
        holder: &str,
        span: Duration,
    ) -> Result<Hold> {
        let market = self.market(marketplace);
        let mut leases = market.leases.lock();
        let now = Instant::now();
        let hold = match leases.get(name) {
            Some((owner, until)) if *until > now && owner != holder => return Ok(Hold::Elsewhere),
            Some((_, until)) if *until > now => Hold::Kept,
            _ => Hold::Taken,
        };
        leases.insert(name.to_owned(), (holder.to_owned(), now + span));
        Ok(hold)
    }

    async fn release(&self, marketplace: &MarketplaceId, name: &str, holder: &str) -> Result<()> {
        let market = self.market(marketplace);
        let mut leases = market.leases.lock();
        if leases.get(name).is_some_and(|(owner, _)| owner == holder) {
            leases.remove(name);
        }
        Ok(())
    }
}
