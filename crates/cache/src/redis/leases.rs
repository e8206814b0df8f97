//! [`Leases`] on Redis.

use std::time::Duration;

use async_trait::async_trait;
use tandem_domain::id::MarketplaceId;

use super::RedisCache;
use super::keys::Keys;
use super::script::{HOLD, RELEASE};
use crate::error::CacheError;
use crate::lease::{Hold, Leases};
use crate::port::Result;

#[async_trait]
impl Leases for RedisCache {
    async fn hold(
        &self,
        marketplace: &MarketplaceId,
        name: &str,
        holder: &str,
        span: Duration,
    ) -> Result<Hold> {
        let mut hold = HOLD.call([&*Keys::of(marketplace).lease(name)]);
        hold.arg(holder)
            .arg(u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1));
        let brought: String = self.link.ask("taking a lease", &hold).await?;
        match brought.as_str() {
            "taken" => Ok(Hold::Taken),
            "kept" => Ok(Hold::Kept),
            "elsewhere" => Ok(Hold::Elsewhere),
            other => Err(CacheError::Unreadable {
                what: "a lease",
                why: other.to_owned(),
            }),
        }
    }

    async fn release(&self, marketplace: &MarketplaceId, name: &str, holder: &str) -> Result<()> {
        let mut release = RELEASE.call([&*Keys::of(marketplace).lease(name)]);
        release.arg(holder);
        self.link.ask("giving a lease back", &release).await
    }
}
