//! Answers that are bytes already: messages are read as usual and written by copying.

use std::convert::Infallible;
use std::marker::PhantomData;

use bytes::{BufMut as _, Bytes};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use prost::Message;
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstDecoder;

/// What most answers fit in, with the five bytes before them.
const BUFFER_BYTES: usize = 4 * 1024;
const YIELD_BYTES: usize = 32 * 1024;

/// Encoded answers to requests of type `Q`.
struct Passing<Q>(PhantomData<fn() -> Q>);

struct Copying;

impl<Q: Message + Default + 'static> Codec for Passing<Q> {
    type Encode = Bytes;
    type Decode = Q;
    type Encoder = Copying;
    type Decoder = ProstDecoder<Q>;

    fn encoder(&mut self) -> Copying {
        Copying
    }

    fn decoder(&mut self) -> ProstDecoder<Q> {
        ProstDecoder::new(BufferSettings::default())
    }
}

impl Encoder for Copying {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, answer: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(answer);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
    }
}

/// A method: the service and what it does with a request.
struct Method<S, H>(S, H);

impl<S, H, F, Q> UnaryService<Q> for Method<S, H>
where
    S: Clone,
    H: Fn(S, Request<Q>) -> F,
    F: Future<Output = Result<Response<Bytes>, Status>> + Send + 'static,
{
    type Response = Bytes;
    type Future = F;

    fn call(&mut self, request: Request<Q>) -> F {
        (self.1)(self.0.clone(), request)
    }
}

/// The answer of `handler` to a request of at most `limit` bytes.
pub(super) fn answer<S, H, F, Q>(
    service: S,
    handler: H,
    request: http::Request<Body>,
    limit: usize,
) -> BoxFuture<'static, Result<http::Response<Body>, Infallible>>
where
    S: Clone + Send + Sync + 'static,
    H: Fn(S, Request<Q>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response<Bytes>, Status>> + Send + 'static,
    Q: Message + Default + 'static,
{
    async move {
        let mut grpc = Grpc::new(Passing::<Q>(PhantomData)).apply_max_message_size_config(Some(limit), None);
        Ok(grpc.unary(Method(service, handler), request).await)
    }
    .boxed()
}
