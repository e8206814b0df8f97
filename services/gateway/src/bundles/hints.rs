//! Whose cards the sets of an anchor will most likely need: those of the parts that were shown last. They are read along
//! with the sets, in one round trip instead of two. A hint decides nothing: what is shown hangs on what was read with it.

use std::sync::Arc;

use quick_cache::sync::Cache;
use tandem_domain::id::{MarketplaceId, ProductId};

/// Anchors whose parts are remembered, a few hundred bytes each.
const ANCHORS: usize = 16_384;

/// An anchor and its marketplace.
type Key = (MarketplaceId, ProductId);

/// The parts that were shown last, by anchor.
#[derive(Debug, Clone)]
pub(super) struct Hints(Arc<Cache<Key, Arc<[ProductId]>>>);

impl Default for Hints {
    fn default() -> Self {
        Self(Arc::new(Cache::new(ANCHORS)))
    }
}

impl Hints {
    /// The parts of an anchor's sets, as far as they are remembered.
    pub(super) fn of(&self, marketplace: &MarketplaceId, anchor: &ProductId) -> Arc<[ProductId]> {
        let known = self.0.get(&(marketplace.clone(), anchor.clone()));
        known.unwrap_or_default()
    }

    /// Remembers the parts that were shown now.
    pub(super) fn note(&self, marketplace: &MarketplaceId, anchor: &ProductId, parts: Vec<ProductId>) {
        self.0.insert((marketplace.clone(), anchor.clone()), parts.into());
    }
}
