//! The few answers that the shell itself gives; all others are the services'.

use std::sync::LazyLock;
use std::time::Duration;

use http::HeaderMap;
use tonic::{Code, Status};

use crate::status::Refusal;

const RETRY_AFTER: Duration = Duration::from_millis(200);

/// A handler panicked. What it said stays in the log.
pub(super) fn internal() -> Status {
    Refusal::new(Code::Internal, "INTERNAL", "internal error").into()
}

/// Too much is in progress: the headers of such an answer, written once, since it is given when there is no time.
pub(super) static OVERLOADED: LazyLock<HeaderMap> =
    LazyLock::new(|| overloaded().into_http::<()>().into_parts().0.headers);

fn overloaded() -> Status {
    let refusal = Refusal::new(
        Code::Unavailable,
        "OVERLOADED",
        "too many calls in progress: try again later",
    );
    refusal.retry_after(RETRY_AFTER).into()
}

/// The caller's deadline, or the server's own, is over.
pub(super) fn deadline_exceeded() -> Status {
    Refusal::new(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "the deadline is over",
    )
    .into()
}

/// How tonic begins when a message is compressed in a way that the service does not take.
const COMPRESSED: &str = "Content is compressed with";
/// How tonic begins when a message is none.
const UNDECODABLE: &str = "failed to decode Protobuf message";

/// Gives an error that tonic itself made, which holds no details, its code's name as the reason.
pub(super) fn complete(fields: &mut HeaderMap) {
    let Some(status) = Status::from_header_map(fields) else {
        return;
    };
    if status.code() == Code::Ok || !status.details().is_empty() {
        return;
    }
    let complete = match status.code() {
        // tonic says so of a message above the limit, and of nothing else.
        Code::OutOfRange => Refusal::new(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", status.message()),
        Code::Internal if status.message().starts_with(UNDECODABLE) => {
            Refusal::new(Code::InvalidArgument, "MESSAGE_INVALID", status.message())
        }
        Code::Unimplemented if status.message().starts_with(COMPRESSED) => {
            Refusal::new(Code::Unimplemented, "COMPRESSION_UNSUPPORTED", status.message())
        }
        code => Refusal::new(code, name(code), status.message()),
    };
    if let Err(error) = Status::from(complete).add_header(fields) {
        tracing::error!(%error, "an error's reason cannot be written");
    }
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The code in a response's headers or trailers, if it stands there.
pub(super) fn code(fields: &HeaderMap) -> Option<Code> {
    fields
        .get(Status::GRPC_STATUS)
        .map(|value| Code::from_bytes(value.as_bytes()))
}
