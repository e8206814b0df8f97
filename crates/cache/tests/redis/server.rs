//! A server under test.

use std::time::Duration;

use futures::StreamExt as _;
use tandem_cache::error::CacheError;
use tandem_cache::port::{BoxStream, FeedEntry, Projects as _, Result, Traced};
use tandem_cache::redis::{RedisCache, RedisOptions};
use tandem_domain::id::{MarketplaceId, ProductId, SkuId};
use tandem_domain::stock::{Pool, StockChange};
use tandem_testing::{RedisServer, wait_for};
use tokio::time::timeout;

/// Far above what anything here takes; reached only when something is broken.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn uk() -> MarketplaceId {
    MarketplaceId::new("uk").unwrap()
}

pub(crate) fn product(id: &str) -> ProductId {
    ProductId::new(id).unwrap()
}

pub(crate) async fn connected() -> (RedisServer, RedisCache) {
    let server = RedisServer::start().await.unwrap();
    let cache = RedisCache::connect(&server.url()).await.unwrap();
    (server, cache)
}

pub(crate) fn impatient() -> RedisOptions {
    RedisOptions {
        connect_timeout: Duration::from_millis(200),
        response_timeout: Duration::from_millis(200),
        ..RedisOptions::default()
    }
}

/// Sends a command past the cache.
pub(crate) async fn raw(server: &RedisServer, command: &str) -> redis::Value {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut words = command.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.query_async(&mut connection).await.unwrap()
}

pub(crate) async fn put_stock(cache: &RedisCache, version: u64, units: u32) -> Result<Vec<bool>> {
    let change = StockChange {
        product: product("a"),
        sku: SkuId::new("a-M").unwrap(),
        pool: Pool::Normal,
        store_version: version,
        available: units.into(),
        sellable: units,
        policy: tandem_domain::catalog::StockPolicy::Tracked,
        shop: None,
    };
    let traceparent = String::new();
    cache.put_stock(&uk(), 1, &[Traced { change, traceparent }]).await
}

/// Asks again until the cache answers.
pub(crate) async fn answered<T>(mut ask: impl AsyncFnMut() -> Result<T>) -> T {
    wait_for(LONG, "the cache to answer", async || ask().await.ok())
        .await
        .unwrap()
}

pub(crate) async fn next(feed: &mut BoxStream<FeedEntry>) -> Result<FeedEntry> {
    timeout(LONG, feed.next())
        .await
        .expect("the feed is silent")
        .expect("the feed ended")
}

pub(crate) fn unavailable<T: std::fmt::Debug>(outcome: Result<T>) {
    assert!(
        matches!(outcome, Err(CacheError::Unavailable { .. })),
        "{outcome:?}"
    );
}

pub(crate) fn gap<T: std::fmt::Debug>(outcome: Result<T>) {
    assert!(matches!(outcome, Err(CacheError::FeedGap(_))), "{outcome:?}");
}
