//! What can go wrong with the cache.

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The cache cannot be reached or did not answer in time; worth a retry.
    #[error("the cache is unavailable during {during}")]
    Unavailable {
        /// What was attempted.
        during: &'static str,
        /// The cause, for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The cache refused a write because it is out of memory or read-only; reads go on.
    #[error("the cache refuses writes: {0}")]
    Refused(String),
    /// A later publisher holds the fence.
    #[error("fence {ours} is older than {theirs}")]
    Fenced {
        /// The fence of this call.
        ours: u64,
        /// The fence that stands.
        theirs: u64,
    },
    /// The feed position is gone.
    #[error("the feed no longer holds what follows {0}: take a snapshot")]
    FeedGap(String),
    /// Stored bytes cannot be read by this version.
    #[error("a record of {what} cannot be read: {why}")]
    Unreadable {
        /// Which record.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// A segment file is missing or damaged.
    #[error("segment {path}: {why}")]
    Segment {
        /// Path under the segment store's root.
        path: String,
        /// Why.
        why: String,
    },
    /// The server's settings lose data.
    #[error("{0}")]
    Misconfigured(String),
}
