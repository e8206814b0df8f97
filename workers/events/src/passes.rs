//! What is done again and again, with a pause in between.

use std::time::Duration;

use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::StoreError;
use tokio::time::sleep;

/// Passes, one after the other, until the shutdown. What fails is told as `trouble` and waits for the next one.
pub(crate) async fn passes<T, F>(
    every: Duration,
    shutdown: &Shutdown,
    trouble: &'static str,
    pass: impl Fn() -> F,
) where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        if let Err(error) = pass().await {
            tracing::warn!(error = chain(&error), "{trouble}");
        }
        tokio::select! {
            () = shutdown.soft() => return,
            () = sleep(every) => {}
        }
    }
}
