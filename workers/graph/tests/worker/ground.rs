//! What a test stands on: a store, a cache, a folder of segments, and one marketplace with orders.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tandem_cache::memory::MemoryCache;
use tandem_cache::port::{Cache, RecordKey};
use tandem_cache::redis::RedisCache;
use tandem_cache::segment::segment_store;
use tandem_domain::catalog::{Marketplace, ProductInput, Provenance};
use tandem_domain::clock::{Clock as _, SystemClock, Timestamp};
use tandem_domain::event::{Event, EventKind};
use tandem_domain::generation::Generation;
use tandem_domain::id::{EventId, MarketplaceId, ProductId, ShopId};
use tandem_domain::money::{Currency, Money};
use tandem_domain::principal::Principal;
use tandem_graph_worker::{
    BuildOutcome, BuildRequest, CacheState, Collapse, Deps, Settings, Watcher, WorkError, build_generation,
};
use tandem_runtime::config::RuntimeConfig;
use tandem_runtime::lifecycle::{Access, Shell, Shutdown};
use tandem_runtime::readiness::Readiness;
use tandem_runtime::tasks::Tasks;
use tandem_store::{BuildScope, ProductUpsert, Store, StoreOptions, WriteContext};
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

pub(crate) struct Ground {
    pub(crate) deps: Deps,
    pub(crate) marketplace: MarketplaceId,
    pub(crate) database: Option<TestDatabase>,
    pub(crate) redis: Option<RedisServer>,
    pub(crate) memory: Option<MemoryCache>,
    pub(crate) folder: TempDir,
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
        let store = connect(&sqlite_url(folder.path())).await;
        store.migrate().await.unwrap();
        let memory = MemoryCache::new();
        let cache = Arc::new(memory.clone());
        Self {
            memory: Some(memory),
            ..Self::on(store, cache, folder, None, None).await
        }
    }

    /// PostgreSQL and Redis.
    pub(crate) async fn servers() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = database().await;
        let store = connect(&database.url()).await;
        let redis = RedisServer::start().await.unwrap();
        let cache = Arc::new(RedisCache::connect(&redis.url()).await.unwrap());
        Self::on(store, cache, folder, Some(database), Some(redis)).await
    }

    async fn on(
        store: Store,
        cache: Arc<dyn Cache>,
        folder: TempDir,
        database: Option<TestDatabase>,
        redis: Option<RedisServer>,
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
        let shop = ShopId::new("shop").unwrap();
        store
            .ensure_marketplace(&place, &shop, SystemClock.now())
            .await
            .unwrap();
        let segments = segment_store(&folder.path().join("segments").to_string_lossy()).unwrap();
        let mut settings = Settings::default();
        // Builds are asked for by the tests themselves.
        settings.build.every = Duration::ZERO;
        settings.increments.every = Duration::ZERO;
        let deps = Deps {
            store,
            cache,
            segments,
            clock: Arc::new(SystemClock),
            settings,
        };
        Self {
            deps,
            marketplace,
            database,
            redis,
            memory: None,
            folder,
        }
    }

    /// Ends every lease. The database's clock, which tells when they end, cannot be moved, but their ends can.
    pub(crate) async fn end_leases(&self) {
        use sqlx::Connection as _;
        const END: &str = "UPDATE jobs SET lease_until_ms = 1 WHERE state = 'running'";
        match &self.database {
            Some(database) => {
                let mut server = sqlx::PgConnection::connect(&database.url()).await.unwrap();
                sqlx::query(END).execute(&mut server).await.map(drop)
            }
            None => {
                let url = sqlite_url(self.folder.path());
                let mut file = sqlx::SqliteConnection::connect(&url).await.unwrap();
                sqlx::query(END).execute(&mut file).await.map(drop)
            }
        }
        .unwrap();
    }

    pub(crate) fn context(&self) -> WriteContext {
        let shop = ShopId::new("shop").unwrap();
        WriteContext::new(
            Principal::insecure(self.marketplace.clone(), shop),
            SystemClock.now(),
        )
    }

    /// Has events stored and folded.
    pub(crate) async fn report(&self, events: &[Event]) {
        let (store, now) = (&self.deps.store, SystemClock.now());
        store.import_events(&self.marketplace, events, now).await.unwrap();
        store.fold_events(&self.marketplace, 1000, now).await.unwrap();
    }

    /// Puts products into the catalogue, or in the place of what stood there.
    pub(crate) async fn put(&self, products: impl IntoIterator<Item = ProductInput>) {
        let upsert = |input| ProductUpsert {
            input,
            listing: None,
            etag: None,
        };
        let upserts: Vec<_> = products.into_iter().map(upsert).collect();
        let store = &self.deps.store;
        store.upsert_products(&self.context(), &upserts).await.unwrap();
    }

    /// Orders `from..to`, each with products that go together: `p{n % 7}`, `p{n % 7 + 1}` and one of their own kind.
    pub(crate) async fn orders(&self, from: u32, to: u32) {
        let events: Vec<Event> = (from..to).flat_map(order).collect();
        self.report(&events).await;
    }

    /// Everything in the orders `from..to` comes back.
    pub(crate) async fn returns(&self, from: u32, to: u32) {
        let mut events: Vec<Event> = (from..to).flat_map(order).collect();
        for event in &mut events {
            event.id = EventId::new(format!("back-{}", event.id)).unwrap();
            event.kind = EventKind::Return;
            event.time = event.time.plus(Duration::from_secs(60));
        }
        self.report(&events).await;
    }

    /// Asks for a build and makes it.
    pub(crate) async fn build(&self, collapse: Collapse) -> Result<BuildOutcome, WorkError> {
        build_generation(&self.deps, &self.request(collapse), &Watcher::nobody()).await
    }

    /// Asks for an increment and makes it.
    pub(crate) async fn try_increment(&self, collapse: Collapse) -> Result<BuildOutcome, WorkError> {
        let request = BuildRequest {
            scope: BuildScope::Increment,
            ..self.request(collapse)
        };
        build_generation(&self.deps, &request, &Watcher::nobody()).await
    }

    /// Makes an increment that is served.
    pub(crate) async fn increment(&self) -> BuildOutcome {
        let outcome = self.try_increment(Collapse::Refuse).await.unwrap();
        assert_eq!(outcome.cache, CacheState::Serving);
        outcome
    }

    pub(crate) fn request(&self, collapse: Collapse) -> BuildRequest {
        BuildRequest {
            marketplace: self.marketplace.clone(),
            collapse,
            scope: BuildScope::Full,
            subject: "test".to_owned(),
        }
    }

    /// What SQL serves.
    pub(crate) async fn serving(&self) -> Option<Generation> {
        self.deps
            .store
            .serving_generation(&self.marketplace)
            .await
            .unwrap()
    }

    /// The number of the generation that the cache serves.
    pub(crate) async fn cached(&self) -> Option<u64> {
        let manifest = self.deps.cache.manifest(&self.marketplace).await.ok()??;
        Some(manifest.generation.0)
    }

    pub(crate) async fn cached_becomes(&self, generation: u64) {
        let says_so = async || self.cached().await == Some(generation);
        wait_until(LONG, "the cache to serve the generation", says_so)
            .await
            .unwrap();
    }

    /// What gateways find under these keys, in the generation that the cache serves.
    pub(crate) async fn found(&self, keys: &[RecordKey]) -> Vec<Option<Bytes>> {
        let cache = &self.deps.cache;
        let manifest = cache.manifest(&self.marketplace).await.unwrap().unwrap();
        let records = cache.records(&self.marketplace, &manifest, keys).await;
        records.unwrap()
    }

    /// Whether gateways find the lists of `p1` in what the cache serves.
    pub(crate) async fn lists_are_served(&self) -> bool {
        let cache = &self.deps.cache;
        let Ok(Some(manifest)) = cache.manifest(&self.marketplace).await else {
            return false;
        };
        let key = RecordKey::Lists(product(1));
        let records = cache.records(&self.marketplace, &manifest, &[key]).await;
        records.is_ok_and(|records| records[0].is_some())
    }

    /// Numbers of all generations, oldest first.
    pub(crate) async fn generations(&self) -> Vec<Generation> {
        let mut all = self
            .deps
            .store
            .generations(&self.marketplace, None, 100)
            .await
            .unwrap();
        all.reverse();
        all
    }

    /// Paths of the segment files.
    pub(crate) fn files(&self) -> Vec<String> {
        let folder = self
            .folder
            .path()
            .join("segments")
            .join(self.marketplace.as_str());
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs the whole worker in this process.
    pub(crate) fn start(&self) -> Running {
        let (shutdown, readiness) = (Shutdown::new(), Readiness::new());
        let tasks = Tasks::new(shutdown.clone());
        let server = RuntimeConfig::default().server;
        let shell = Shell::new(
            server,
            None,
            Access::Insecure,
            shutdown.clone(),
            tasks.clone(),
            readiness,
        );
        let deps = self.deps.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the test owns this task and waits for it"
        )]
        let body = tokio::spawn(async move { tandem_graph_worker::work(deps, &shell).await });
        Running {
            shutdown,
            tasks,
            body,
        }
    }
}

/// A worker in this process.
pub(crate) struct Running {
    shutdown: Shutdown,
    tasks: Tasks,
    body: JoinHandle<()>,
}

impl Running {
    /// Stops it and waits for every task.
    pub(crate) async fn stop(self) {
        self.shutdown.request("the test is over");
        tokio::time::timeout(LONG, self.body).await.unwrap().unwrap();
        tokio::time::timeout(LONG, self.tasks.finished()).await.unwrap();
    }
}

pub(crate) fn product(n: u32) -> ProductId {
    ProductId::new(format!("p{n}")).unwrap()
}

/// A product of which no more is known than its title.
pub(crate) fn bare(n: u32) -> ProductInput {
    ProductInput {
        id: product(n),
        title: format!("Product {n}"),
        category: None,
        brand: None,
        series: None,
        price: None,
        image_uri: None,
        quality: None,
        tags: BTreeMap::new(),
        provenance: Provenance::Real,
    }
}

fn order(n: u32) -> Vec<Event> {
    let start = Timestamp::from_ms(1_700_000_000_000);
    let time = start.plus(Duration::from_secs(u64::from(n) * 600));
    let pair = n % 7;
    [pair, pair + 1, 20 + n % 3]
        .into_iter()
        .map(|item| Event {
            id: EventId::new(format!("o{n}-{item}")).unwrap(),
            kind: EventKind::Purchase,
            product: product(item),
            user: Some(format!("u{}", n % 40)),
            group: Some(format!("o{n}")),
            scene: None,
            quantity: 1,
            unit_price: Some(Money::from_minor(250 + i64::from(item))),
            time,
            provenance: Provenance::Real,
            dwell_ms: None,
            attribution: None,
        })
        .collect()
}
