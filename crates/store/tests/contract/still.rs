//! A house in which time stands still, for tests whose subject is time and who did what.

use std::time::Duration;

use tandem_domain::catalog::Marketplace;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;
use tandem_store::{RequestId, Store, WriteContext};

use crate::house::{House, connect, marketplace, shop, upsert};

/// 2025-01-01T00:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_735_689_600_000);

/// How long anything may take that only has to happen.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A time after [`NOW`].
pub(crate) fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

pub(crate) fn market(id: &str) -> MarketplaceId {
    MarketplaceId::new(id).expect("valid")
}

/// The same call under a request id.
pub(crate) fn repeatable(ctx: WriteContext, body: u8) -> WriteContext {
    let request = RequestId {
        id: "again".to_owned(),
        method: "Test",
        body_hash: [body; 32],
    };
    WriteContext {
        request: Some(request),
        ..ctx
    }
}

impl House {
    /// Another connection to the same database, as another process has.
    pub(crate) async fn elsewhere(&self) -> Store {
        connect(&self.url).await
    }

    /// Lets so many seconds pass for the leases of jobs. The database's clock, which tells when they end, cannot be moved,
    /// but their ends can.
    pub(crate) async fn leases_age(&self, seconds: i64) {
        let statement = format!(
            "UPDATE jobs SET lease_until_ms = lease_until_ms - {} WHERE lease_until_ms > 0",
            seconds * 1_000
        );
        self.execute(&statement).await;
    }

    /// Makes a marketplace.
    pub(crate) async fn found(&self, id: &MarketplaceId) {
        let new = Marketplace {
            id: id.clone(),
            ..marketplace()
        };
        self.store
            .ensure_marketplace(&new, &shop("s1"), NOW)
            .await
            .expect("a marketplace");
    }

    /// A call of the first shop, at [`NOW`].
    pub(crate) fn context(&self) -> WriteContext {
        self.context_of("s1")
    }

    pub(crate) fn context_of(&self, shop: &str) -> WriteContext {
        WriteContext {
            now: NOW,
            ..self.ctx_of(shop)
        }
    }

    /// Puts products of a shop on sale.
    pub(crate) async fn products(&self, of: &str, ids: &[&str]) {
        let upserts: Vec<_> = ids.iter().copied().map(upsert).collect();
        self.store
            .upsert_products(&self.context_of(of), &upserts)
            .await
            .expect("products");
    }

    /// What was done, oldest first: who, what, why.
    pub(crate) async fn deeds(&self) -> Vec<(String, String, String)> {
        let trail = self.store.audit(&self.marketplace, 1_000).await.expect("a trail");
        let deed = |entry: tandem_store::AuditEntry| (entry.subject, entry.action, entry.reason);
        trail.into_iter().rev().map(deed).collect()
    }
}
