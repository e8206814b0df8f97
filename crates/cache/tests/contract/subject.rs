//! A cache under test.

use std::time::Duration;

use futures::StreamExt as _;
use tandem_cache::memory::MemoryCache;
use tandem_cache::port::{BoxStream, Cache, FeedEntry, Result};
use tandem_cache::redis::RedisCache;
use tandem_domain::feed::FeedEvent;
use tandem_testing::RedisServer;
use tokio::time::timeout;

/// Far above what anything here takes; reached only when something is broken.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) enum Subject {
    Memory(MemoryCache),
    Redis(RedisCache, RedisServer),
}

impl Subject {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryCache::new())
    }

    pub(crate) async fn redis() -> Self {
        let server = RedisServer::start().await.unwrap();
        Self::Redis(RedisCache::connect(&server.url()).await.unwrap(), server)
    }

    pub(crate) fn cache(&self) -> &dyn Cache {
        match self {
            Self::Memory(cache) => cache,
            Self::Redis(cache, _) => cache,
        }
    }

    /// Empties it as a stroke of bad luck would.
    pub(crate) async fn empty(&self) {
        match self {
            Self::Memory(cache) => cache.clear(),
            Self::Redis(_, server) => {
                let client = redis::Client::open(server.url()).unwrap();
                let mut connection = client.get_multiplexed_async_connection().await.unwrap();
                redis::cmd("FLUSHALL").exec_async(&mut connection).await.unwrap();
            }
        }
    }
}

pub(crate) async fn next(feed: &mut BoxStream<FeedEntry>) -> Result<FeedEntry> {
    timeout(LONG, feed.next())
        .await
        .expect("the feed is silent")
        .expect("the feed ended")
}

/// The next `count` events.
pub(crate) async fn events(feed: &mut BoxStream<FeedEntry>, count: usize) -> Vec<FeedEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        events.push(next(feed).await.unwrap().event);
    }
    events
}
