//! What the worker measures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};
use tandem_domain::id::MarketplaceId;
use tandem_runtime::telemetry::SECONDS;
use tandem_store::Folded;
use tokio::time::Instant;

/// When each marketplace was last known to have nothing left to fold.
type CaughtUp = Arc<Mutex<BTreeMap<MarketplaceId, Instant>>>;

/// The instruments.
#[derive(Debug)]
pub(crate) struct Metrics {
    batches: Counter<u64>,
    events: Counter<u64>,
    failures: Counter<u64>,
    retired: Counter<u64>,
    erased: Counter<u64>,
    duration: Histogram<f64>,
    caught_up: CaughtUp,
}

impl Metrics {
    /// Instruments of the process's meter.
    pub(crate) fn global() -> Self {
        let meter = global::meter("tandem");
        let caught_up = CaughtUp::default();
        let observed = Arc::clone(&caught_up);
        // Measured when asked for, so that it grows while a pass hangs.
        meter
            .f64_observable_gauge("tandem.events.fold.lag")
            .with_unit("s")
            .with_description("Time since nothing committed was left to fold")
            .with_callback(move |observer| {
                for (marketplace, since) in &*observed.lock().unwrap_or_else(PoisonError::into_inner) {
                    let labels = [KeyValue::new("marketplace.id", marketplace.to_string())];
                    observer.observe(since.elapsed().as_secs_f64(), &labels);
                }
            })
            .build();
        let count =
            |name: &'static str, what: &'static str| meter.u64_counter(name).with_description(what).build();
        Self {
            batches: count("tandem.events.fold.batches", "Batches that got a number"),
            events: count(
                "tandem.events.fold.events",
                "Events folded into orders and daily counts",
            ),
            failures: count("tandem.events.fold.failures", "Passes that failed"),
            retired: count(
                "tandem.events.retired",
                "Raw events deleted because they were old",
            ),
            erased: count("tandem.events.erased", "Events deleted with their user"),
            duration: meter
                .f64_histogram("tandem.events.fold.duration")
                .with_unit("s")
                .with_description("Time of one transaction that folds")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            caught_up,
        }
    }

    pub(crate) fn folded(&self, folded: &Folded, took: Duration) {
        self.batches.add(folded.batches, &[]);
        self.events.add(folded.events, &[]);
        self.duration.record(took.as_secs_f64(), &[]);
    }

    pub(crate) fn retired(&self, events: u64) {
        self.retired.add(events, &[]);
    }

    pub(crate) fn erased(&self, events: u64) {
        self.erased.add(events, &[]);
    }

    pub(crate) fn failed(&self) {
        self.failures.add(1, &[]);
    }

    pub(crate) fn caught_up(&self, marketplace: &MarketplaceId, at: Instant) {
        let mut caught_up = self.caught_up.lock().unwrap_or_else(PoisonError::into_inner);
        caught_up.insert(marketplace.clone(), at);
    }
}
