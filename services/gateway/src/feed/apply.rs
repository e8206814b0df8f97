//! Entries of the feed on the shelf.

use tandem_domain::feed::FeedEvent;
use tandem_runtime::telemetry::propagation;

use crate::availability::Shelf;

/// Puts a sellable state on the shelf; any other event leaves it as it is. The span stands in the trace of the stock
/// report that moved the state: it is the moment from which no answer shows the product.
pub(super) fn availability(shelf: &Shelf, event: FeedEvent) {
    let FeedEvent::Availability {
        product,
        pool,
        state,
        traceparent,
    } = event
    else {
        return;
    };
    if traceparent.is_empty() {
        return shelf.set(&product, &pool, state);
    }
    let span = tracing::info_span!("gateway.availability.apply", product.id = %product, stock.pool = %pool, stock.state = ?state);
    propagation::follow(&span, Some(&traceparent));
    span.in_scope(|| shelf.set(&product, &pool, state));
}

/// The kind of an event, for the metric.
pub(super) fn kind(event: &FeedEvent) -> &'static str {
    match event {
        FeedEvent::Availability { .. } => "availability",
        FeedEvent::Generation(_) => "generation",
        FeedEvent::Links(_) => "links",
        FeedEvent::Bundles(_) => "bundles",
        FeedEvent::Card(_) => "card",
        FeedEvent::Surface(_) => "surface",
        FeedEvent::Heartbeat(_) => "heartbeat",
        FeedEvent::Rebuilt { .. } => "rebuilt",
    }
}
