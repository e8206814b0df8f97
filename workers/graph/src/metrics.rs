//! What the worker measures.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Gauge, Histogram};
use opentelemetry::{KeyValue, global};
use tandem_domain::generation::BuildStats;
use tandem_domain::id::MarketplaceId;

/// Bucket boundaries for builds in seconds.
const BUILD_SECONDS: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
];

/// The instruments; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    duration: Histogram<f64>,
    builds: Counter<u64>,
    edges: Gauge<u64>,
    anchors: Gauge<u64>,
    events: Gauge<u64>,
    peak_rss: Gauge<u64>,
    repairs: Counter<u64>,
}

impl Metrics {
    /// Instruments of the process's meter.
    pub(crate) fn global() -> Self {
        let meter = global::meter("tandem");
        let gauge =
            |name: &'static str, what: &'static str| meter.u64_gauge(name).with_description(what).build();
        Self {
            duration: meter
                .f64_histogram("tandem.graph.build.duration")
                .with_description("Time of a build, by phase: read, compute, publish")
                .with_unit("s")
                .with_boundaries(BUILD_SECONDS.to_vec())
                .build(),
            builds: meter
                .u64_counter("tandem.graph.build.count")
                .with_description("Builds by outcome: published, current, refused, failed, handed_back")
                .build(),
            edges: gauge("tandem.graph.edges", "Edges of the generation built last"),
            anchors: gauge("tandem.graph.anchors", "Anchors of the generation built last"),
            events: gauge("tandem.graph.events", "Event rows in the generation built last"),
            peak_rss: gauge(
                "tandem.graph.build.peak_rss",
                "Highest resident memory after a build, in bytes",
            ),
            repairs: meter
                .u64_counter("tandem.graph.pointer.repairs")
                .with_description("Times that the cache's pointer was behind SQL")
                .build(),
        }
    }

    pub(crate) fn built(&self, marketplace: &MarketplaceId, stats: &BuildStats) {
        let phases = [
            ("read", stats.read_seconds),
            ("compute", stats.compute_seconds),
            ("publish", stats.publish_seconds),
        ];
        for (phase, seconds) in phases {
            self.duration
                .record(seconds, &[KeyValue::new("build.phase", phase)]);
        }
        let of = [KeyValue::new("marketplace.id", marketplace.to_string())];
        self.edges.record(stats.edges, &of);
        self.anchors.record(stats.anchors, &of);
        self.events.record(stats.events, &of);
        self.peak_rss.record(stats.peak_rss_bytes, &[]);
    }

    pub(crate) fn ended(&self, outcome: &'static str) {
        self.builds.add(1, &[KeyValue::new("build.outcome", outcome)]);
    }

    pub(crate) fn repaired(&self) {
        self.repairs.add(1, &[]);
    }
}

/// Seconds of a span, for [`BuildStats`].
pub(crate) fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}
