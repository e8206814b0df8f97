//! Tables that transactions fill and a worker empties: woken by their commits, patient while the database is away.

use std::time::Duration;

use tandem_domain::change::Envelope;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{StoreError, Wakeups};
use tokio::sync::Notify;

use crate::patience::Patience;

/// Such a table, and what empties it.
pub(crate) trait Queue: Send + Sync {
    /// What is said while it cannot be emptied.
    const TROUBLE: &'static str;

    /// Where its writers are waited for.
    fn wakeups(&self) -> impl Future<Output = Result<Wakeups, StoreError>> + Send;

    /// Heeds what its writers said of what they wrote, beside whatever is taken meanwhile.
    fn hear(&self, said: Vec<Envelope>) -> impl Future<Output = ()> + Send;

    /// Takes a batch out of it; returns whether more are likely to wait.
    fn take(&self) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// How often it is looked at without a word of its writers.
    fn idle(&self) -> Duration;

    /// Counts that it could not be emptied.
    fn count_failure(&self);
}

/// Empties a queue whenever a transaction that filled it commits, until the shutdown; that is heeded between two batches,
/// however much still waits. What is said goes on being heard while the queue cannot be emptied.
pub(crate) async fn follow<Q: Queue>(queue: Q, shutdown: Shutdown) {
    let mut patience = Patience::new();
    // Listening first: what commits between the listening and the emptying wakes the next turn.
    let mut wakeups = loop {
        if shutdown.is_soft() {
            return;
        }
        match queue.wakeups().await {
            Ok(wakeups) => break wakeups,
            Err(error) => trouble(&queue, &error, &mut patience, &shutdown).await,
        }
    };
    let woken = Notify::new();
    let hear = async {
        loop {
            let said = wakeups.wait(queue.idle()).await;
            woken.notify_one();
            queue.hear(said).await;
        }
    };
    let take = async {
        while !shutdown.is_soft() {
            match queue.take().await {
                Ok(more_waits) => {
                    patience.reset();
                    if more_waits {
                        continue;
                    }
                    tokio::select! {
                        () = woken.notified() => {}
                        () = shutdown.soft() => {}
                    }
                }
                Err(error) => trouble(&queue, &error, &mut patience, &shutdown).await,
            }
        }
    };
    tokio::select! {
        never = hear => never,
        () = take => {}
    }
}

async fn trouble<Q: Queue>(queue: &Q, error: &StoreError, patience: &mut Patience, shutdown: &Shutdown) {
    queue.count_failure();
    tracing::warn!(error = chain(error), "{}", Q::TROUBLE);
    patience.wait(shutdown).await;
}
