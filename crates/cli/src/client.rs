//! Connections to a gateway and to control, and errors in words.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Connects to `url`.
///
/// # Errors
/// When the address is no URL or nothing answers there.
pub async fn connect(url: &str, what: &str) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("{url} is no address: write http://HOST:PORT"))?
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(30))
        .tcp_nodelay(true);
    endpoint
        .connect()
        .await
        .with_context(|| format!("no {what} answers at {url}: `tandem dev` starts one"))
}

/// What a status says to a person.
#[must_use]
pub fn explain(status: &Status) -> anyhow::Error {
    match status.code() {
        Code::Unavailable => anyhow!("the service is not available: {}", status.message()),
        code => anyhow!("{}: {}", code_name(code), status.message()),
    }
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Cancelled => "CANCELLED",
        _ => "INTERNAL",
    }
}
