//! Which traces are kept, decided before a span is built: most are not, and a span costs more than the answer.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// The share of the calls without a decision that are kept, of 2^63.
static SHARE: AtomicU64 = AtomicU64::new(UNSET);
static CALLS: AtomicU64 = AtomicU64::new(0);

const ALL: u64 = 1 << 63;
/// Nobody decides here: every span is built, and the sampler has the word.
const UNSET: u64 = u64::MAX;
/// 2^64 ÷ the golden ratio: multiples of it spread evenly, so that a share is kept whatever the rate.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Keeps this share of the calls whose callers have not decided.
pub(super) fn set(ratio: f64) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share from 0 to 1 of 2^63"
    )]
    let share = (ratio.clamp(0.0, 1.0) * ALL as f64) as u64;
    SHARE.store(share, Ordering::Relaxed);
}

/// Whether the trace of a call with these headers is kept: as its caller has decided, else by the share.
pub(crate) fn keeps(headers: &http::HeaderMap) -> bool {
    match headers.get("traceparent") {
        // The last of its two digits has the flag. What is malformed decides nothing.
        Some(parent) if parent.len() >= 55 => parent.as_bytes()[54] & 1 == 1,
        _ => {
            let share = SHARE.load(Ordering::Relaxed);
            share >= ALL || CALLS.fetch_add(1, Ordering::Relaxed).wrapping_mul(SPREAD) >> 1 < share
        }
    }
}

/// Keeps calls, which [`keeps`] was asked about, and of everything else that begins here the share.
#[derive(Debug, Clone)]
pub(super) struct Decided(pub(super) Sampler);

impl ShouldSample for Decided {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let begins = !parent.is_some_and(|parent| parent.span().span_context().is_valid());
        let decided = SHARE.load(Ordering::Relaxed) != UNSET;
        if decided && begins && *kind == SpanKind::Server {
            return SamplingResult {
                decision: SamplingDecision::RecordAndSample,
                attributes: Vec::new(),
                trace_state: TraceState::default(),
            };
        }
        self.0
            .should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(text: &str) -> http::HeaderMap {
        http::HeaderMap::from_iter([("traceparent".parse().unwrap(), text.parse().unwrap())])
    }

    #[test]
    fn a_caller_s_decision_is_followed_and_of_the_rest_a_share_is_kept() {
        let of = |flags: &str| {
            parent(&format!(
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}"
            ))
        };
        set(0.0);
        assert!(keeps(&of("01")) && !keeps(&of("00")));
        set(0.25);
        let none = http::HeaderMap::new();
        let kept = (0..10_000).filter(|_| keeps(&none)).count();
        assert!((2_400..2_600).contains(&kept), "{kept}");
        set(1.0);
        assert!(keeps(&none) && keeps(&parent("nonsense")));
    }
}
