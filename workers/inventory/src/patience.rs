//! Waits between tries of something that fails for now.

use std::time::Duration;

use tandem_runtime::lifecycle::Shutdown;
use tokio::time::sleep;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// Growing waits, from 20 ms to 1 s; a success starts over.
#[derive(Debug)]
pub(crate) struct Patience(Duration);

impl Patience {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    pub(crate) fn reset(&mut self) {
        self.0 = FIRST;
    }

    /// Waits, unless the worker is told to stop.
    pub(crate) async fn wait(&mut self, shutdown: &Shutdown) {
        pause(self.0, shutdown).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}

/// Waits for `span` or for the shutdown, whichever comes first.
pub(crate) async fn pause(span: Duration, shutdown: &Shutdown) {
    tokio::select! {
        () = sleep(span) => {}
        () = shutdown.soft() => {}
    }
}
