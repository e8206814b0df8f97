//! The services of a process and their names.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, Either};
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt as _};

/// gRPC services to be served together. Health is added by [`serve`](super::serve), one entry per service.
///
/// A call finds its service by one look into a short list: paths are `/package.Service/Method`, and nothing else is served.
#[derive(Clone, Default)]
pub struct Services(Vec<(&'static str, Arc<dyn Handler>)>);

impl Services {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service as tonic generates it.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.0.push((S::NAME, Arc::new(service)));
        self
    }

    /// What they are called.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    fn of(&self, path: &str) -> Option<&dyn Handler> {
        let (service, _method) = path.strip_prefix('/')?.split_once('/')?;
        let known = self.0.iter().find(|(name, _)| *name == service);
        known.map(|(_, handler)| &**handler)
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

type Answer = Result<Response<Body>, Infallible>;

/// A service whose kind is forgotten.
trait Handler: Send + Sync {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'static, Answer>;
}

impl<S> Handler for S
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn handle(&self, request: Request<Body>) -> BoxFuture<'static, Answer> {
        Box::pin(self.clone().oneshot(request))
    }
}

impl Service<Request<Body>> for Services {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<BoxFuture<'static, Answer>, Ready<Answer>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.of(request.uri().path()) {
            Some(handler) => Either::Left(handler.handle(request)),
            None => Either::Right(ready(Ok(Status::unimplemented("").into_http()))),
        }
    }
}
