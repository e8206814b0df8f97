//! What can keep the worker from its work.

use tandem_cache::error::CacheError;
use tandem_store::StoreError;

/// Why a pass over everything did not end well. All of them may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// SQL failed.
    #[error("reading SQL")]
    Store(#[from] StoreError),
    /// The cache or a segment failed.
    #[error("writing the cache")]
    Cache(#[from] CacheError),
    /// The cache was emptied, or another worker took over, while the pass ran.
    #[error("the cache was emptied or taken over during the pass")]
    Overtaken,
}
