//! What surrounds every handler.

use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fmt, mem};

use futures::FutureExt as _;
use http::{Request, Response};
use opentelemetry::metrics::Meter;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::admission::{Admission, Place};
use super::body::{RpcBody, overloaded, refusal, watched};
use super::call::{Call, Instruments};
use super::crowd::Crowd;
use super::deadline;
use super::status;
use crate::config::ServerConfig;
use crate::{BoxError, panics};

/// Health must answer when nothing else does.
const ALWAYS_ADMITTED: &str = "/grpc.health.v1.Health/";

/// Around every RPC: admission, deadline, a span in the caller's trace, `rpc.server.duration`, and INTERNAL
/// for a panic. All services of a server share one layer and with it one count of RPCs in progress.
#[derive(Clone, Debug)]
pub struct RpcLayer {
    shared: Arc<Shared>,
    crowd: Arc<Crowd>,
}

#[derive(Debug)]
struct Shared {
    instruments: Arc<Instruments>,
    admission: Arc<Admission>,
    limit: std::time::Duration,
}

impl RpcLayer {
    /// A layer with these limits that measures with this meter.
    pub fn new(config: &ServerConfig, meter: &Meter) -> Self {
        let admission = Arc::new(Admission::new(config.min_in_flight, config.max_in_flight));
        observe(meter, &admission);
        let shared = Shared {
            instruments: Arc::new(Instruments::new(meter)),
            admission,
            limit: config.request_timeout,
        };
        Self {
            shared: Arc::new(shared),
            crowd: Arc::default(),
        }
    }

    /// The same limits and counts for the calls of one runtime, whose threads are crowded or not by themselves.
    pub(super) fn on_this_runtime(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            crowd: Arc::default(),
        }
    }

    /// Keeps an eye on how crowded the threads are; to be polled by their runtime while the layer is used.
    pub(super) fn watch(&self) -> impl Future<Output = std::convert::Infallible> + use<> {
        let crowd = Arc::clone(&self.crowd);
        async move { crowd.watch().await }
    }
}

impl<S> Layer<S> for RpcLayer {
    type Service = RpcService<S>;

    fn layer(&self, inner: S) -> RpcService<S> {
        RpcService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service inside [`RpcLayer`].
#[derive(Clone)]
pub struct RpcService<S> {
    inner: S,
    layer: RpcLayer,
}

impl<S> fmt::Debug for RpcService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcService").finish_non_exhaustive()
    }
}

impl<S> Service<Request<Body>> for RpcService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send,
    S::Future: Send,
{
    type Response = Response<RpcBody>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<RpcBody>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let RpcLayer { shared, crowd } = &self.layer;
        let instruments = Arc::clone(&shared.instruments);
        let call = Call::begin(request.uri(), request.headers(), instruments);
        let Some(place) = shared.admit(&request) else {
            return Box::pin(ready(Ok(overloaded(call))));
        };
        let now = Instant::now();
        let of_caller = deadline::of_caller(request.headers()).and_then(|timeout| now.checked_add(timeout));
        let of_server = now + shared.limit;
        let deadline = of_caller.map_or(of_server, |of_caller| of_caller.min(of_server));

        // The instance that was polled ready is the one to be called.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let span = call.span.clone();
        let (admission, crowd) = (Arc::clone(&shared.admission), Arc::clone(crowd));
        let handle = async move {
            if place.is_some() && crowd.is_there() {
                yield_now().await;
            }
            let begun = Instant::now();
            if Admission::is_hopeless(now, begun, deadline) {
                admission.late(begun);
                drop(place);
                return Ok(if begun >= deadline {
                    refusal(status::deadline_exceeded(), call)
                } else {
                    overloaded(call)
                });
            }
            let handler = AssertUnwindSafe(async move { inner.call(request).await }).catch_unwind();
            let outcome = timeout_at(deadline, handler).await;
            match outcome {
                Ok(_) => admission.in_time(),
                Err(_) => admission.late(Instant::now()),
            }
            drop(place);
            match outcome {
                Ok(Ok(response)) => response.map(|response| watched(response, call, of_caller)),
                Ok(Err(panic)) => {
                    let message = panics::message(&*panic);
                    tracing::error!(
                        rpc.method = call.method(),
                        panic.message = message,
                        "handler panicked"
                    );
                    Ok(refusal(status::internal(), call))
                }
                Err(_) => Ok(refusal(status::deadline_exceeded(), call)),
            }
        };
        Box::pin(handle.instrument(span))
    }
}

impl Shared {
    /// A place among the RPCs in progress, held until the response begins; a stream holds none. None when all places are
    /// taken.
    fn admit(&self, request: &Request<Body>) -> Option<Option<Place>> {
        if request.uri().path().starts_with(ALWAYS_ADMITTED) {
            return Some(None);
        }
        self.admission.enter().map(Some)
    }
}

fn observe(meter: &Meter, admission: &Arc<Admission>) {
    let shown = Arc::downgrade(admission);
    meter
        .u64_observable_gauge("tandem.server.in_flight.limit")
        .with_description("RPCs that may be in progress at once; falls while answers are too late")
        .with_callback(move |gauge| {
            if let Some(admission) = shown.upgrade() {
                gauge.observe(admission.limit() as u64, &[]);
            }
        })
        .build();
    let shown = Arc::downgrade(admission);
    meter
        .u64_observable_gauge("tandem.server.in_flight")
        .with_description("RPCs in progress")
        .with_callback(move |gauge| {
            if let Some(admission) = shown.upgrade() {
                gauge.observe(admission.in_progress() as u64, &[]);
            }
        })
        .build();
}
