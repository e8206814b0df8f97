//! How far a build is.

use std::sync::Arc;

/// A part of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Event rows are read from SQL.
    Read,
    /// Rows are laid out as baskets and the epoch is frozen.
    Count,
    /// Anchors are counted, scored and bundled.
    Score,
    /// Records are encoded and written as a segment.
    Write,
    /// Records are put into the cache.
    Publish,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 5] = [Self::Read, Self::Count, Self::Score, Self::Write, Self::Publish];

    /// What people call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Count => "count",
            Self::Score => "score",
            Self::Write => "write",
            Self::Publish => "publish",
        }
    }
}

/// A step forward in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// Rows, anchors or records done.
    pub done: u64,
    /// Those in all; `None` where it is not known before the end.
    pub total: Option<u64>,
}

/// Who is told; called from several threads, often.
#[derive(Clone)]
pub struct Watcher(Arc<dyn Fn(Progress) + Send + Sync>);

impl Watcher {
    /// Tells `watch`.
    pub fn new(watch: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(watch))
    }

    /// Tells nobody.
    #[must_use]
    pub fn nobody() -> Self {
        Self::new(|_| {})
    }

    pub(crate) fn at(&self, phase: Phase, done: u64, total: Option<u64>) {
        (self.0)(Progress { phase, done, total });
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}
