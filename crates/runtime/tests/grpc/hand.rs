//! A service made by hand whose methods misbehave in one way each, and a client for it.

use std::convert::Infallible;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use http::uri::PathAndQuery;
use tokio::sync::Notify;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::server::{NamedService, ServerStreamingService, UnaryService};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_health::pb::{HealthCheckRequest as Ask, HealthCheckResponse as Answer};
use tonic_prost::ProstCodec;
use tower::Service;

/// The service and what its methods wait for.
#[derive(Clone, Default)]
pub(crate) struct Hand {
    /// Told whenever a call of `Hold` or `Block` has begun.
    pub(crate) begun: Arc<Notify>,
    /// Lets one call of `Hold` go on.
    pub(crate) release: Arc<Notify>,
    /// Where a call of `Block` keeps its thread until the test comes too.
    pub(crate) meeting: Arc<Meeting>,
}

/// A place for two.
pub(crate) struct Meeting(Barrier);

impl Default for Meeting {
    fn default() -> Self {
        Self(Barrier::new(2))
    }
}

impl Meeting {
    /// Waits for the other, and keeps the thread meanwhile.
    pub(crate) fn wait(&self) {
        self.0.wait();
    }
}

impl NamedService for Hand {
    const NAME: &'static str = "test.v1.Hand";
}

struct Method(Hand, String);

impl UnaryService<Ask> for Method {
    type Response = Answer;
    type Future = BoxFuture<'static, Result<Response<Answer>, Status>>;

    fn call(&mut self, _: Request<Ask>) -> Self::Future {
        let (hand, method) = (self.0.clone(), self.1.clone());
        Box::pin(async move {
            match method.as_str() {
                "Panic" => panic!("the handler's own secret"),
                "Refuse" => return Err(Status::new(Code::FailedPrecondition, "not now")),
                "Hold" => {
                    hand.begun.notify_one();
                    hand.release.notified().await;
                }
                "Block" => {
                    hand.begun.notify_one();
                    hand.meeting.wait();
                }
                _ => {}
            }
            Ok(Response::new(Answer { status: 1 }))
        })
    }
}

impl ServerStreamingService<Ask> for Method {
    type Response = Answer;
    type ResponseStream = BoxStream<'static, Result<Answer, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: Request<Ask>) -> Self::Future {
        let first = stream::iter([Ok(Answer { status: 1 })]);
        let stream = match self.1.as_str() {
            "StreamPanic" => first.chain(stream::once(late_panic())).boxed(),
            "StreamRefuse" => first
                .chain(stream::iter([Err(Status::aborted("no more"))]))
                .boxed(),
            "StreamForEver" => first.chain(stream::pending()).boxed(),
            _ => first.boxed(),
        };
        Box::pin(async move { Ok(Response::new(stream)) })
    }
}

/// Later than the message before it is sent.
async fn late_panic() -> Result<Answer, Status> {
    tokio::task::yield_now().await;
    panic!("the stream's own secret")
}

impl Service<http::Request<Body>> for Hand {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = request
            .uri()
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let hand = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Answer, Ask>::default());
            Ok(match method.as_str() {
                "Missing" => Status::unimplemented("no such method").into_http(),
                streaming if streaming.starts_with("Stream") => {
                    grpc.server_streaming(Method(hand, method), request).await
                }
                _ => grpc.unary(Method(hand, method), request).await,
            })
        })
    }
}

/// A client of the service.
#[derive(Clone)]
pub(crate) struct Client<C = Channel>(tonic::client::Grpc<C>);

impl<C> Client<C>
where
    C: GrpcService<Body>,
    C::Error: std::fmt::Display,
    C::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <C::ResponseBody as http_body::Body>::Error: Into<tandem_runtime::BoxError> + Send,
{
    pub(crate) fn new(connection: C, address: &str) -> Self {
        let origin = format!("http://{address}").parse().expect("an address");
        Self(tonic::client::Grpc::with_origin(connection, origin))
    }

    pub(crate) async fn call(&mut self, method: &str) -> Result<Answer, Status> {
        self.request(method, Request::new(Ask::default())).await
    }

    pub(crate) async fn request(&mut self, method: &str, request: Request<Ask>) -> Result<Answer, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Ask, Answer>::default();
        self.0
            .unary(request, path(method), codec)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn stream(
        &mut self,
        method: &str,
        request: Request<Ask>,
    ) -> Result<Streaming<Answer>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Ask, Answer>::default();
        self.0
            .server_streaming(request, path(method), codec)
            .await
            .map(Response::into_inner)
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.0
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))
    }
}

fn path(method: &str) -> PathAndQuery {
    format!("/{}/{method}", Hand::NAME)
        .parse()
        .expect("a method is a path")
}
