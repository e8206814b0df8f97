//! How long calls fail at once before the next attempt to connect.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
    until: Option<Instant>,
    why: String,
}

impl Backoff {
    pub(super) const fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            failures: 0,
            until: None,
            why: String::new(),
        }
    }

    /// Why no attempt is made now; `None` when one may be made.
    pub(super) fn rests(&self, now: Instant) -> Option<String> {
        let rests = self.until.is_some_and(|until| now < until);
        rests.then(|| format!("the last attempt to connect failed: {}", self.why))
    }

    pub(super) fn failed(&mut self, why: &str, now: Instant) {
        let rest = self
            .first
            .saturating_mul(1 << self.failures.min(16))
            .min(self.most);
        self.failures += 1;
        self.until = Some(now + rest);
        why.clone_into(&mut self.why);
    }

    /// Says more of the failure that was noted last.
    pub(super) fn explain(&mut self, why: &impl Display) {
        self.why = why.to_string();
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_a_bound_and_end_with_success() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(150));
        let now = Instant::now();
        assert_eq!(backoff.rests(now), None);
        for rest in [50, 100, 150, 150] {
            backoff.failed("refused", now);
            let rest = Duration::from_millis(rest);
            assert!(
                backoff
                    .rests(now + rest - Duration::from_millis(1))
                    .unwrap()
                    .contains("refused")
            );
            assert_eq!(backoff.rests(now + rest), None);
        }
        backoff.succeeded();
        assert_eq!(backoff.rests(now), None);
    }
}
