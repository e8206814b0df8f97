//! Waits that end with the worker.

use std::time::Duration;

use tandem_runtime::lifecycle::Shutdown;
use tokio::time::sleep;

/// Waits for `span` or for the shutdown, whichever comes first.
pub(crate) async fn pause(span: Duration, shutdown: &Shutdown) {
    tokio::select! {
        () = sleep(span) => {}
        () = shutdown.soft() => {}
    }
}
