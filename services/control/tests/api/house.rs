//! A database of a test's own with control planes over it.

use std::sync::Arc;
use std::time::Duration;

use tandem_control::Config;
use tandem_domain::clock::{ManualClock, Timestamp};
use tandem_domain::id::MarketplaceId;
use tandem_proto::v1::catalog_client::CatalogClient;
use tandem_proto::v1::category_rules_client::CategoryRulesClient;
use tandem_proto::v1::events_client::EventsClient;
use tandem_proto::v1::links_client::LinksClient;
use tandem_proto::v1::operations_client::OperationsClient;
use tandem_proto::v1::stock_client::StockClient;
use tandem_proto::v1::surfaces_client::SurfacesClient;
use tandem_runtime::config::{RuntimeConfig, ServerConfig};
use tandem_runtime::lifecycle::{Access, Shell, Shutdown, bind};
use tandem_runtime::readiness::Readiness;
use tandem_runtime::tasks::Tasks;
use tandem_store::{Store, StoreOptions};
use tandem_testing::{TestDatabase, postgres, sqlite_url};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tonic::transport::{Channel, Endpoint};

/// 2025-01-01T00:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_735_689_600_000);

/// How long anything may take that only has to happen.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Runs a test on both databases.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($house:ident: House) $body:block)+) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;
            use crate::house::House;

            async fn test($house: House) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                test(House::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                test(House::postgres().await).await;
            }
        }
    )+};
}
pub(crate) use on_both;

/// A database with the current schema. It goes with this value.
pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    _place: Place,
}

/// Removed when dropped.
enum Place {
    Folder(#[expect(dead_code, reason = "held for its drop")] TempDir),
    Database(#[expect(dead_code, reason = "held for its drop")] TestDatabase),
}

/// A running control plane and clients of it.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) catalog: CatalogClient<Channel>,
    pub(crate) category_rules: CategoryRulesClient<Channel>,
    pub(crate) events: EventsClient<Channel>,
    pub(crate) links: LinksClient<Channel>,
    pub(crate) operations: OperationsClient<Channel>,
    pub(crate) stock: StockClient<Channel>,
    pub(crate) surfaces: SurfacesClient<Channel>,
    pub(crate) channel: Channel,
    pub(crate) readiness: Readiness,
}

impl House {
    pub(crate) async fn sqlite() -> Self {
        let house = Self::sqlite_without_schema().await;
        house.store.migrate().await.expect("migrations apply");
        house
    }

    pub(crate) async fn sqlite_without_schema() -> Self {
        let folder = TempDir::new().expect("a folder");
        Self::over(sqlite_url(folder.path()), Place::Folder(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        static TEMPLATE: OnceCell<TestDatabase> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(migrated).await;
        let copied = postgres().await.create_database_from(template.name()).await;
        let database = copied.expect("a database");
        Self::over(database.url(), Place::Database(database)).await
    }

    async fn over(url: String, place: Place) -> Self {
        let options = StoreOptions {
            url,
            ..StoreOptions::default()
        };
        Self {
            store: Store::connect(&options).await.expect("the database is there"),
            clock: Arc::new(ManualClock::at(NOW)),
            _place: place,
        }
    }

    pub(crate) fn marketplace(&self) -> MarketplaceId {
        MarketplaceId::new("default").expect("an id")
    }

    /// A control plane for the default shop.
    pub(crate) async fn control(&self) -> Control {
        self.control_with(|_| {}).await
    }

    /// A control plane whose callers write for `shop`.
    pub(crate) async fn control_of(&self, shop: &str) -> Control {
        let shop = shop.parse().expect("an id");
        self.control_with(|config| config.marketplace.shop = shop).await
    }

    pub(crate) async fn control_with(&self, change: impl FnOnce(&mut Config)) -> Control {
        let mut config = Config::default();
        change(&mut config);
        Control::start(
            self.store.clone(),
            self.clock.clone(),
            config,
            RuntimeConfig::default().server,
        )
        .await
    }

    /// A control plane whose callers show tokens, signed by keys that stand in this file.
    pub(crate) async fn control_by_tokens(&self, issuer: &str, keys: &std::path::Path) -> Control {
        let mut server = RuntimeConfig::default().server;
        server.auth.issuer = Some(issuer.to_owned());
        server.auth.jwks = Some(keys.display().to_string());
        Control::start(self.store.clone(), self.clock.clone(), Config::default(), server).await
    }

    /// A control plane that gives no call longer than `limit`, and commits no event before that.
    pub(crate) async fn impatient_control(&self, limit: Duration) -> Control {
        let mut config = Config::default();
        config.events.group_commit_wait = LONG;
        let mut server = RuntimeConfig::default().server;
        server.request_timeout = limit;
        Control::start(self.store.clone(), self.clock.clone(), config, server).await
    }
}

impl Control {
    async fn start(
        store: Store,
        clock: Arc<ManualClock>,
        mut config: Config,
        mut server: ServerConfig,
    ) -> Self {
        server.max_request_bytes = 4 << 20;
        config.reflection.enabled = true;
        let access = match server.auth.jwks {
            Some(_) => Access::Tokens,
            None => Access::Insecure,
        };
        server.listen = Some(([127, 0, 0, 1], 0).into());
        let listener = bind("server", server.listen)
            .await
            .expect("a port")
            .expect("an address");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (shutdown, readiness) = (Shutdown::new(), Readiness::new());
        let tasks = Tasks::new(shutdown.clone());
        let shell = Shell::new(
            server,
            Some(listener),
            access,
            shutdown.clone(),
            tasks.clone(),
            readiness.clone(),
        );
        tasks.spawn_critical("control", tandem_control::serve(store, clock, config, shell));
        let channel = Endpoint::from_shared(address)
            .expect("an address")
            .connect()
            .await
            .expect("it listens");
        Self {
            catalog: CatalogClient::new(channel.clone()),
            category_rules: CategoryRulesClient::new(channel.clone()),
            events: EventsClient::new(channel.clone()),
            links: LinksClient::new(channel.clone()),
            operations: OperationsClient::new(channel.clone()),
            stock: StockClient::new(channel.clone()),
            surfaces: SurfacesClient::new(channel.clone()),
            channel,
            readiness,
        }
    }
}

async fn migrated() -> TestDatabase {
    let database = postgres().await.create_database().await.expect("a database");
    let options = StoreOptions {
        url: database.url(),
        ..StoreOptions::default()
    };
    let store = Store::connect(&options).await.expect("the database is there");
    store.migrate().await.expect("migrations apply");
    store.close().await;
    database
}
