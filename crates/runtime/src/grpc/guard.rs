//! Who may call what, decided before a handler sees the request.

use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Either};
use http::{Extensions, HeaderMap, Request, Response};
use serde::de::DeserializeOwned;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use crate::auth::{Callers, Halt};
use crate::status::Refusal;

/// Decides whether an RPC may go on, and tells its handler who calls.
pub trait Guard: Clone + Send + Sync + 'static {
    /// Looks at the RPC `path` (`/package.Service/Method`) and its `headers`; what the handler is to know of
    /// the caller goes into `extensions`, where [`tonic::Request::extensions`] finds it.
    ///
    /// # Errors
    /// The answer to a caller who may not go on, or a wait after which it is asked once more.
    fn admit(&self, path: &str, headers: &HeaderMap, extensions: &mut Extensions) -> Result<(), Halt>;
}

/// Lets through whoever can be told apart, whatever its scopes: for what no caller has to be kept from, but strangers have.
pub struct AnyCaller<P>(Callers<P>);

impl<P> AnyCaller<P> {
    /// One of these callers.
    pub fn of(callers: Callers<P>) -> Self {
        Self(callers)
    }
}

impl<P> Clone for AnyCaller<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P> fmt::Debug for AnyCaller<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyCaller").field(&self.0).finish()
    }
}

impl<P: DeserializeOwned + Send + Sync + 'static> Guard for AnyCaller<P> {
    fn admit(&self, _: &str, headers: &HeaderMap, extensions: &mut Extensions) -> Result<(), Halt> {
        extensions.insert(self.0.recognise(headers)?);
        Ok(())
    }
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

/// The answer of the service itself, a refusal, or either after a wait.
type Turn<F, R, E> = Either<F, Either<Ready<Result<R, E>>, BoxFuture<'static, Result<R, E>>>>;

impl<S, G> Service<Request<Body>> for Guarded<S, G>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    G: Guard,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Turn<S::Future, Response<Body>, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match admit(&self.guard, &mut request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(Halt::Refuse(refusal)) => Either::Right(Either::Left(ready(Ok(refused(refusal))))),
            Err(Halt::Wait { until, .. }) => {
                // The instance that was polled ready is the one to be called.
                let clone = self.inner.clone();
                let mut inner = std::mem::replace(&mut self.inner, clone);
                let guard = self.guard.clone();
                let later = async move {
                    until.await;
                    match admit(&guard, &mut request) {
                        Ok(()) => inner.call(request).await,
                        Err(
                            Halt::Refuse(refusal)
                            | Halt::Wait {
                                otherwise: refusal, ..
                            },
                        ) => Ok(refused(refusal)),
                    }
                };
                Either::Right(Either::Right(later.boxed()))
            }
        }
    }
}

fn admit<G: Guard>(guard: &G, request: &mut Request<Body>) -> Result<(), Halt> {
    // Apart, since the guard reads the headers while it writes the extensions.
    let mut extensions = std::mem::take(request.extensions_mut());
    let admitted = guard.admit(request.uri().path(), request.headers(), &mut extensions);
    *request.extensions_mut() = extensions;
    admitted
}

fn refused(refusal: Refusal) -> Response<Body> {
    Status::from(refusal).into_http()
}

impl<S, G> fmt::Debug for Guarded<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}
