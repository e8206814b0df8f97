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

    /// Notes an attempt as failed until it has succeeded: whoever makes it may give up at any point.
    pub(super) fn begin(&mut self, now: Instant) {
        self.failures += 1;
        self.until = Some(now + self.rest());
        "it was given up".clone_into(&mut self.why);
    }

    /// The attempt that was begun last failed now: those who waited for it do not try again in turn.
    pub(super) fn failed(&mut self, why: &impl Display, now: Instant) {
        self.until = Some(now + self.rest());
        self.why = why.to_string();
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.until = None;
    }

    fn rest(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        self.first.saturating_mul(1 << doublings).min(self.most)
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
            backoff.begin(now - Duration::from_millis(500));
            backoff.failed(&"refused", now);
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

    #[test]
    fn an_attempt_that_was_given_up_counts_as_failed() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(150));
        let now = Instant::now();
        backoff.begin(now);
        assert!(backoff.rests(now).unwrap().contains("given up"));
        assert_eq!(backoff.rests(now + Duration::from_millis(50)), None);
    }
}
