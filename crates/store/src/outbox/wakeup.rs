//! Waiting for work without asking again and again.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tandem_domain::change::Envelope;
use tokio::time::timeout;

use super::word::heard;
use crate::Store;
use crate::connect::{Pool, Shared};
use crate::error::{Result, StoreError};
use crate::wake::Wake;

/// Other processes may write to the same file and cannot say so.
const LOOK_AT_FILE: Duration = Duration::from_millis(50);
/// Between attempts to reach a server that is gone.
const RECONNECT: Duration = Duration::from_millis(500);

/// Wakes those who wait for changes in the outbox, for stock in the inbox, or for jobs.
#[derive(Debug)]
pub struct Wakeups(Source);

#[derive(Debug)]
enum Source {
    /// Writers of this process say so.
    Process(Arc<Shared>, Wake),
    /// The server says so, on a connection of its own.
    Server(Channel),
}

#[derive(Debug)]
struct Channel {
    pool: PgPool,
    wake: Wake,
    listener: Option<PgListener>,
}

impl Store {
    /// Where a relay waits for work.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn outbox_wakeups(&self) -> Result<Wakeups> {
        self.wakeups(Wake::Outbox).await
    }

    /// Where a worker waits for stock in the inbox.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn stock_inbox_wakeups(&self) -> Result<Wakeups> {
        self.wakeups(Wake::StockInbox).await
    }

    pub(crate) async fn wakeups(&self, wake: Wake) -> Result<Wakeups> {
        let source = match &self.0.pool {
            Pool::Sqlite { .. } => Source::Process(Arc::clone(&self.0), wake),
            Pool::Postgres { all: pool, .. } => Source::Server(
                Channel::open(pool, wake)
                    .await
                    .map_err(|error| StoreError::from(error).during("listen"))?,
            ),
        };
        Ok(Wakeups(source))
    }
}

impl Wakeups {
    /// Waits until something was written, at most `at_most`. A wake-up may come for nothing, and while the database is
    /// away none comes: look for work in either case. Returns what the writers said of their changes of stock and
    /// listings: some of what the outbox holds, or none of it.
    pub async fn wait(&mut self, at_most: Duration) -> Vec<Envelope> {
        match &mut self.0 {
            Source::Process(shared, wake) => {
                let _ = timeout(at_most.min(LOOK_AT_FILE), shared.wakes.of(*wake).notified()).await;
                Vec::new()
            }
            Source::Server(channel) => timeout(at_most, channel.wait()).await.unwrap_or_default(),
        }
    }
}

impl Channel {
    async fn open(pool: &PgPool, wake: Wake) -> Result<Self, sqlx::Error> {
        // Its own, so that waiting never takes a connection from those who work.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(pool.options().get_acquire_timeout())
            .connect_lazy_with(pool.connect_options().as_ref().clone());
        let mut channel = Self {
            pool,
            wake,
            listener: None,
        };
        channel.listen().await?;
        Ok(channel)
    }

    async fn listen(&mut self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(self.wake.channel()).await?;
        self.listener = Some(listener);
        Ok(())
    }

    async fn wait(&mut self) -> Vec<Envelope> {
        match &mut self.listener {
            Some(listener) => match listener.try_recv().await {
                // One wake-up for all that came so far; none means that the connection was lost, and maybe some of them.
                Ok(first) => {
                    let others = std::iter::from_fn(|| listener.next_buffered());
                    let words = first.into_iter().chain(others);
                    return words.flat_map(|word| heard(word.payload())).collect();
                }
                Err(error) => {
                    tracing::debug!(%error, "wake-ups are lost, connecting again");
                    self.listener = None;
                }
            },
            None => {
                if let Err(error) = self.listen().await {
                    tracing::debug!(%error, "no wake-ups while the database is away");
                    tokio::time::sleep(RECONNECT).await;
                }
            }
        }
        Vec::new()
    }
}
