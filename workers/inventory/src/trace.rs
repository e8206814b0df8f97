//! The trace of a change goes on: request → outbox → stream → here → feed → gateway.

use tandem_domain::change::{Change, Envelope};
use tandem_runtime::telemetry::propagation;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The span of a change's projection; its end is the span's end.
pub(crate) struct Continued {
    pub(crate) span: Span,
    /// What the feed entry carries on: the span's, or the envelope's where no spans are recorded.
    pub(crate) traceparent: String,
}

/// Begins the span `inventory.project` inside the trace of the request that made the change. Untraced and unsampled
/// changes get none: a span per change costs more than its projection.
pub(crate) fn continued(envelope: &Envelope) -> Continued {
    let traceparent = &envelope.traceparent;
    if !is_sampled(traceparent) || matches!(envelope.change, Change::Heartbeat { .. }) {
        return Continued {
            span: Span::none(),
            traceparent: traceparent.clone(),
        };
    }
    let span = tracing::info_span!(
        "inventory.project",
        otel.kind = "consumer",
        marketplace.id = %envelope.marketplace,
        change.of = envelope.change.subject(),
    );
    propagation::follow(&span, Some(traceparent));
    let own = propagation::inject(&span.context());
    Continued {
        traceparent: own.unwrap_or_else(|| traceparent.clone()),
        span,
    }
}

/// Whether the last bit of a `traceparent`'s flags is set.
fn is_sampled(traceparent: &str) -> bool {
    let flags = traceparent
        .rsplit('-')
        .next()
        .and_then(|flags| u8::from_str_radix(flags, 16).ok());
    flags.is_some_and(|flags| flags & 1 == 1)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tandem_domain::catalog::Listing;
    use tandem_domain::change::ListingChange;
    use tandem_domain::id::{MarketplaceId, ProductId};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn envelope(traceparent: &str) -> Envelope {
        let product = ProductId::new("p").unwrap();
        Envelope {
            marketplace: MarketplaceId::new("m").unwrap(),
            store_epoch: 1,
            traceparent: traceparent.to_owned(),
            change: Change::Listing(ListingChange {
                product,
                listing: Listing::Listed,
                version: 1,
            }),
        }
    }

    #[test]
    fn a_recorded_projection_is_a_span_of_the_requests_trace_and_the_feed_goes_on_from_it() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let recording = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(recording, || {
            let own = continued(&envelope(PARENT)).traceparent;
            assert_eq!(own.split('-').nth(1), PARENT.split('-').nth(1), "the same trace");
            assert_ne!(
                own.split('-').nth(2),
                PARENT.split('-').nth(2),
                "a span of its own"
            );
        });
    }

    #[test]
    fn what_is_not_recorded_goes_on_unchanged() {
        for traceparent in [
            PARENT,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "",
        ] {
            assert_eq!(continued(&envelope(traceparent)).traceparent, traceparent);
        }
    }

    #[test]
    fn only_sampled_traces_get_a_span() {
        assert!(is_sampled(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        ));
        assert!(is_sampled(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"
        ));
        assert!(!is_sampled(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
        ));
        assert!(!is_sampled(""));
        assert!(!is_sampled("nonsense"));
    }
}
