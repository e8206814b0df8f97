//! Patience while something that a process needs comes up.

use std::error::Error;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use tokio::time::timeout;

use crate::BoxError;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Something could not be reached in time.
#[derive(Debug, thiserror::Error)]
#[error("{name} cannot be reached ({within:?} long tried)")]
pub struct ConnectError {
    /// What was tried.
    pub name: String,
    /// For how long.
    pub within: Duration,
    /// Why the last try failed; none if it hung.
    pub source: Option<BoxError>,
}

/// Tries to connect until it succeeds or `within` is over, with growing, jittered waits between the
/// tries (at first 100 ms, at most 5 s). Each failure is logged.
///
/// # Errors
/// When `within` is over, with the last failure.
pub async fn retry_connect<T, E, F, Fut>(name: &str, within: Duration, connect: F) -> Result<T, ConnectError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    let mut connect = connect;
    let mut last: Option<String> = None;
    let attempt = || {
        let attempt = connect();
        async move { attempt.await.map_err(Into::into) }
    };
    let retry = attempt.retry(waits(within)).notify(|error: &BoxError, wait| {
        last = Some(error.to_string());
        tracing::warn!(peer.name = name, error = chain(error.as_ref()), retry_in = ?wait, "cannot connect yet");
    });
    match timeout(within, retry).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(ConnectError {
            name: name.to_owned(),
            within,
            source: Some(error),
        }),
        Err(_) => Err(ConnectError {
            name: name.to_owned(),
            within,
            source: last.map(Into::into),
        }),
    }
}

fn waits(within: Duration) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .without_max_times()
        .with_total_delay(Some(within))
        .with_jitter()
}

/// An error and its causes in one line. A cause that the text before it ends with already is left out.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
