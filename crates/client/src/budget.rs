//! What repeating calls may cost a server that fails.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;

/// `retryThrottling` of a gRPC service config (gRFC A6): a bucket that holds at most `max_tokens`. A failed attempt takes one
/// out, an answer puts `token_ratio` back, and nothing is repeated while the bucket is half empty. So a server that fails
/// for everybody is asked by each caller once, however many attempts a call may have.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Throttling {
    max_tokens: u16,
    token_ratio: f32,
}

/// Tokens are counted in thousandths: a ratio has three decimals at most.
const TOKEN: u32 = 1_000;

/// The bucket of one connection.
#[derive(Debug)]
pub(crate) struct Budget {
    most: u32,
    per_answer: u32,
    left: AtomicU32,
}

impl Budget {
    /// A full one.
    pub(crate) fn of(throttling: Throttling) -> Self {
        let most = u32::from(throttling.max_tokens) * TOKEN;
        Self {
            most,
            per_answer: (throttling.token_ratio * TOKEN as f32).round() as u32,
            left: AtomicU32::new(most),
        }
    }

    /// An attempt was answered.
    pub(crate) fn answered(&self) {
        // A full bucket, the usual one, is only looked at.
        self.change(|left| (left < self.most).then(|| left.saturating_add(self.per_answer).min(self.most)));
    }

    /// An attempt failed in a way that it could be repeated for.
    pub(crate) fn failed(&self) {
        self.change(|left| Some(left.saturating_sub(TOKEN)));
    }

    /// Whether anything may be repeated.
    pub(crate) fn allows(&self) -> bool {
        self.left.load(Ordering::Relaxed) > self.most / 2
    }

    fn change(&self, to: impl FnMut(u32) -> Option<u32>) {
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::of(Throttling {
            max_tokens: 10,
            token_ratio: 0.1,
        })
    }

    #[test]
    fn half_of_the_bucket_may_be_spent_and_ten_answers_earn_one_repetition() {
        let budget = budget();
        for failures in 0..5 {
            assert!(budget.allows(), "after {failures}");
            budget.failed();
        }
        assert!(!budget.allows());
        budget.answered();
        assert!(budget.allows());
        budget.failed();
        for _ in 0..9 {
            assert!(!budget.allows());
            budget.answered();
        }
        assert!(!budget.allows());
        budget.answered();
        assert!(budget.allows());
    }

    #[test]
    fn the_bucket_neither_overflows_nor_owes() {
        let budget = budget();
        for _ in 0..1_000 {
            budget.answered();
        }
        for _ in 0..1_000 {
            budget.failed();
        }
        for _ in 0..50 {
            assert!(!budget.allows());
            budget.answered();
        }
        budget.answered();
        assert!(budget.allows());
    }
}
