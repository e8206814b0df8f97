//! What can end a build or a rollback.

use tandem_cache::error::CacheError;
use tandem_domain::generation::GenerationNo;
use tandem_store::StoreError;

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// SQL failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The cache or a segment failed.
    #[error("the cache failed")]
    Cache(#[from] CacheError),
    /// Another worker holds the job now, or may: nothing of this one was published.
    #[error("the lease on the job is lost")]
    LeaseLost,
    /// The worker is stopping; the job goes to another one.
    #[error("the worker is stopping")]
    Stopped,
    /// Far fewer events or edges than the generation on serve has, which stays.
    #[error("generation {generation} was refused: {why}")]
    Refused {
        /// The build's number.
        generation: GenerationNo,
        /// What collapsed.
        why: String,
    },
    /// The job ended on another worker without success.
    #[error("the job failed: {0}")]
    Failed(String),
    /// A question has no answer, and why.
    #[error("{0}")]
    Unanswerable(String),
    /// A defect in the computation.
    #[error("the computation panicked")]
    Panicked,
    /// The epoch record or a report cannot be written as JSON.
    #[error("the epoch record or the report cannot be stored")]
    Json(#[from] serde_json::Error),
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            other => Self::Store(other),
        }
    }
}

impl WorkError {
    /// Whether the job, unchanged, is another worker's or another time's: it is handed back rather than failed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::LeaseLost | Self::Stopped => true,
            Self::Store(error) => matches!(
                error,
                StoreError::Unavailable { .. } | StoreError::Timeout { .. } | StoreError::Busy { .. }
            ),
            Self::Cache(error) => matches!(error, CacheError::Unavailable { .. }),
            Self::Refused { .. }
            | Self::Failed(_)
            | Self::Unanswerable(_)
            | Self::Panicked
            | Self::Json(_) => false,
        }
    }
}
