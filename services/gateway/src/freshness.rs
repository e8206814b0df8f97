//! How far the stock behind an answer can be trusted, and what a surface does about it.

use std::time::Duration;

use tandem_domain::surface::WhenStale;

use crate::availability::Age;

/// The verdict on one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// Time since the last sign of life of the stock feed.
    pub(crate) age: Duration,
    /// Whether that is more than the surface allows.
    pub(crate) stale: bool,
    /// Whether the items are withheld because of it.
    pub(crate) suppressed: bool,
}

impl Freshness {
    /// Judges a view of this age by a surface's limit and what it wants done past it.
    #[must_use]
    pub(crate) fn judge(age: Age, limit: Duration, when_stale: WhenStale) -> Self {
        let stale = age.exceeds(limit);
        Self {
            age: age.elapsed,
            stale,
            suppressed: stale && when_stale == WhenStale::Suppress,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_limit_an_answer_is_marked_or_suppressed_as_the_surface_says() {
        let limit = Duration::from_secs(2);
        let age = |elapsed| Age { elapsed, alive: true };
        let fresh = Freshness::judge(age(limit), limit, WhenStale::Suppress);
        assert!(!fresh.stale && !fresh.suppressed);
        let old = age(limit + Duration::from_millis(1));
        let marked = Freshness::judge(old, limit, WhenStale::Mark);
        assert!(marked.stale && !marked.suppressed);
        let suppressed = Freshness::judge(old, limit, WhenStale::Suppress);
        assert!(suppressed.stale && suppressed.suppressed);
    }
}
