//! Which failures pass by themselves.

use tandem_cache::error::CacheError;

/// Whether the same call may succeed later, unchanged: the cache is away or full, which is nobody's change's fault.
pub(crate) fn is_passing(error: &CacheError) -> bool {
    matches!(
        error,
        CacheError::Unavailable { .. } | CacheError::Refused(_) | CacheError::Misconfigured(_)
    )
}
