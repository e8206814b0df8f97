//! The issuer's keys as they stand now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::key::Keys;
use super::source::KeySource;
use super::{AuthConfig, AuthError};
use crate::backoff::chain;
use crate::lifecycle::Shutdown;

/// Calls that may wait for a read of the keys at a time; more are refused at once.
const MOST_WAITING: usize = 64;

/// The keys, and what reads them anew. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Keyring(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: KeySource,
    interval: Duration,
    floor: Duration,
    keys: ArcSwap<Keys>,
    /// Counts changes of the keys.
    era: AtomicU64,
    turn: Mutex<Turn>,
    wanted: Notify,
    /// Counts reads that have ended.
    ended: watch::Sender<u64>,
}

#[derive(Debug)]
struct Turn {
    /// When the last read began.
    begun: Instant,
    /// Whether one is due or going on.
    reading: bool,
}

impl Keyring {
    /// Reads the keys for the first time.
    pub(crate) async fn open(config: &AuthConfig) -> Result<Self, AuthError> {
        let source = config.source()?;
        let begun = Instant::now();
        let keys = source.read().await?;
        Ok(Self(Arc::new(Shared {
            source,
            interval: config.reload_interval,
            floor: config.reload_floor,
            keys: ArcSwap::from_pointee(keys),
            era: AtomicU64::new(0),
            turn: Mutex::new(Turn {
                begun,
                reading: false,
            }),
            wanted: Notify::new(),
            ended: watch::Sender::new(0),
        })))
    }

    /// Which keys stand; changes with them.
    pub(super) fn era(&self) -> u64 {
        self.0.era.load(Ordering::Acquire)
    }

    /// The keys, with an era that is not later than theirs.
    pub(super) fn keys(&self) -> (u64, Arc<Keys>) {
        let era = self.era();
        (era, self.0.keys.load_full())
    }

    /// Asks for a read of the keys because a token names one that is not known; the future ends with that read. None
    /// when the last read began so recently that there is none to wait for, or when too many wait already.
    pub(super) fn ask(&self) -> Option<BoxFuture<'static, ()>> {
        let mut turn = self.0.turn.lock();
        if self.0.ended.receiver_count() >= MOST_WAITING {
            return None;
        }
        if !turn.reading {
            if turn.begun.elapsed() < self.0.floor {
                return None;
            }
            *turn = Turn {
                begun: Instant::now(),
                reading: true,
            };
            self.0.wanted.notify_one();
        }
        let mut ended = self.0.ended.subscribe();
        Some(async move { ended.changed().await.unwrap_or_default() }.boxed())
    }

    /// Reads the keys at the interval and whenever they are asked for, until the shutdown is soft.
    pub(crate) async fn follow(self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.soft() => return,
                () = sleep(self.0.interval) => {
                    *self.0.turn.lock() = Turn { begun: Instant::now(), reading: true };
                }
                // A wish that the read at the interval has fulfilled is over.
                () = self.0.wanted.notified() => if !self.0.turn.lock().reading { continue },
            }
            match self.0.source.read().await {
                Ok(keys) => self.change(keys),
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        "the token keys cannot be read: those that are known stay"
                    );
                }
            }
            self.0.turn.lock().reading = false;
            self.0.ended.send_modify(|count| *count += 1);
        }
    }

    fn change(&self, keys: Keys) {
        if *self.0.keys.load_full() == keys {
            return;
        }
        tracing::info!(auth.keys = keys.count(), "the token keys have changed");
        self.0.keys.store(Arc::new(keys));
        self.0.era.fetch_add(1, Ordering::Release);
    }
}
