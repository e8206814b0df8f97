//! Counts of the hot path: plain atomics, read when somebody looks.

use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::{METHODS, Outcome, REASONS};

type Counts<const N: usize> = Arc<[AtomicU64; N]>;

fn zeros<const N: usize>() -> [AtomicU64; N] {
    array::from_fn(|_| AtomicU64::new(0))
}

pub(super) fn answers(meter: &Meter) -> Arc<[[AtomicU64; Outcome::ALL.len()]; METHODS.len()]> {
    let counts: Arc<[_; METHODS.len()]> = Arc::new(array::from_fn(|_| zeros()));
    let watched = Arc::clone(&counts);
    meter
        .u64_observable_counter("tandem.gateway.answers")
        .with_description("Answers by method and outcome")
        .with_callback(move |counter| {
            for (method, counts) in METHODS.iter().zip(watched.iter()) {
                for (outcome, count) in Outcome::ALL.iter().zip(counts) {
                    let labels = [
                        KeyValue::new("method", *method),
                        KeyValue::new("outcome", outcome.as_str()),
                    ];
                    seen(count, |count| counter.observe(count, &labels));
                }
            }
        })
        .build();
    counts
}

pub(super) fn dropped(meter: &Meter) -> Counts<{ REASONS.len() }> {
    let counts: Counts<{ REASONS.len() }> = Arc::new(zeros());
    let watched = Arc::clone(&counts);
    meter
        .u64_observable_counter("tandem.gateway.dropped")
        .with_description("Candidates that were not shown, by reason")
        .with_callback(move |counter| {
            for (reason, count) in REASONS.iter().zip(watched.iter()) {
                let labels = [KeyValue::new("reason", reason.as_str())];
                seen(count, |count| counter.observe(count, &labels));
            }
        })
        .build();
    counts
}

pub(super) fn lookups(meter: &Meter) -> Counts<2> {
    let counts: Counts<2> = Arc::new(zeros());
    let watched = Arc::clone(&counts);
    meter
        .u64_observable_counter("tandem.gateway.near.lookups")
        .with_description("Kept answers looked for, by whether one was at hand")
        .with_callback(move |counter| {
            for (outcome, count) in ["miss", "hit"].into_iter().zip(watched.iter()) {
                let labels = [KeyValue::new("outcome", outcome)];
                seen(count, |count| counter.observe(count, &labels));
            }
        })
        .build();
    counts
}

/// What never happened has no line.
fn seen(count: &AtomicU64, observe: impl FnOnce(u64)) {
    let count = count.load(Ordering::Relaxed);
    if count > 0 {
        observe(count);
    }
}
