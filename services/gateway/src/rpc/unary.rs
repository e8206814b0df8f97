//! One request, one answer of bytes that are encoded already. tonic's own path copies an answer into a buffer of its
//! codec and reads a request through another of 8 KiB; here the answer goes out as it was written.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes, BytesMut};
use futures::future::poll_fn;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as _, Frame};
use prost::Message;
use tandem_runtime::status::Refusal;
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tonic::{Code, Extensions, Status};

/// A byte that says whether the message is compressed, and four of its length.
const HEAD: usize = 5;

/// Room for an answer, with what stands before it.
pub(super) fn sheet(capacity: usize) -> Vec<u8> {
    let mut sheet = Vec::with_capacity(HEAD + capacity);
    sheet.extend_from_slice(&[0; HEAD]);
    sheet
}

/// An answer that was written behind the head of a [`sheet`].
pub(super) fn written(mut sheet: Vec<u8>) -> Bytes {
    let length = u32::try_from(sheet.len().saturating_sub(HEAD)).unwrap_or(u32::MAX);
    if let Some(head) = sheet.get_mut(1..HEAD) {
        head.copy_from_slice(&length.to_be_bytes());
    }
    sheet.into()
}

/// An answer that is a message.
pub(super) fn encoded(message: &impl Message) -> Bytes {
    let mut bytes = sheet(message.encoded_len());
    message
        .encode(&mut bytes)
        .expect("a vector has room for any message");
    written(bytes)
}

/// Reads the request, which may have `limit` bytes, and sends what `handler` makes of it.
pub(super) async fn answer<Q, F>(
    request: http::Request<Body>,
    limit: usize,
    handler: impl FnOnce(Extensions, Q) -> F,
) -> Result<http::Response<Body>, Infallible>
where
    Q: Message + Default,
    F: Future<Output = Result<Bytes, Status>>,
{
    let (parts, body) = request.into_parts();
    let outcome = match read(body, &parts.headers, limit).await {
        Ok(message) => handler(parts.extensions, message).await,
        Err(status) => Err(status),
    };
    Ok(outcome.map_or_else(Status::into_http, sent))
}

fn sent(answer: Bytes) -> http::Response<Body> {
    let mut response = http::Response::new(Body::new(Answer(Next::Message(answer))));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    response
}

async fn read<Q: Message + Default>(mut body: Body, headers: &HeaderMap, limit: usize) -> Result<Q, Status> {
    let mut whole = Bytes::new();
    let mut parts = BytesMut::new();
    while !body.is_end_stream() {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(data) = frame.transpose()?.and_then(|frame| frame.into_data().ok()) else {
            break;
        };
        if whole.is_empty() && parts.is_empty() {
            whole = data;
        } else {
            parts.extend_from_slice(&std::mem::take(&mut whole));
            parts.extend_from_slice(&data);
        }
        if whole.len() + parts.len() > HEAD + limit {
            return Err(too_large(limit));
        }
    }
    let whole = if parts.is_empty() { whole } else { parts.freeze() };
    message(whole, headers, limit)
}

fn message<Q: Message + Default>(mut bytes: Bytes, headers: &HeaderMap, limit: usize) -> Result<Q, Status> {
    if bytes.len() < HEAD {
        return Err(invalid("the request holds no message"));
    }
    match bytes.get_u8() {
        0 => {}
        flag => return Err(compressed(flag, headers)),
    }
    let length = usize::try_from(bytes.get_u32()).unwrap_or(usize::MAX);
    if length > limit {
        return Err(too_large(limit));
    }
    if length != bytes.len() {
        return Err(invalid("the request is not one whole message"));
    }
    Q::decode(bytes).map_err(invalid)
}

/// What gRPC asks to be said of a message that says of itself that it is compressed.
fn compressed(flag: u8, headers: &HeaderMap) -> Status {
    let named = headers.get("grpc-encoding").filter(|name| *name != "identity");
    if flag != 1 || named.is_none() {
        let why = "the message's flag for compression does not fit its headers";
        return Refusal::new(Code::Internal, "INTERNAL", why).into();
    }
    let why = "compressed messages are not taken: send identity";
    let mut status = Status::from(Refusal::new(Code::Unimplemented, "COMPRESSION_UNSUPPORTED", why));
    let accepted = MetadataValue::from_static("identity");
    status.metadata_mut().insert("grpc-accept-encoding", accepted);
    status
}

fn invalid(why: impl std::fmt::Display) -> Status {
    Refusal::new(Code::InvalidArgument, "MESSAGE_INVALID", why.to_string()).into()
}

fn too_large(limit: usize) -> Status {
    let why = format!("the request is larger than {limit} bytes");
    Refusal::new(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", why)
        .with("limit", limit)
        .into()
}

/// The message, then trailers that say that all went well.
struct Answer(Next);

enum Next {
    Message(Bytes),
    Trailers,
    Nothing,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let (frame, next) = match std::mem::replace(&mut self.0, Next::Nothing) {
            Next::Message(message) => (Frame::data(message), Next::Trailers),
            Next::Trailers => (Frame::trailers(well()), Next::Nothing),
            Next::Nothing => return Poll::Ready(None),
        };
        self.0 = next;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Next::Nothing)
    }
}

fn well() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}
