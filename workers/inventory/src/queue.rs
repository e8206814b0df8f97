//! Tables that transactions fill and a worker empties: woken by their commits, patient while the database is away.

use std::time::Duration;

use tandem_domain::change::Envelope;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{StoreError, Wakeups};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::patience::Patience;

/// How long rows wait whose word was heeded already, so that one batch takes those of many writers; and at most so long what
/// else the same commits left, of which no word told.
const GATHER: Duration = Duration::from_millis(25);

/// What a word leaves to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Its rows wait for whoever takes them.
    Wake,
    /// What it said is heeded: to take its rows is to clear them away.
    Done,
}

/// Such a table, and what empties it.
pub(crate) trait Queue: Send + Sync {
    /// What is said while it cannot be emptied.
    const TROUBLE: &'static str;

    /// Where its writers are waited for.
    fn wakeups(&self) -> impl Future<Output = Result<Wakeups, StoreError>> + Send;

    /// Heeds what its writers said of what they wrote, beside whatever is taken meanwhile.
    fn hear(&self, said: Vec<Envelope>) -> impl Future<Output = Heard> + Send;

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
    let (woken, heeded) = (Notify::new(), Notify::new());
    let hear = async {
        loop {
            let said = wakeups.wait(queue.idle()).await;
            match queue.hear(said).await {
                Heard::Wake => woken.notify_one(),
                Heard::Done => heeded.notify_one(),
            }
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
                    let gathered = async {
                        heeded.notified().await;
                        sleep(GATHER).await;
                    };
                    tokio::select! {
                        () = woken.notified() => {}
                        () = gathered => {}
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tandem_domain::catalog::Marketplace;
    use tandem_domain::clock::{Clock as _, SystemClock};
    use tandem_domain::id::{MarketplaceId, ShopId};
    use tandem_domain::money::Currency;
    use tandem_store::{Store, StoreOptions};
    use tandem_testing::{sqlite_url, wait_until};
    use tokio::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Counts how often it is looked at; every word leaves the same to do.
    struct Counted<'a> {
        store: &'a Store,
        heard: Heard,
        words: &'a AtomicU32,
        takes: &'a AtomicU32,
    }

    impl Queue for Counted<'_> {
        const TROUBLE: &'static str = "no trouble";

        async fn wakeups(&self) -> Result<Wakeups, StoreError> {
            self.store.outbox_wakeups().await
        }

        async fn hear(&self, _: Vec<Envelope>) -> Heard {
            self.words.fetch_add(1, Ordering::Relaxed);
            self.heard
        }

        async fn take(&self) -> Result<bool, StoreError> {
            self.takes.fetch_add(1, Ordering::Relaxed);
            Ok(false)
        }

        fn idle(&self) -> Duration {
            LONG
        }

        fn count_failure(&self) {}
    }

    /// Follows such a queue while somebody writes on and on, until `enough` words were heard; how many, and how often it was
    /// taken from meanwhile, and for how long that went.
    async fn followed(heard: Heard, enough: u32) -> (u32, u32, Duration) {
        let folder = tempfile::tempdir().unwrap();
        let url = sqlite_url(folder.path());
        let options = StoreOptions {
            url,
            ..StoreOptions::default()
        };
        let store = Store::connect(&options).await.unwrap();
        store.migrate().await.unwrap();
        let marketplace = Marketplace {
            id: MarketplaceId::new("test").unwrap(),
            currency: Currency {
                code: "GBP".to_owned(),
                exponent: 2,
            },
            time_zone: "UTC".to_owned(),
        };
        let shop = ShopId::new("shop").unwrap();
        let now = SystemClock.now();
        store.ensure_marketplace(&marketplace, &shop, now).await.unwrap();
        let (words, takes) = (AtomicU32::new(0), AtomicU32::new(0));
        let queue = Counted {
            store: &store,
            heard,
            words: &words,
            takes: &takes,
        };
        let shutdown = Shutdown::new();
        let began = Instant::now();
        let write = async {
            let heard_enough = async || {
                store.beat(&marketplace.id).await.unwrap();
                words.load(Ordering::Relaxed) >= enough
            };
            wait_until(LONG, "words to be heard", heard_enough).await.unwrap();
            shutdown.request("the test is over");
        };
        tokio::join!(follow(queue, shutdown.clone()), write);
        (words.into_inner(), takes.into_inner(), began.elapsed())
    }

    #[tokio::test]
    async fn rows_whose_word_was_heeded_are_taken_together() {
        let (words, takes, lasted) = followed(Heard::Done, 50).await;
        let most = lasted.as_millis() / GATHER.as_millis() + 2;
        assert!(u128::from(takes) <= most, "{takes} times in {lasted:?}");
        assert!(takes >= 2, "after {words} words");
    }

    #[tokio::test]
    async fn rows_that_only_woke_are_taken_at_once() {
        let (words, takes, _) = followed(Heard::Wake, 50).await;
        // Two words may wake one turn.
        assert!(takes > words / 2, "{takes} times after {words} words");
    }
}
