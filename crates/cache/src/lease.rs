//! Leases that share work out among workers. They spare double work and guard nothing: data is guarded by versions and
//! fences. A lease lies beside the data, so an emptied cache has none.

use std::time::Duration;

use async_trait::async_trait;
use tandem_domain::id::MarketplaceId;

use crate::port::Result;

/// What asking for a lease brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It was free and is ours now.
    Taken,
    /// It was ours already and is prolonged.
    Kept,
    /// Someone else has it.
    Elsewhere,
}

/// Leases of a marketplace, by name.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes a free lease, or prolongs our own, for `span` from now.
    async fn hold(
        &self,
        marketplace: &MarketplaceId,
        name: &str,
        holder: &str,
        span: Duration,
    ) -> Result<Hold>;
    /// Gives a lease back; one that is no longer ours stays as it is.
    async fn release(&self, marketplace: &MarketplaceId, name: &str, holder: &str) -> Result<()>;
}
