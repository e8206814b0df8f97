//! What a test stands on: a store, a cache, a folder of segments, and one marketplace with a shop.

use std::sync::Arc;
use std::time::Duration;

use tandem_cache::memory::MemoryCache;
use tandem_cache::port::Cache;
use tandem_cache::redis::RedisCache;
use tandem_cache::segment::segment_store;
use tandem_domain::bundle::{BundleMember, FixedBundle, FixedBundleInput};
use tandem_domain::catalog::{Marketplace, ProductInput, Provenance, SkuInput, StockPolicy};
use tandem_domain::change::{Change, Envelope};
use tandem_domain::clock::{Clock as _, SystemClock};
use tandem_domain::id::{MarketplaceId, ProductId, ShopId, SkuId};
use tandem_domain::money::{Currency, Money};
use tandem_domain::principal::Principal;
use tandem_domain::stock::{Pool, Reported, StockReport};
use tandem_inventory_worker::{Deps, Projector, Settings};
use tandem_runtime::config::RuntimeConfig;
use tandem_runtime::lifecycle::{Access, Shell, Shutdown};
use tandem_runtime::readiness::Readiness;
use tandem_runtime::tasks::Tasks;
use tandem_store::{ProductUpsert, Store, StoreOptions, WriteContext};
use tandem_testing::{RedisServer, TestDatabase, postgres, sqlite_url, wait_until};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

/// No wait of a test that succeeds comes near it.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Writes the same test for SQLite with the in-process cache and for PostgreSQL with Redis.
macro_rules! on_both {
    ($($name:ident;)+) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite_and_memory() {
                super::$name(crate::ground::Ground::embedded().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres_and_redis() {
                super::$name(crate::ground::Ground::servers().await).await;
            }
        }
    )+};
}
pub(crate) use on_both;

/// Where the cache is.
pub(crate) enum Backing {
    Memory(MemoryCache),
    Redis(RedisServer),
}

pub(crate) struct Ground {
    pub(crate) deps: Deps,
    pub(crate) marketplace: MarketplaceId,
    pub(crate) backing: Backing,
    pub(crate) database_url: String,
    pub(crate) folder: TempDir,
    _database: Option<TestDatabase>,
}

static TEMPLATE: OnceCell<TestDatabase> = OnceCell::const_new();

/// A database of its own, copied from one that is migrated.
async fn database() -> TestDatabase {
    let server = postgres().await;
    let template = TEMPLATE
        .get_or_init(async || {
            let template = server.create_database().await.unwrap();
            let store = connect(&template.url()).await;
            store.migrate().await.unwrap();
            store.close().await;
            template
        })
        .await;
    server.create_database_from(template.name()).await.unwrap()
}

async fn connect(url: &str) -> Store {
    Store::connect(&StoreOptions {
        url: url.to_owned(),
        ..StoreOptions::default()
    })
    .await
    .unwrap()
}

impl Ground {
    /// SQLite and the in-process cache.
    pub(crate) async fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = sqlite_url(folder.path());
        let store = connect(&url).await;
        store.migrate().await.unwrap();
        let cache = MemoryCache::new();
        Self::on(
            store,
            Arc::new(cache.clone()),
            Backing::Memory(cache),
            url,
            folder,
            None,
        )
        .await
    }

    /// PostgreSQL and Redis.
    pub(crate) async fn servers() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = database().await;
        let store = connect(&database.url()).await;
        let redis = RedisServer::start().await.unwrap();
        let cache = Arc::new(RedisCache::connect(&redis.url()).await.unwrap());
        let url = database.url();
        Self::on(store, cache, Backing::Redis(redis), url, folder, Some(database)).await
    }

    async fn on(
        store: Store,
        cache: Arc<dyn Cache>,
        backing: Backing,
        database_url: String,
        folder: TempDir,
        database: Option<TestDatabase>,
    ) -> Self {
        let marketplace = MarketplaceId::new("test").unwrap();
        let currency = Currency {
            code: "GBP".to_owned(),
            exponent: 2,
        };
        let place = Marketplace {
            id: marketplace.clone(),
            currency,
            time_zone: "Europe/London".to_owned(),
        };
        store
            .ensure_marketplace(&place, &shop(), SystemClock.now())
            .await
            .unwrap();
        let segments = segment_store(&folder.path().join("segments").to_string_lossy()).unwrap();
        let deps = Deps {
            store,
            cache,
            segments,
            clock: Arc::new(SystemClock),
        };
        Self {
            deps,
            marketplace,
            backing,
            database_url,
            folder,
            _database: database,
        }
    }

    pub(crate) fn redis(&mut self) -> &mut RedisServer {
        match &mut self.backing {
            Backing::Redis(redis) => redis,
            Backing::Memory(_) => panic!("this ground has no Redis"),
        }
    }

    /// Empties the cache as an operator's FLUSHALL does.
    pub(crate) async fn flush(&self) {
        match &self.backing {
            Backing::Memory(cache) => cache.clear(),
            Backing::Redis(redis) => {
                let client = redis::Client::open(redis.url()).unwrap();
                let mut connection = client.get_multiplexed_async_connection().await.unwrap();
                let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
            }
        }
    }

    pub(crate) fn principal(&self) -> Principal {
        Principal::insecure(self.marketplace.clone(), shop())
    }

    pub(crate) fn context(&self) -> WriteContext {
        WriteContext::new(self.principal(), SystemClock.now())
    }

    /// Products `p0 …`, each with one SKU `s0 …`, without stock.
    pub(crate) async fn catalogue(&self, products: u32) {
        let upserts: Vec<_> = (0..products).map(|n| upsert(&product(n))).collect();
        self.deps
            .store
            .upsert_products(&self.context(), &upserts)
            .await
            .unwrap();
        let skus: Vec<_> = (0..products).map(|n| sku_of(&sku(n), &product(n))).collect();
        self.deps.store.upsert_skus(&self.context(), &skus).await.unwrap();
    }

    /// A fixed bundle of `product(0)` with `product(1)` and `product(2)`.
    pub(crate) async fn fixed_bundle(&self) -> FixedBundle {
        let member = |n| BundleMember {
            product: product(n),
            role: format!("role {n}"),
            quantity: 1,
            support: 0,
            alternates: Vec::new(),
        };
        let input = FixedBundleInput {
            anchor: product(0),
            title: "A set".to_owned(),
            members: vec![member(1), member(2)],
        };
        let store = &self.deps.store;
        store.create_fixed_bundle(&self.context(), &input).await.unwrap()
    }

    /// The fixed bundles that the cache holds of `product(n)`.
    pub(crate) async fn cached_bundles(&self, n: u32) -> Option<Vec<FixedBundle>> {
        let cached = self
            .deps
            .cache
            .fixed_bundles(&self.marketplace, &[product(n)])
            .await
            .ok()?;
        cached.into_iter().next()?.map(|set| set.bundles)
    }

    /// Reports the stock of `sku(n)`.
    pub(crate) async fn report(&self, n: u32, available: i64, version: u64) {
        let report = StockReport {
            sku: sku(n),
            pool: Pool::Normal,
            source: "test".to_owned(),
            quantity: Reported::Set {
                available,
                source_version: version,
            },
        };
        self.deps
            .store
            .report_stock(&self.context(), &[report])
            .await
            .unwrap();
    }

    /// Projects changes that SQL knows nothing of, as a stream from before a restored backup would.
    pub(crate) async fn append(&self, changes: impl IntoIterator<Item = Change>) {
        let envelopes: Vec<_> = changes
            .into_iter()
            .map(|change| Envelope {
                marketplace: self.marketplace.clone(),
                store_epoch: 1,
                traceparent: String::new(),
                change,
            })
            .collect();
        let cache = &self.deps.cache;
        cache.append(&self.marketplace, &envelopes).await.unwrap();
        let settings = Settings::default().projection;
        let projector = Projector::new(&self.deps, self.marketplace.clone(), "stray".to_owned(), settings);
        while projector.turn().await.unwrap() > 0 {}
    }

    /// What the cache says of the stock of `product(n)`.
    pub(crate) async fn cached(&self, n: u32) -> Option<i64> {
        let stock = self
            .deps
            .cache
            .stock(&self.marketplace, &[product(n)])
            .await
            .ok()?;
        stock.first()?.first().map(|exact| exact.available)
    }

    /// Waits until the cache says `available` of `product(n)`.
    pub(crate) async fn cached_becomes(&self, n: u32, available: i64) {
        let says_so = async || self.cached(n).await == Some(available);
        wait_until(LONG, "the stock to reach the cache", says_so)
            .await
            .unwrap();
    }

    /// Waits until every SKU's stock in the cache is what SQL says.
    pub(crate) async fn cache_equals_sql(&self, skus: u32) {
        let ids: Vec<_> = (0..skus).map(sku).collect();
        let levels = self.deps.store.stock(&self.principal(), &ids).await.unwrap();
        for level in levels {
            let n = level.sku.as_str()[1..].parse().unwrap();
            self.cached_becomes(n, level.available).await;
        }
    }

    /// Runs a statement on PostgreSQL itself, as another service does; returns what it printed.
    pub(crate) async fn psql(&self, statement: &str) -> String {
        let run = tokio::process::Command::new("psql")
            .args(["-XAtqd", &self.database_url, "-c", statement])
            .output()
            .await
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap().trim().to_owned()
    }

    /// Runs the whole worker in this process until the returned handle is dropped or stopped.
    pub(crate) fn start(&self, settings: Settings) -> Running {
        let (shutdown, readiness) = (Shutdown::new(), Readiness::new());
        let tasks = Tasks::new(shutdown.clone());
        let server = RuntimeConfig::default().server;
        let shell = Shell::new(
            server,
            None,
            Access::Insecure,
            shutdown.clone(),
            tasks.clone(),
            readiness.clone(),
        );
        let deps = self.deps.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the test owns this task and waits for it"
        )]
        let body = tokio::spawn(async move { tandem_inventory_worker::work(deps, settings, &shell).await });
        Running {
            shutdown,
            tasks,
            readiness,
            body,
        }
    }
}

/// A worker in this process.
pub(crate) struct Running {
    shutdown: Shutdown,
    tasks: Tasks,
    pub(crate) readiness: Readiness,
    body: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn ready(&self) {
        wait_until(LONG, "readiness", async || self.readiness.report().is_ready())
            .await
            .unwrap();
    }

    /// Stops it and waits for every task.
    pub(crate) async fn stop(self) {
        self.shutdown.request("the test is over");
        tokio::time::timeout(LONG, self.body).await.unwrap().unwrap();
        tokio::time::timeout(LONG, self.tasks.finished()).await.unwrap();
    }
}

pub(crate) fn shop() -> ShopId {
    ShopId::new("shop").unwrap()
}

pub(crate) fn product(n: u32) -> ProductId {
    ProductId::new(format!("p{n}")).unwrap()
}

pub(crate) fn sku(n: u32) -> SkuId {
    SkuId::new(format!("s{n}")).unwrap()
}

fn upsert(id: &ProductId) -> ProductUpsert {
    let input = ProductInput {
        id: id.clone(),
        title: format!("Product {id}"),
        category: None,
        brand: None,
        series: None,
        price: Some(Money::price(499).unwrap()),
        image_uri: None,
        quality: None,
        tags: Default::default(),
        provenance: Provenance::Real,
    };
    ProductUpsert {
        input,
        listing: None,
        etag: None,
    }
}

fn sku_of(id: &SkuId, product: &ProductId) -> SkuInput {
    SkuInput {
        id: id.clone(),
        product: product.clone(),
        price: None,
        policy: StockPolicy::Tracked,
        attributes: Default::default(),
        provenance: Provenance::Real,
    }
}
