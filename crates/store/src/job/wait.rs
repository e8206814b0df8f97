//! Waiting for jobs.

use std::pin::pin;
use std::time::Duration;

use futures::future::{pending, select};
use tokio::time::timeout;

use crate::Store;
use crate::connect::Backend;
use crate::wake::Wake;

impl Store {
    /// Waits until a job was asked for, at most `max`. A wake-up may be missed or come for nothing. On SQLite only this
    /// process wakes.
    pub async fn wait_for_jobs(&self, max: Duration) {
        let here = self.0.wakes.of(Wake::Jobs).notified();
        let _ = timeout(max, select(pin!(here), pin!(self.asked_elsewhere(max)))).await;
    }

    /// Other processes say so over a connection that the waiters of this one take turns on.
    async fn asked_elsewhere(&self, max: Duration) {
        if self.backend() == Backend::Sqlite {
            return pending().await;
        }
        let mut wakeups = self.0.job_wakeups.lock().await;
        match &mut *wakeups {
            Some(wakeups) => {
                wakeups.wait(max).await;
            }
            None => match self.wakeups(Wake::Jobs).await {
                // Whoever asked before is not heard: have the caller look.
                Ok(listening) => *wakeups = Some(listening),
                Err(error) => {
                    tracing::debug!(%error, "no wake-ups while the database is away");
                    pending().await
                }
            },
        }
    }
}
