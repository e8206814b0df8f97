//! What is measured besides `rpc.server.duration`.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};
use tandem_domain::overlay::Dropped;
use tandem_runtime::telemetry::SECONDS;

use crate::freshness::Freshness;
use crate::market::Market;

/// How a read ended. An empty answer is no success, and so are marked and suppressed ones apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With items, on fresh stock.
    Answered,
    /// With items, on stock older than the surface wants, and said so.
    Marked,
    /// Items were withheld because stock is too old.
    Suppressed,
    /// There was nothing to show.
    Empty,
    /// The caller asked for what cannot be had.
    Refused,
    /// The gateway could not answer.
    Failed,
}

impl Outcome {
    /// The outcome of an answer with `items` items.
    #[must_use]
    pub(crate) fn of(freshness: Freshness, items: usize) -> Self {
        match (freshness.suppressed, freshness.stale) {
            (true, _) => Self::Suppressed,
            (false, _) if items == 0 => Self::Empty,
            (false, true) => Self::Marked,
            (false, false) => Self::Answered,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Marked => "marked",
            Self::Suppressed => "suppressed",
            Self::Empty => "empty",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The gateway's instruments.
#[derive(Debug)]
pub(crate) struct Meters {
    answers: Counter<u64>,
    dropped: Counter<u64>,
    reads: Histogram<f64>,
    unreadable: Counter<u64>,
    entries: Counter<u64>,
    snapshots: Counter<u64>,
}

impl Meters {
    /// Instruments of `meter`.
    #[must_use]
    pub(crate) fn new(meter: &Meter) -> Self {
        let counter =
            |name: &'static str, what: &'static str| meter.u64_counter(name).with_description(what).build();
        Self {
            answers: counter("tandem.gateway.answers", "Answers by method and outcome"),
            dropped: counter(
                "tandem.gateway.dropped",
                "Candidates that were not shown, by reason",
            ),
            reads: meter
                .f64_histogram("tandem.gateway.cache.duration")
                .with_unit("s")
                .with_description("Round trips to the cache, by what was read")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            unreadable: counter(
                "tandem.gateway.cache.unreadable",
                "Records that this version cannot read",
            ),
            entries: counter("tandem.gateway.feed.entries", "Entries of the feed, by kind"),
            snapshots: counter("tandem.gateway.feed.snapshots", "Snapshots of availability"),
        }
    }

    /// Notes an answer.
    pub(crate) fn answered(&self, method: &'static str, outcome: Outcome) {
        let labels = [
            KeyValue::new("method", method),
            KeyValue::new("outcome", outcome.as_str()),
        ];
        self.answers.add(1, &labels);
    }

    /// Notes candidates that were not shown.
    pub(crate) fn dropped(&self, dropped: &[Dropped]) {
        for candidate in dropped {
            self.dropped
                .add(1, &[KeyValue::new("reason", candidate.reason.as_str())]);
        }
    }

    /// Notes a round trip to the cache.
    pub(crate) fn read(&self, what: &'static str, took: Duration) {
        self.reads
            .record(took.as_secs_f64(), &[KeyValue::new("read", what)]);
    }

    /// Notes a record that cannot be read.
    pub(crate) fn unreadable(&self, what: &'static str) {
        self.unreadable.add(1, &[KeyValue::new("record", what)]);
    }

    /// Notes an entry of the feed.
    pub(crate) fn entry(&self, kind: &'static str) {
        self.entries.add(1, &[KeyValue::new("kind", kind)]);
    }

    /// Notes a snapshot.
    pub(crate) fn snapshot(&self) {
        self.snapshots.add(1, &[]);
    }
}

/// Gauges that are read when somebody looks: the age of each view, its size, and the generation on serve.
pub(crate) fn observe(meter: &Meter, markets: &[Arc<Market>]) {
    let of = |market: &Market| [KeyValue::new("marketplace", market.id().to_string())];
    let watched = markets.to_vec();
    meter
        .f64_observable_gauge("tandem.gateway.stock.age")
        .with_unit("s")
        .with_description("Time since the last sign of life from the stock feed")
        .with_callback(move |gauge| {
            watched
                .iter()
                .for_each(|market| gauge.observe(market.stock_age().elapsed.as_secs_f64(), &of(market)));
        })
        .build();
    let watched = markets.to_vec();
    meter
        .u64_observable_gauge("tandem.gateway.stock.products")
        .with_description("Products whose stock is known")
        .with_callback(move |gauge| {
            watched
                .iter()
                .for_each(|market| gauge.observe(market.shelf().len() as u64, &of(market)));
        })
        .build();
    let watched = markets.to_vec();
    meter
        .u64_observable_gauge("tandem.gateway.stock.memory")
        .with_unit("By")
        .with_description("Memory of the view of the normal pool")
        .with_callback(move |gauge| {
            watched
                .iter()
                .for_each(|market| gauge.observe(market.shelf().bytes() as u64, &of(market)));
        })
        .build();
    let watched = markets.to_vec();
    meter
        .u64_observable_gauge("tandem.gateway.generation")
        .with_description("Generation on serve; 0 before the first")
        .with_callback(move |gauge| {
            let generation = |market: &Market| market.manifest().map_or(0, |manifest| manifest.generation.0);
            watched
                .iter()
                .for_each(|market| gauge.observe(generation(market), &of(market)));
        })
        .build();
}
