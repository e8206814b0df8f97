//! Who may call what, decided before a handler sees the request.

use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures::future::Either;
use http::{Extensions, HeaderMap, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

/// Decides whether an RPC may go on, and tells its handler who calls.
pub trait Guard: Clone + Send + Sync + 'static {
    /// Looks at the RPC `path` (`/package.Service/Method`) and its `headers`; what the handler is to know of
    /// the caller goes into `extensions`, where [`tonic::Request::extensions`] finds it.
    ///
    /// # Errors
    /// The answer to a caller who may not go on.
    fn admit(&self, path: &str, headers: &HeaderMap, extensions: &mut Extensions) -> Result<(), Status>;
}

/// A service behind a [`Guard`].
#[derive(Clone)]
pub struct Guarded<S, G> {
    inner: S,
    guard: G,
}

impl<S, G> Guarded<S, G> {
    /// Puts `guard` in front of every RPC of `inner`.
    pub fn new(inner: S, guard: G) -> Self {
        Self { inner, guard }
    }
}

impl<S: NamedService, G> NamedService for Guarded<S, G> {
    const NAME: &'static str = S::NAME;
}

impl<S, G> Service<Request<Body>> for Guarded<S, G>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    G: Guard,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<Body>, S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        match self
            .guard
            .admit(parts.uri.path(), &parts.headers, &mut parts.extensions)
        {
            Ok(()) => Either::Right(self.inner.call(Request::from_parts(parts, body))),
            Err(refusal) => Either::Left(ready(Ok(refusal.into_http()))),
        }
    }
}

impl<S, G> fmt::Debug for Guarded<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}
