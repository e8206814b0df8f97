//! What a failed call means to its client.

use std::error::Error;

/// Whether a call failed before any handler saw it: nobody listens any more; or GOAWAY closed the client's queue before
/// the call left it, or named a last call before this one. Clients may try such calls again elsewhere.
pub fn never_begun(failure: &dyn Error) -> bool {
    let cause = format!("{failure:?}");
    [
        "ConnectionRefused",
        "hyper::Error(Canceled, ",
        r#"GoAway(b"", NO_ERROR, Remote)"#,
    ]
    .iter()
    .any(|sign| cause.contains(sign))
}
