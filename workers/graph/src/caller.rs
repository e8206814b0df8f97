//! The worker as a caller, for the audit trail.

use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;
use tandem_domain::principal::{Principal, Scope};
use tandem_store::WriteContext;

/// A platform caller that may run jobs.
pub(crate) fn caller(marketplace: &MarketplaceId, subject: &str, now: Timestamp) -> WriteContext {
    let principal = Principal {
        marketplace: marketplace.clone(),
        shop: None,
        subject: subject.to_owned(),
        scopes: vec![Scope::OpsAdmin],
    };
    WriteContext::new(principal, now)
}
