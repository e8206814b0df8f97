//! Carrying a trace from process to process, in the form of W3C `traceparent`: over gRPC in the metadata,
//! through SQL outbox rows and stream entries as one column or field.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::{MetadataKey, MetadataMap};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";

pub(super) fn propagator() -> TraceContextPropagator {
    TraceContextPropagator::new()
}

/// The `traceparent` of a context; none if it is not in a trace.
pub fn inject(context: &Context) -> Option<String> {
    let mut fields = HashMap::new();
    propagator().inject_context(context, &mut fields);
    fields.remove(TRACEPARENT)
}

/// The context that a `traceparent` names; one without a trace if it names none.
pub fn extract(traceparent: &str) -> Context {
    let fields = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    propagator().extract_with_context(&Context::new(), &fields)
}

/// The `traceparent` of the span this code runs in, to be written beside what it causes.
pub fn current() -> Option<String> {
    inject(&Span::current().context())
}

/// Makes a span, before it is entered, part of the trace that caused it.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    if let Some(traceparent) = traceparent {
        follow_context(span, extract(traceparent));
    }
}

/// Puts the trace of the span this code runs in into an outgoing RPC's metadata.
pub fn inject_metadata(metadata: &mut MetadataMap) {
    propagator().inject_context(&Span::current().context(), &mut MetadataInjector(metadata));
}

/// The context that an incoming RPC's headers name.
pub(crate) fn extract_headers(headers: &http::HeaderMap) -> Context {
    propagator().extract_with_context(&Context::new(), &HeaderExtractor(headers))
}

pub(crate) fn follow_context(span: &Span, context: Context) {
    if context.span().span_context().is_valid() {
        // Fails without a collector, when spans are not recorded; the work goes on.
        let _ = span.set_parent(context);
    }
}

struct MetadataInjector<'a>(&'a mut MetadataMap);

impl Injector for MetadataInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (MetadataKey::from_bytes(key.as_bytes()), value.parse()) {
            self.0.insert(key, value);
        }
    }
}

struct HeaderExtractor<'a>(&'a http::HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
