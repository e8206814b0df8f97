//! What the worker works on.

use std::sync::Arc;

use object_store::ObjectStore;
use tandem_cache::port::Cache;
use tandem_domain::clock::SharedClock;
use tandem_store::Store;

use crate::config::Settings;

/// The stores, the clock and how the work is done; cheap to clone.
#[derive(Clone)]
pub struct Deps {
    /// SQL, the truth.
    pub store: Store,
    /// What gateways read.
    pub cache: Arc<dyn Cache>,
    /// The folder of the segment files.
    pub segments: Arc<dyn ObjectStore>,
    /// The time of day.
    pub clock: SharedClock,
    /// How the work is done.
    pub settings: Settings,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
