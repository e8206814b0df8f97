//! The account of one RPC: its span and its measurements.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, Uri};
use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{KeyValue, Value};
use tonic::Code;
use tracing::{Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::status;
use crate::telemetry::{SECONDS, propagation};

/// Instruments for all RPCs.
#[derive(Clone, Debug)]
pub(super) struct Instruments {
    duration: Histogram<f64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let duration = meter
            .f64_histogram("rpc.server.duration")
            .with_unit("s")
            .with_description("From the request's headers to the end of the response")
            .with_boundaries(SECONDS.to_vec())
            .build();
        Self { duration }
    }
}

/// One RPC from its first header to its last byte. Whoever drops it ends it; without a status by then the
/// caller has gone away.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) span: Span,
    path: Path,
    started: Instant,
    code: Option<Code>,
    instruments: Arc<Instruments>,
}

impl Call {
    pub(super) fn begin(uri: &Uri, headers: &HeaderMap, instruments: Arc<Instruments>) -> Self {
        let path = Path::of(uri);
        let span = info_span!(
            "rpc",
            otel.name = path.full(),
            otel.kind = "server",
            otel.status_code = field::Empty,
            rpc.system = "grpc",
            rpc.service = path.service(),
            rpc.method = path.method(),
            rpc.grpc.status_code = field::Empty,
            trace_id = field::Empty,
        );
        propagation::follow_context(&span, propagation::extract_headers(headers));
        let context = span.context();
        let trace = context.span().span_context().clone();
        if trace.is_valid() {
            span.record("trace_id", field::display(trace.trace_id()));
        }
        Self {
            span,
            path,
            started: Instant::now(),
            code: None,
            instruments,
        }
    }

    /// Notes the status if these headers or trailers hold it.
    pub(super) fn note(&mut self, fields: &HeaderMap) {
        if let Some(code) = status::code(fields) {
            self.end(code);
        }
    }

    pub(super) fn end(&mut self, code: Code) {
        self.code = Some(code);
    }

    pub(super) fn method(&self) -> &str {
        self.path.full()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        self.span.record("rpc.grpc.status_code", code as i64);
        if is_fault(code) {
            self.span.record("otel.status_code", "ERROR");
        }
        let seconds = self.started.elapsed().as_secs_f64();
        self.instruments
            .duration
            .record(seconds, &self.path.attributes(code));
    }
}

/// The codes that are the server's fault.
fn is_fault(code: Code) -> bool {
    use Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    matches!(
        code,
        Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss
    )
}

/// `/package.Service/Method`, shared between span and metrics.
#[derive(Clone, Debug)]
struct Path {
    full: Arc<str>,
    slash: usize,
}

impl Path {
    fn of(uri: &Uri) -> Self {
        let full = uri.path().trim_start_matches('/');
        Self {
            full: full.into(),
            slash: full.find('/').unwrap_or(full.len()),
        }
    }

    fn full(&self) -> &str {
        &self.full
    }

    fn service(&self) -> &str {
        &self.full[..self.slash]
    }

    fn method(&self) -> &str {
        self.full[self.slash..].trim_start_matches('/')
    }

    /// Callers may ask for whatever they like; what is not implemented shares one label.
    fn attributes(&self, code: Code) -> [KeyValue; 4] {
        let (service, method) = match code {
            Code::Unimplemented => ("other", "other"),
            _ => (self.service(), self.method()),
        };
        [
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.service", Value::from(service.to_owned())),
            KeyValue::new("rpc.method", Value::from(method.to_owned())),
            KeyValue::new("rpc.grpc.status_code", code as i64),
        ]
    }
}
