//! The few statuses that the shell itself gives; all others are made by the services.

use std::time::Duration;

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

const DOMAIN: &str = "tandem";
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// A handler panicked. What it said stays in the log.
pub(super) fn internal() -> Status {
    with_reason(Code::Internal, "internal error", "INTERNAL", ErrorDetails::new())
}

/// Too much is in progress.
pub(super) fn overloaded() -> Status {
    let details = ErrorDetails::with_retry_info(Some(RETRY_AFTER));
    with_reason(
        Code::Unavailable,
        "too many calls in progress",
        "OVERLOADED",
        details,
    )
}

/// The caller's deadline, or the server's own, is over.
pub(super) fn deadline_exceeded() -> Status {
    with_reason(
        Code::DeadlineExceeded,
        "the deadline is over",
        "DEADLINE_EXCEEDED",
        ErrorDetails::new(),
    )
}

fn with_reason(code: Code, message: &str, reason: &str, mut details: ErrorDetails) -> Status {
    details.set_error_info(reason, DOMAIN, std::collections::HashMap::new());
    Status::with_error_details(code, message, details)
}

/// The code in a response's headers or trailers, if it stands there.
pub(super) fn code(fields: &HeaderMap) -> Option<Code> {
    fields
        .get(Status::GRPC_STATUS)
        .map(|value| Code::from_bytes(value.as_bytes()))
}
