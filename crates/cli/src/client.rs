//! Connections to a gateway and to control, and errors in words.

use anyhow::{Context, Result, anyhow};
use tandem_client::{ConnectError, Connection, Settings};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::args::TOKEN;

/// Connects to `url`, where `what` should answer.
///
/// # Errors
/// When address, certificates or token cannot be used, or nothing answers there.
pub async fn connect(url: &str, what: &str, settings: &Settings) -> Result<Connection> {
    let connected = Connection::open(url, settings).await;
    let away = matches!(connected, Err(ConnectError::Unreachable { .. }));
    let connected = connected.map_err(anyhow::Error::from);
    if away {
        return connected.with_context(|| format!("no {what} answers at {url}: `tandem dev` starts one"));
    }
    connected
}

/// What a status says to a person, and what to do about it where that is known.
#[must_use]
pub fn explain(status: &Status) -> anyhow::Error {
    let message = status.message();
    match (status.code(), remedy(status)) {
        (Code::Unavailable, _) => anyhow!("the service is not available: {message}"),
        (code, Some(remedy)) => anyhow!("{}: {message}; {remedy}", code_name(code)),
        (code, None) => anyhow!("{}: {message}", code_name(code)),
    }
}

/// What the caller of this command can do, by the reason of the refusal.
fn remedy(status: &Status) -> Option<String> {
    let info = status.get_details_error_info()?;
    match info.reason.as_str() {
        "TOKEN_MISSING" => Some(format!(
            "name the file that holds it with --token-file, or set the variable {TOKEN}"
        )),
        "SCOPE_MISSING" => Some("use a token whose claim `scope` names it".to_owned()),
        "SHOP_REQUIRED" => Some("use a token whose claim `shop` names one".to_owned()),
        _ => None,
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
