//! Changes by kind, ready to be put.

use std::collections::BTreeMap;

use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::ProductCard;
use tandem_domain::change::{Change, Envelope, ListingChange, ThresholdsChange};
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::StockChange;
use tandem_domain::surface::Surface;

use tandem_cache::port::Traced;
use tracing::Span;

use crate::trace::{self, Continued};

/// Changes of one marketplace under one store epoch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) thresholds: Vec<Traced<ThresholdsChange>>,
    pub(crate) stock: Vec<Traced<StockChange>>,
    pub(crate) listings: Vec<Traced<ListingChange>>,
    pub(crate) cards: Vec<ProductCard>,
    pub(crate) links: Vec<AnchorLinks>,
    pub(crate) bundles: Vec<AnchorBundles>,
    pub(crate) surfaces: Vec<Surface>,
    /// The last sign of life.
    pub(crate) beat: Option<u64>,
}

impl Batch {
    /// Adds a change with the trace that caused it.
    pub(crate) fn push(&mut self, change: Change, traceparent: String) {
        match change {
            Change::Thresholds(change) => self.thresholds.push(Traced { change, traceparent }),
            Change::Stock(change) => self.stock.push(Traced { change, traceparent }),
            Change::Listing(change) => self.listings.push(Traced { change, traceparent }),
            Change::Card(card) => self.cards.push(card),
            Change::Links(links) => self.links.push(links),
            Change::Bundles(bundles) => self.bundles.push(bundles),
            Change::Surface(surface) => self.surfaces.push(surface),
            Change::Heartbeat { counter } => self.beat = self.beat.max(Some(counter)),
        }
    }

    /// Untraced changes.
    pub(crate) fn of(changes: impl IntoIterator<Item = Change>) -> Self {
        let mut batch = Self::default();
        changes
            .into_iter()
            .for_each(|change| batch.push(change, String::new()));
        batch
    }
}

/// Batches by store epoch, older epochs first.
#[derive(Debug, Default)]
pub(crate) struct Batches(pub(crate) BTreeMap<u64, Batch>);

impl Batches {
    /// Changes with the spans that their projection is, as far as they are traced.
    pub(crate) fn traced<'e>(envelopes: impl IntoIterator<Item = &'e Envelope>) -> (Self, Vec<Span>) {
        let mut batches = Self::default();
        let spans = envelopes.into_iter().map(|envelope| {
            let Continued { span, traceparent } = trace::continued(envelope);
            batches.push(envelope.store_epoch, envelope.change.clone(), traceparent);
            span
        });
        let spans = spans.collect();
        (batches, spans)
    }

    fn push(&mut self, store_epoch: u64, change: Change, traceparent: String) {
        self.0.entry(store_epoch).or_default().push(change, traceparent);
    }
}
