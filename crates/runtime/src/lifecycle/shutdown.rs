//! Stopping in two steps.

use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;
use std::{future, io};

use futures::{Stream, StreamExt as _, stream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// First soft (take no new work, finish what is in progress), then hard (stop at once). Clones share
/// their state.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
    reason: Arc<OnceLock<String>>,
}

impl Shutdown {
    /// One that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until the process is to take no new work.
    pub async fn soft(&self) {
        self.soft.cancelled().await;
    }

    /// Waits until the process is to stop at once.
    pub async fn hard(&self) {
        self.hard.cancelled().await;
    }

    /// Whether the process is to take no new work.
    pub fn is_soft(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Whether the process is to stop at once.
    pub fn is_hard(&self) -> bool {
        self.hard.is_cancelled()
    }

    /// The soft step as a token, for code that takes one.
    pub fn soft_token(&self) -> &CancellationToken {
        &self.soft
    }

    /// The hard step as a token, for code that takes one.
    pub fn hard_token(&self) -> &CancellationToken {
        &self.hard
    }

    /// Asks for the soft step. The first reason is kept and logged.
    pub fn request(&self, reason: &str) {
        if self.reason.set(reason.to_owned()).is_ok() {
            tracing::info!(shutdown.reason = reason, "stopping");
        }
        self.soft.cancel();
    }

    /// Asks for both steps.
    pub fn abort(&self, reason: &str) {
        self.request(reason);
        if !self.is_hard() {
            tracing::warn!(shutdown.reason = reason, "stopping at once");
        }
        self.hard.cancel();
    }

    /// Why the process stops, once it does.
    pub fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Turns signals and time into steps: the first signal is soft; the second one, or `drain` after the
    /// soft step whoever asked for it, is hard.
    pub async fn drive(self, drain: Duration, mut signals: impl Stream<Item = &'static str> + Unpin) {
        tokio::select! {
            name = next(&mut signals) => self.request(name),
            () = self.soft() => {}
        }
        tokio::select! {
            name = next(&mut signals) => self.abort(name),
            () = sleep(drain) => self.abort("the time to drain is over"),
        }
    }

    /// The process's SIGTERM and SIGINT, for [`drive`](Self::drive).
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn signals() -> io::Result<impl Stream<Item = &'static str> + Unpin + Send + 'static> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(stream::poll_fn(move |context| {
            if terminate.poll_recv(context).is_ready() {
                return Poll::Ready(Some("SIGTERM"));
            }
            interrupt.poll_recv(context).map(|_| Some("SIGINT"))
        }))
    }
}

/// A stream of signals that ends sends none any more.
async fn next(signals: &mut (impl Stream<Item = &'static str> + Unpin)) -> &'static str {
    match signals.next().await {
        Some(name) => name,
        None => future::pending().await,
    }
}
