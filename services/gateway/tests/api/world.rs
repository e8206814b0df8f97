//! A filled cache, a gateway over it and clients of the gateway.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tandem_cache::memory::MemoryCache;
use tandem_cache::port::{Cache, Reads, Traced};
use tandem_cache::redis::RedisCache;
use tandem_domain::attribution::KeyRing;
use tandem_domain::catalog::Listing;
use tandem_domain::change::ListingChange;
use tandem_domain::clock::{ManualClock, Timestamp};
use tandem_domain::id::{LinkId, ShopId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::stock::Pool;
use tandem_domain::surface::Surface;
use tandem_gateway::Config;
use tandem_proto::v1;
use tandem_proto::v1::bundles_client::BundlesClient;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_runtime::config::{RuntimeConfig, ServerConfig};
use tandem_runtime::lifecycle::{Access, Shell, Shutdown, bind};
use tandem_runtime::readiness::{Readiness, Report};
use tandem_runtime::tasks::Tasks;
use tandem_testing::{RedisServer, wait_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::interval;
use tonic::transport::{Channel, Endpoint};

pub(crate) use crate::shop::NOW;
use crate::shop::{self, STORE_EPOCH, marketplace, product};

/// What is listed for `phone` while everything is in stock: the surface's complements, then what is bought along, then
/// the series, then bestsellers.
pub(crate) const LIST: [&str; 7] = [
    "case",
    "charger",
    "film",
    "case-b",
    "stand",
    "phone-b",
    "phone-pro",
];

/// How long anything may take that only has to happen.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Runs a test over both caches.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($world:ident: World) $body:block)+) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;
            use crate::world::World;

            async fn test($world: World) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn memory() {
                test(World::in_memory().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn redis() {
                test(World::on_redis().await).await;
            }
        }
    )+};
}
pub(crate) use on_both;

/// What the gateways of these tests sign with.
pub(crate) fn keys() -> KeyRing {
    KeyRing::new(["a key of these tests"]).expect("it is long enough")
}

/// Where the cache is. It goes with this value.
pub(crate) enum Place {
    Memory(MemoryCache),
    Redis(Box<RedisServer>),
}

/// A running gateway over a cache that holds the shop.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) cache: Arc<dyn Cache>,
    pub(crate) related: RelatedProductsClient<Channel>,
    pub(crate) bundles: BundlesClient<Channel>,
    pub(crate) channel: Channel,
    pub(crate) readiness: Readiness,
    pub(crate) clock: Arc<ManualClock>,
    versions: Arc<AtomicU64>,
    beats: Mutex<JoinSet<()>>,
    tasks: Tasks,
    shutdown: Shutdown,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.abort("the test is over");
    }
}

impl World {
    pub(crate) async fn in_memory() -> Self {
        let cache = MemoryCache::new();
        let world = Self::over(Place::Memory(cache.clone()), Arc::new(cache)).await;
        world.filled().await
    }

    pub(crate) async fn on_redis() -> Self {
        let server = RedisServer::start().await.expect("a Redis");
        let cache = RedisCache::connect(&server.url())
            .await
            .expect("a Redis that suits");
        let world = Self::over(Place::Redis(Box::new(server)), Arc::new(cache)).await;
        world.filled().await
    }

    pub(crate) async fn filled(self) -> Self {
        shop::fill(&*self.cache, 1, "epoch 1").await;
        self.start_beating();
        self.ready().await;
        self
    }

    /// A gateway over an empty cache.
    pub(crate) async fn over(place: Place, cache: Arc<dyn Cache>) -> Self {
        Self::with_limits(place, cache, RuntimeConfig::default().server).await
    }

    pub(crate) async fn with_limits(place: Place, cache: Arc<dyn Cache>, server: ServerConfig) -> Self {
        let reads = Arc::clone(&cache) as _;
        Self::seeing(reads, place, cache, server).await
    }

    /// A gateway that sees the cache as `reads` shows it.
    pub(crate) async fn seeing(
        reads: Arc<dyn Reads>,
        place: Place,
        cache: Arc<dyn Cache>,
        server: ServerConfig,
    ) -> Self {
        let mut config = Config::default();
        config.reflection.enabled = true;
        config.attribution.keys = keys();
        config.feed.check_interval = Duration::from_millis(200);
        config.feed.retry_at_most = Duration::from_millis(200);
        let listen = "127.0.0.1:0".parse().expect("an address");
        let listener = bind("server", Some(listen)).await.expect("a free port");
        let (shutdown, readiness) = (Shutdown::new(), Readiness::new());
        let tasks = Tasks::new(shutdown.clone());
        let shell = Shell::new(
            server,
            listener,
            Access::Insecure,
            shutdown.clone(),
            tasks.clone(),
            readiness.clone(),
        );
        let address = shell.address().expect("it listens");
        let clock = Arc::new(ManualClock::at(NOW));
        tasks.spawn_critical(
            "gateway",
            tandem_gateway::serve(reads, Arc::clone(&clock) as _, config, shell),
        );
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint.connect_lazy();
        Self {
            place,
            cache,
            related: RelatedProductsClient::new(channel.clone()),
            bundles: BundlesClient::new(channel.clone()),
            channel,
            readiness,
            clock,
            versions: Arc::new(AtomicU64::new(1)),
            beats: Mutex::default(),
            tasks,
            shutdown,
        }
    }

    pub(crate) async fn ready(&self) {
        let mut reports = self.readiness.watch();
        let ready = tokio::time::timeout(LONG, reports.wait_for(Report::is_ready)).await;
        ready
            .unwrap_or_else(|_| panic!("{:?}", self.readiness.report()))
            .expect("the gateway lives");
        let fresh = async || !self.freshness().await.is_none_or(|freshness| freshness.stale);
        wait_until(LONG, "fresh stock", fresh)
            .await
            .expect("the feed lives");
    }

    async fn freshness(&self) -> Option<v1::Freshness> {
        let request = v1::ListRelatedProductsRequest {
            product_id: "phone".into(),
            ..Default::default()
        };
        let answer = self.related.clone().list_related_products(request).await;
        answer.ok().and_then(|answer| answer.into_inner().freshness)
    }

    /// A sign of life, as the relay and the inventory worker give it every 250 ms.
    pub(crate) fn start_beating(&self) {
        let (cache, versions) = (Arc::clone(&self.cache), Arc::clone(&self.versions));
        self.beats.lock().expect("no panic").spawn(async move {
            let mut beat = interval(Duration::from_millis(50));
            loop {
                beat.tick().await;
                let counter = versions.fetch_add(1, Ordering::SeqCst);
                let _ = cache.beat(&marketplace(), STORE_EPOCH, counter).await;
            }
        });
    }

    pub(crate) async fn stop_beating(&self) {
        let mut beats = std::mem::take(&mut *self.beats.lock().expect("no panic"));
        beats.shutdown().await;
    }

    pub(crate) fn next_version(&self) -> u64 {
        self.versions.fetch_add(1, Ordering::SeqCst)
    }

    /// Sets the stock of a product's only SKU.
    pub(crate) async fn set_stock(&self, id: &str, units: u32) {
        let change = shop::stock(id, &format!("{id}-sku"), Pool::Normal, units, self.next_version());
        let applied = self.cache.put_stock(&marketplace(), STORE_EPOCH, &[change]).await;
        assert_eq!(applied.expect("the cache answers"), [true]);
    }

    pub(crate) async fn set_listing(&self, id: &str, listing: Listing) {
        let change = Traced {
            change: ListingChange {
                product: product(id),
                listing,
                version: self.next_version(),
            },
            traceparent: String::new(),
        };
        let applied = self.cache.put_listing(&marketplace(), STORE_EPOCH, &change).await;
        assert!(applied.expect("the cache answers"));
    }

    pub(crate) async fn set_surface(&self, id: &str, change: impl FnOnce(&mut Surface)) {
        let mut surface = Surface::with_defaults(SurfaceId::new(id).expect("an id"));
        change(&mut surface);
        surface.version = self.next_version();
        self.cache
            .put_surface(&marketplace(), STORE_EPOCH, &surface)
            .await
            .expect("the cache answers");
    }

    /// Replaces the links of an anchor.
    pub(crate) async fn set_links(&self, anchor: &str, links: &[(&str, LinkEffect)]) {
        let links = self.links(anchor, links);
        self.put_links(&links).await;
    }

    async fn put_links(&self, links: &AnchorLinks) {
        let applied = self.cache.put_links(&marketplace(), STORE_EPOCH, links).await;
        assert!(applied.expect("the cache answers"));
    }

    fn links(&self, anchor: &str, links: &[(&str, LinkEffect)]) -> AnchorLinks {
        let living = links.iter().enumerate().map(|(no, (companion, effect))| Link {
            id: LinkId::new(format!("link-{no}")).expect("an id"),
            input: LinkInput {
                anchor: product(anchor),
                companion: product(companion),
                effect: *effect,
                relation: None,
                surface: None,
                valid_from: None,
                valid_until: None,
                reason: "a test".into(),
            },
            shop: ShopId::new("default").expect("an id"),
            author: "someone".into(),
            created: NOW,
            deleted: None,
            version: 1,
        });
        AnchorLinks {
            anchor: product(anchor),
            version: self.next_version(),
            links: living.collect(),
        }
    }

    /// Sets one link of an anchor that holds from `from` until `until`.
    pub(crate) async fn set_timed_link(
        &self,
        anchor: &str,
        companion: &str,
        effect: LinkEffect,
        from: Timestamp,
        until: Timestamp,
    ) {
        let mut links = self.links(anchor, &[(companion, effect)]);
        links.links[0].input.valid_from = Some(from);
        links.links[0].input.valid_until = Some(until);
        self.put_links(&links).await;
    }

    /// Empties the cache while everything runs.
    pub(crate) async fn flush(&self) {
        match &self.place {
            Place::Memory(cache) => cache.clear(),
            Place::Redis(server) => {
                let mut stream = TcpStream::connect(server.address()).await.expect("Redis listens");
                stream
                    .write_all(b"FLUSHALL\r\nQUIT\r\n")
                    .await
                    .expect("Redis reads");
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.expect("Redis answers");
                assert!(answer.starts_with("+OK"), "{answer}");
            }
        }
    }

    /// Ids of the phone's companions on the detail page.
    pub(crate) async fn companions(&self, id: &str) -> Vec<String> {
        let request = v1::ListRelatedProductsRequest {
            product_id: id.into(),
            ..Default::default()
        };
        let answer = self.related.clone().list_related_products(request).await;
        let items = answer.expect("an answer").into_inner().items;
        items.into_iter().map(|item| item.product_id).collect()
    }

    /// Waits until the companions of `id` are these.
    pub(crate) async fn until_companions(&self, id: &str, expected: &[&str]) {
        let same = async || self.companions(id).await == expected;
        let outcome = wait_until(LONG, "the expected companions", same).await;
        if let Err(error) = outcome {
            panic!("{error}: {:?} instead of {expected:?}", self.companions(id).await);
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.tasks.failure().is_some()
    }
}
