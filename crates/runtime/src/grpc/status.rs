//! The few answers that the shell itself gives; all others are the services'.

use std::time::Duration;

use http::HeaderMap;
use tonic::{Code, Status};

use crate::status::Refusal;

const RETRY_AFTER: Duration = Duration::from_millis(200);

/// A handler panicked. What it said stays in the log.
pub(super) fn internal() -> Status {
    Refusal::new(Code::Internal, "INTERNAL", "internal error").into()
}

/// Too much is in progress.
pub(super) fn overloaded() -> Status {
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

/// The code in a response's headers or trailers, if it stands there.
pub(super) fn code(fields: &HeaderMap) -> Option<Code> {
    fields
        .get(Status::GRPC_STATUS)
        .map(|value| Code::from_bytes(value.as_bytes()))
}
