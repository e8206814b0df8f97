//! The response body, watched to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Code, Status};

use super::call::Call;
use super::status;
use crate::panics;

/// A response body that notes the status in its trailers, ends at the caller's deadline, and turns a panic
/// in a stream into INTERNAL where it would look like a clean end.
///
/// It gives no size hint: an exact one would be sent as `content-length`, and what gRPC-Web writes behind the message, the
/// trailers, would be cut off.
pub struct RpcBody {
    inner: tonic::body::Body,
    call: Call,
    limit: Limit,
    ended: bool,
}

/// The caller's deadline; the timer is made only for a body that has to be waited for.
enum Limit {
    None,
    At(Instant),
    Running(Pin<Box<Sleep>>),
}

impl RpcBody {
    pub(super) fn new(inner: tonic::body::Body, call: Call, deadline: Option<Instant>) -> Self {
        Self {
            inner,
            call,
            limit: deadline.map_or(Limit::None, Limit::At),
            ended: false,
        }
    }

    /// The last frame: trailers with a status of ours instead of the handler's.
    fn finish(&mut self, status: &Status) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.ended = true;
        self.call.end(status.code());
        self.inner = tonic::body::Body::empty();
        let mut trailers = http::HeaderMap::new();
        match status.add_header(&mut trailers) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        if let Limit::At(deadline) = self.limit {
            self.limit = Limit::Running(Box::pin(sleep_until(deadline)));
        }
        match &mut self.limit {
            Limit::Running(sleep) => sleep.as_mut().poll(context).is_ready(),
            Limit::None | Limit::At(_) => false,
        }
    }
}

impl Body for RpcBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let entered = this.call.span.clone().entered();
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.inner).poll_frame(context)));
        match polled {
            Err(panic) => {
                let message = panics::message(&*panic);
                tracing::error!(
                    rpc.method = this.call.method(),
                    panic.message = message,
                    "response stream panicked"
                );
                this.finish(&status::internal())
            }
            Ok(Poll::Pending) => {
                drop(entered);
                if this.is_over(context) {
                    this.finish(&status::deadline_exceeded())
                } else {
                    Poll::Pending
                }
            }
            Ok(Poll::Ready(mut frame)) => {
                match &mut frame {
                    Some(Ok(frame)) => {
                        if let Some(trailers) = frame.trailers_mut() {
                            status::complete(trailers);
                            this.call.note(trailers);
                        }
                    }
                    Some(Err(error)) => this.call.end(error.code()),
                    None => this.ended = true,
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}

impl std::fmt::Debug for RpcBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RpcBody")
            .field("method", &self.call.method())
            .finish_non_exhaustive()
    }
}

/// Ends an RPC whose handler gave no response at all.
pub(super) fn refusal(status: Status, mut call: Call) -> http::Response<RpcBody> {
    call.end(status.code());
    status
        .into_http::<tonic::body::Body>()
        .map(|body| RpcBody::new(body, call, None))
}

/// Ends an RPC that there is no time for.
pub(super) fn overloaded(mut call: Call) -> http::Response<RpcBody> {
    call.end(Code::Unavailable);
    let mut response = http::Response::new(RpcBody::new(tonic::body::Body::empty(), call, None));
    response.headers_mut().clone_from(&status::OVERLOADED);
    response
}

/// Wraps a handler's response. One that is an error from the start has its status in the headers.
pub(super) fn watched(
    mut response: http::Response<tonic::body::Body>,
    mut call: Call,
    deadline: Option<Instant>,
) -> http::Response<RpcBody> {
    status::complete(response.headers_mut());
    call.note(response.headers());
    if response.status().is_server_error() {
        call.end(Code::Unknown);
    }
    response.map(|body| RpcBody::new(body, call, deadline))
}
