//! The account of one RPC: its span and its measurements.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::{HeaderMap, Uri};
use opentelemetry::metrics::{BoundHistogram, Histogram, Meter};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{KeyValue, Value};
use parking_lot::RwLock;
use tonic::Code;
use tracing::{Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::status;
use crate::telemetry::{SECONDS, propagation, sampling};

/// Instruments for all RPCs.
#[derive(Clone, Debug)]
pub(super) struct Instruments {
    duration: Histogram<f64>,
    /// Of each method, its histogram of each code, so that labels are looked up once.
    methods: Arc<RwLock<HashMap<String, Codes>>>,
}

/// By the number of a code.
type Codes = [OnceLock<BoundHistogram<f64>>; CODES];
const CODES: usize = 17;

/// Methods with labels of their own. Callers may ask for whatever they like, and what is not here shares one label.
const METHODS: usize = 256;
const OTHER: &str = "other/other";

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let duration = meter
            .f64_histogram("rpc.server.duration")
            .with_unit("s")
            .with_description("From the request's headers to the end of the response")
            .with_boundaries(SECONDS.to_vec())
            .build();
        Self {
            duration,
            methods: Arc::default(),
        }
    }

    fn record(&self, uri: &Uri, code: Code, seconds: f64) {
        let path = match code {
            Code::Unimplemented => OTHER,
            _ => path(uri),
        };
        let record = |path: &str, codes: &Codes| {
            let bind = || self.duration.bind(&attributes(path, code));
            codes[code as usize].get_or_init(bind).record(seconds);
        };
        if let Some(codes) = self.methods.read().get(path) {
            return record(path, codes);
        }
        let mut methods = self.methods.write();
        // What went well is served here, whatever else was asked for before.
        let is_taken = code == Code::Ok || methods.len() < METHODS;
        let path = if is_taken { path } else { OTHER };
        record(path, methods.entry(path.to_owned()).or_default());
    }
}

/// One RPC from its first header to its last byte. Whoever drops it ends it; without a status by then the
/// caller has gone away.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) span: Span,
    uri: Uri,
    started: Instant,
    code: Option<Code>,
    instruments: Arc<Instruments>,
}

impl Call {
    pub(super) fn begin(uri: &Uri, headers: &HeaderMap, instruments: Arc<Instruments>) -> Self {
        Self {
            span: span(uri, headers),
            uri: uri.clone(),
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
        path(&self.uri)
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
        self.instruments.record(&self.uri, code, seconds);
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

/// The span of a call whose trace is kept; whether it is, is decided before anything is spent on it.
fn span(uri: &Uri, headers: &HeaderMap) -> Span {
    if !sampling::keeps(headers) {
        return Span::none();
    }
    let path = path(uri);
    let (service, method) = parts(path);
    let span = info_span!(
        "rpc",
        otel.name = path,
        otel.kind = "server",
        otel.status_code = field::Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = field::Empty,
        trace_id = field::Empty,
    );
    propagation::follow_context(&span, propagation::extract_headers(headers));
    let context = span.context();
    let trace = context.span().span_context().clone();
    if trace.is_valid() {
        span.record("trace_id", field::display(trace.trace_id()));
    }
    span
}

/// `package.Service/Method`
fn path(uri: &Uri) -> &str {
    uri.path().trim_start_matches('/')
}

fn parts(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

fn attributes(path: &str, code: Code) -> [KeyValue; 4] {
    let (service, method) = parts(path);
    [
        KeyValue::new("rpc.system", "grpc"),
        KeyValue::new("rpc.service", Value::from(service.to_owned())),
        KeyValue::new("rpc.method", Value::from(method.to_owned())),
        KeyValue::new("rpc.grpc.status_code", code as i64),
    ]
}
