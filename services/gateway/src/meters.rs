//! What is measured besides `rpc.server.duration`.

mod counted;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Counter, Histogram, Meter};
use tandem_domain::overlay::{DropReason, Dropped};
use tandem_runtime::telemetry::SECONDS;

use crate::freshness::Freshness;
use crate::market::Market;
use crate::near::Near;

/// Every method, as in the label.
const METHODS: [&str; 6] = [
    "ListRelatedProducts",
    "BatchListRelatedProducts",
    "ListBasketCompanions",
    "ExplainRelatedProduct",
    "ListBundleSets",
    "QuoteBundle",
];

/// Reads that are made all the time, as in the label.
const READS: [&str; 3] = ["anchors", "bestsellers", "sets"];

/// Every reason, in the order of its discriminant.
const REASONS: [DropReason; 21] = [
    DropReason::OutOfStock,
    DropReason::UnknownStock,
    DropReason::Delisted,
    DropReason::ExcludedByMerchant,
    DropReason::ExcludedByRequest,
    DropReason::Duplicate,
    DropReason::BelowLimit,
    DropReason::StaleStock,
    DropReason::NotListed,
    DropReason::FilteredCategory,
    DropReason::FilteredBrand,
    DropReason::FilteredShop,
    DropReason::FilteredPrice,
    DropReason::ShopScope,
    DropReason::PriceBand,
    DropReason::RelationQuota,
    DropReason::BrandCap,
    DropReason::CategoryCap,
    DropReason::ShopCap,
    DropReason::LowStock,
    DropReason::AnchorLow,
];

/// Bounds of ages in seconds.
const AGES: [f64; 8] = [0.01, 0.1, 1.0, 10.0, 60.0, 300.0, 600.0, 3_600.0];

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

    const ALL: [Self; 6] = [
        Self::Answered,
        Self::Marked,
        Self::Suppressed,
        Self::Empty,
        Self::Refused,
        Self::Failed,
    ];

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

/// Candidates of one answer that were not shown, by reason.
#[derive(Debug, Default)]
pub(crate) struct Drops([u32; REASONS.len()]);

impl Drops {
    /// Notes `count` more.
    pub(crate) fn add(&mut self, reason: DropReason, count: u32) {
        self.0[reason as usize] += count;
    }

    /// Notes those of another list.
    pub(crate) fn join(&mut self, other: &Self) {
        self.0
            .iter_mut()
            .zip(other.0)
            .for_each(|(own, count)| *own += count);
    }
}

/// The gateway's instruments.
#[derive(Debug)]
pub(crate) struct Meters {
    answers: Arc<[[AtomicU64; Outcome::ALL.len()]; METHODS.len()]>,
    dropped: Arc<[AtomicU64; REASONS.len()]>,
    lookups: Arc<[AtomicU64; 2]>,
    left: Histogram<f64>,
    reads: Histogram<f64>,
    frequent: [OnceLock<BoundHistogram<f64>>; READS.len()],
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
            answers: counted::answers(meter),
            dropped: counted::dropped(meter),
            lookups: counted::lookups(meter),
            left: meter
                .f64_histogram("tandem.gateway.near.age")
                .with_unit("s")
                .with_description("Age of kept answers when they went, by why")
                .with_boundaries(AGES.to_vec())
                .build(),
            reads: meter
                .f64_histogram("tandem.gateway.cache.duration")
                .with_unit("s")
                .with_description("Round trips to the cache, by what was read")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            frequent: Default::default(),
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
        let method = METHODS.iter().position(|known| *known == method);
        let outcome = Outcome::ALL.iter().position(|known| *known == outcome);
        if let (Some(method), Some(outcome)) = (method, outcome) {
            self.answers[method][outcome].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes candidates that were not shown.
    pub(crate) fn dropped(&self, dropped: &[Dropped]) {
        let mut drops = Drops::default();
        dropped
            .iter()
            .for_each(|candidate| drops.add(candidate.reason, 1));
        self.drops(&drops);
    }

    /// Notes how many candidates were not shown.
    pub(crate) fn drops(&self, drops: &Drops) {
        for (counter, count) in self.dropped.iter().zip(drops.0).filter(|(_, count)| *count > 0) {
            counter.fetch_add(u64::from(count), Ordering::Relaxed);
        }
    }

    /// Notes how many answers were at hand, and how many were not.
    pub(crate) fn looked_up(&self, hits: usize, misses: usize) {
        for (counter, count) in self
            .lookups
            .iter()
            .zip([misses, hits])
            .filter(|(_, count)| *count > 0)
        {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Notes that a kept answer went.
    pub(crate) fn left(&self, why: &'static str, age: Duration) {
        self.left.record(age.as_secs_f64(), &[KeyValue::new("why", why)]);
    }

    /// Notes a round trip to the cache.
    pub(crate) fn read(&self, what: &'static str, took: Duration) {
        let (seconds, read) = (took.as_secs_f64(), [KeyValue::new("read", what)]);
        match READS.iter().position(|known| *known == what) {
            Some(at) => self.frequent[at]
                .get_or_init(|| self.reads.bind(&read))
                .record(seconds),
            None => self.reads.record(seconds, &read),
        }
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

/// What is kept, when somebody looks.
pub(crate) fn observe_near(meter: &Meter, near: &Near) {
    let watched = near.clone();
    meter
        .u64_observable_gauge("tandem.gateway.near.entries")
        .with_description("Answers kept in the process")
        .with_callback(move |gauge| gauge.observe(watched.load().0, &[]))
        .build();
    let watched = near.clone();
    meter
        .u64_observable_gauge("tandem.gateway.near.memory")
        .with_unit("By")
        .with_description("Memory of answers kept in the process")
        .with_callback(move |gauge| gauge.observe(watched.load().1, &[]))
        .build();
}
