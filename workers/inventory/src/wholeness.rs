//! The readiness check that all marketplaces' projections are whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::readiness::Check;

/// What is missing, by marketplace.
#[derive(Debug, Clone)]
pub(crate) struct Wholeness {
    check: Check,
    missing: Arc<Mutex<BTreeMap<MarketplaceId, &'static str>>>,
}

impl Wholeness {
    pub(crate) fn new(check: Check) -> Self {
        Self {
            check,
            missing: Arc::default(),
        }
    }

    /// There is no marketplace yet, so nothing is missing.
    pub(crate) fn nothing_to_keep(&self) {
        self.check.ready();
    }

    /// Says what a marketplace lacks; none when it is whole.
    pub(crate) fn set(&self, marketplace: &MarketplaceId, lacks: Option<&'static str>) {
        let mut missing = self.missing.lock();
        match lacks {
            Some(reason) => missing.insert(marketplace.clone(), reason),
            None => missing.remove(marketplace),
        };
        match missing.iter().next() {
            Some((marketplace, reason)) => self.check.not_ready(format!("{marketplace}: {reason}")),
            None => self.check.ready(),
        }
    }
}
