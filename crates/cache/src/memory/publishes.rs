//! [`Publishes`] in memory.

use async_trait::async_trait;
use bytes::Bytes;
use tandem_domain::feed::FeedEvent;
use tandem_domain::generation::Manifest;
use tandem_domain::id::MarketplaceId;

use super::MemoryCache;
use crate::error::CacheError;
use crate::port::{Publishes, RecordKey, Result};

#[async_trait]
impl Publishes for MemoryCache {
    async fn put_records(
        &self,
        marketplace: &MarketplaceId,
        segment: u64,
        records: &[(RecordKey, Bytes)],
    ) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let market = self.market(marketplace);
        market
            .records
            .write()
            .entry(segment)
            .or_default()
            .extend(records.iter().cloned());
        Ok(())
    }

    async fn publish_manifest(
        &self,
        marketplace: &MarketplaceId,
        fence: u64,
        manifest: &Manifest,
    ) -> Result<()> {
        let market = self.market(marketplace);
        let mut live = market.live.write();
        if fence < live.fence {
            return Err(CacheError::Fenced {
                ours: fence,
                theirs: live.fence,
            });
        }
        live.fence = fence;
        live.manifest = Some(manifest.clone());
        market.announce(FeedEvent::Generation(manifest.generation));
        Ok(())
    }

    async fn drop_segment(&self, marketplace: &MarketplaceId, segment: u64) -> Result<u64> {
        let dropped = self.market(marketplace).records.write().remove(&segment);
        Ok(dropped.map_or(0, |records| records.len() as u64))
    }

    async fn segments(&self, marketplace: &MarketplaceId) -> Result<Vec<u64>> {
        Ok(self.market(marketplace).records.read().keys().copied().collect())
    }
}
