//! What the worker measures.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Gauge, Histogram};
use opentelemetry::{KeyValue, global};
use tandem_domain::id::MarketplaceId;
use tandem_runtime::telemetry::SECONDS;

use crate::reconcile::Reconciled;

/// The instruments; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    relay_sent: Counter<u64>,
    relay_duration: Histogram<f64>,
    relay_failures: Counter<u64>,
    inbox_taken: Counter<u64>,
    inbox_failures: Counter<u64>,
    project_deliveries: Counter<u64>,
    project_duration: Histogram<f64>,
    project_failures: Counter<u64>,
    reclaimed: Counter<u64>,
    set_aside: Counter<u64>,
    outbox: Gauge<u64>,
    backlog: Gauge<u64>,
    held: Gauge<f64>,
    rebuild_duration: Histogram<f64>,
    reconcile_checked: Counter<u64>,
    reconcile_drift: Counter<u64>,
    reconcile_mended: Counter<u64>,
    dead_letters: Gauge<u64>,
    swept: Counter<u64>,
}

impl Metrics {
    /// Instruments of the process's meter.
    pub(crate) fn global() -> Self {
        let meter = global::meter("tandem");
        let seconds = |name: &'static str, what: &'static str| {
            meter
                .f64_histogram(name)
                .with_description(what)
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build()
        };
        let count =
            |name: &'static str, what: &'static str| meter.u64_counter(name).with_description(what).build();
        Self {
            relay_sent: count("tandem.inventory.relay.sent", "Changes relayed into the stream"),
            relay_duration: seconds(
                "tandem.inventory.relay.duration",
                "Time from claiming outbox rows to the commit that deletes them",
            ),
            relay_failures: count("tandem.inventory.relay.failures", "Relay passes that failed"),
            inbox_taken: count("tandem.inventory.inbox.taken", "Rows of the inbox applied"),
            inbox_failures: count(
                "tandem.inventory.inbox.failures",
                "Passes over the inbox that failed",
            ),
            project_deliveries: count("tandem.inventory.project.deliveries", "Deliveries settled"),
            project_duration: seconds(
                "tandem.inventory.project.duration",
                "Time from receiving a batch of changes to its acknowledgement",
            ),
            project_failures: count(
                "tandem.inventory.project.failures",
                "Tries to project that failed",
            ),
            reclaimed: count(
                "tandem.inventory.reclaimed",
                "Deliveries taken over from another worker",
            ),
            set_aside: count(
                "tandem.inventory.set_aside",
                "Changes and rows of the inbox that became dead letters",
            ),
            outbox: meter
                .u64_gauge("tandem.inventory.outbox")
                .with_description("Changes committed and not relayed")
                .build(),
            held: meter
                .f64_gauge("tandem.inventory.held")
                .with_description(
                    "How long the oldest change that a worker took has waited to be acknowledged",
                )
                .with_unit("s")
                .build(),
            backlog: meter
                .u64_gauge("tandem.inventory.backlog")
                .with_description("Changes relayed and not acknowledged")
                .build(),
            rebuild_duration: seconds(
                "tandem.inventory.rebuild.duration",
                "Time of a rebuild of the cache",
            ),
            reconcile_checked: count(
                "tandem.inventory.reconcile.checked",
                "Records compared by full passes",
            ),
            reconcile_drift: count(
                "tandem.inventory.reconcile.drift",
                "Records that a full pass found not to be as SQL says, by kind",
            ),
            reconcile_mended: count(
                "tandem.inventory.reconcile.mended",
                "Records that a full pass put right",
            ),
            dead_letters: meter
                .u64_gauge("tandem.inventory.dead_letters")
                .with_description("Dead letters that wait to be looked at")
                .build(),
            swept: count(
                "tandem.inventory.swept",
                "Rows deleted after their lifetime, by table",
            ),
        }
    }

    pub(crate) fn relayed(&self, sent: u64, took: Duration) {
        self.relay_sent.add(sent, &[]);
        self.relay_duration.record(took.as_secs_f64(), &[]);
    }

    pub(crate) fn relay_failed(&self) {
        self.relay_failures.add(1, &[]);
    }

    pub(crate) fn received(&self, rows: u64) {
        self.inbox_taken.add(rows, &[]);
    }

    pub(crate) fn inbox_failed(&self) {
        self.inbox_failures.add(1, &[]);
    }

    pub(crate) fn projected(&self, deliveries: u64, took: Duration) {
        self.project_deliveries.add(deliveries, &[]);
        self.project_duration.record(took.as_secs_f64(), &[]);
    }

    pub(crate) fn projection_failed(&self) {
        self.project_failures.add(1, &[]);
    }

    pub(crate) fn reclaimed(&self, deliveries: u64) {
        self.reclaimed.add(deliveries, &[]);
    }

    pub(crate) fn set_aside(&self, changes: u64) {
        self.set_aside.add(changes, &[]);
    }

    pub(crate) fn outbox(&self, marketplace: &MarketplaceId, rows: u64) {
        self.outbox
            .record(rows, &[KeyValue::new("marketplace.id", marketplace.to_string())]);
    }

    pub(crate) fn held(&self, marketplace: &MarketplaceId, oldest: Duration) {
        self.held.record(
            oldest.as_secs_f64(),
            &[KeyValue::new("marketplace.id", marketplace.to_string())],
        );
    }

    pub(crate) fn backlog(&self, marketplace: &MarketplaceId, entries: u64) {
        self.backlog.record(
            entries,
            &[KeyValue::new("marketplace.id", marketplace.to_string())],
        );
    }

    pub(crate) fn rebuilt(&self, took: Duration) {
        self.rebuild_duration.record(took.as_secs_f64(), &[]);
    }

    pub(crate) fn reconciled(&self, found: &Reconciled) {
        self.reconcile_checked.add(found.checked, &[]);
        self.reconcile_mended.add(found.mended, &[]);
        for (kind, count) in found.drift.by_kind() {
            self.reconcile_drift.add(count, &[KeyValue::new("kind", kind)]);
        }
    }

    pub(crate) fn dead_letters(&self, marketplace: &MarketplaceId, letters: u64) {
        self.dead_letters.record(
            letters,
            &[KeyValue::new("marketplace.id", marketplace.to_string())],
        );
    }

    pub(crate) fn swept(&self, table: &'static str, rows: u64) {
        self.swept.add(rows, &[KeyValue::new("table", table)]);
    }
}
