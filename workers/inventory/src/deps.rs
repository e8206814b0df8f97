//! What the worker works on.

use std::sync::Arc;

use object_store::ObjectStore;
use tandem_cache::port::Cache;
use tandem_domain::clock::SharedClock;
use tandem_store::Store;

/// The stores and the clock; cheap to clone.
#[derive(Clone)]
pub struct Deps {
    /// SQL, the truth.
    pub store: Store,
    /// Where the projection goes.
    pub cache: Arc<dyn Cache>,
    /// The folder of the segment files.
    pub segments: Arc<dyn ObjectStore>,
    /// The time of day, for audit and markers only.
    pub clock: SharedClock,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").finish_non_exhaustive()
    }
}
