//! Putting the parts together.

use std::sync::Arc;

use tandem_domain::attribution::KeyRing;
use tandem_domain::clock::{SharedClock, SystemClock};
use tandem_proto::v1::catalog_server::CatalogServer;
use tandem_proto::v1::category_rules_server::CategoryRulesServer;
use tandem_proto::v1::events_server::EventsServer;
use tandem_proto::v1::fixed_bundles_server::FixedBundlesServer;
use tandem_proto::v1::links_server::LinksServer;
use tandem_proto::v1::operations_server::OperationsServer;
use tandem_proto::v1::stock_server::StockServer;
use tandem_proto::v1::surfaces_server::SurfacesServer;
use tandem_runtime::auth::UnixTime;
use tandem_runtime::config::ServerConfig;
use tandem_runtime::grpc::{AnyCaller, Guarded, Services};
use tandem_runtime::lifecycle::{Shell, StartError};
use tandem_store::{Store, StoreError};

use crate::access::Door;
use crate::config::{Config, DatabaseConfig};
use crate::desk::Desk;
use crate::handlers::{
    CatalogService, CategoryRulesService, EventsService, FixedBundlesService, LinksService,
    OperationsService, StockService, SurfacesService,
};
use crate::intake::{Intake, intake};
use crate::reflection;
use crate::schema::{Gate, Inspector};

/// Why the control plane did not serve.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The database did not come up or the server broke.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// The whole process: connects, migrates if it is to, and serves until the shutdown.
///
/// # Errors
/// When the database does not come up or the server breaks.
pub async fn run(config: Config, shell: Shell) -> Result<(), RunError> {
    let store = shell
        .connect("the database", || connect(&config.database))
        .await?;
    serve(store, Arc::new(SystemClock), config, shell).await
}

/// The same over a store that is open already, for a process that holds several parts.
///
/// # Errors
/// When the server breaks.
pub async fn serve(store: Store, clock: SharedClock, config: Config, shell: Shell) -> Result<(), RunError> {
    let callers = shell
        .callers(config.marketplace.insecure_principal(), seconds(&clock))
        .await?;
    let gate = Gate::new();
    let inspector = Inspector {
        store: store.clone(),
        clock: Arc::clone(&clock),
        marketplace: config.marketplace.marketplace(),
        shop: config.marketplace.shop.clone(),
        interval: config.database.check_interval,
        check: shell.readiness().check("database"),
        gate: gate.clone(),
    };
    inspector.look().await;
    shell
        .tasks()
        .spawn("inspect the database", inspector.run(shell.shutdown().clone()));

    let (intake, committer) = intake(store.clone(), config.events.clone());
    shell.tasks().spawn_critical("commit events", async {
        committer.run().await;
        Ok::<_, StartError>(())
    });
    let desk = Desk::new(store, clock);
    let keys = config.attribution.keys;
    let door = Door::new(callers.clone(), gate);
    let mut services = services(&desk, intake, keys, &door, shell.server());
    if config.reflection.enabled {
        let known = AnyCaller::of(callers);
        services = services
            .with(Guarded::new(reflection::v1(), known.clone()))
            .with(Guarded::new(reflection::v1alpha(), known));
    }
    Ok(shell.serve(services).await?)
}

/// The time that tokens are checked by.
fn seconds(clock: &SharedClock) -> UnixTime {
    let clock = Arc::clone(clock);
    Arc::new(move || clock.now().as_ms().div_euclid(1_000))
}

/// Every service behind the door.
fn services(desk: &Desk, intake: Intake, keys: KeyRing, door: &Door, limits: &ServerConfig) -> Services {
    let limit = limits.max_request_bytes;
    let events = EventsService {
        desk: desk.clone(),
        intake,
        keys,
    };
    let stock = StockService { desk: desk.clone() };
    let catalog = CatalogService { desk: desk.clone() };
    let links = LinksService { desk: desk.clone() };
    let surfaces = SurfacesService { desk: desk.clone() };
    let fixed_bundles = FixedBundlesService { desk: desk.clone() };
    let category_rules = CategoryRulesService { desk: desk.clone() };
    let operations = OperationsService { desk: desk.clone() };
    Services::new()
        .with(Guarded::new(
            EventsServer::new(events).max_decoding_message_size(limit),
            door.clone(),
        ))
        .with(Guarded::new(
            StockServer::new(stock).max_decoding_message_size(limit),
            door.clone(),
        ))
        .with(Guarded::new(
            CatalogServer::new(catalog).max_decoding_message_size(limit),
            door.clone(),
        ))
        .with(Guarded::new(
            LinksServer::new(links).max_decoding_message_size(limit),
            door.clone(),
        ))
        .with(Guarded::new(
            FixedBundlesServer::new(fixed_bundles).max_decoding_message_size(limit),
            door.clone(),
        ))
        .with(Guarded::new(
            CategoryRulesServer::new(category_rules).max_decoding_message_size(limit),
            door.clone(),
        ))
        .with(Guarded::new(
            SurfacesServer::new(surfaces).max_decoding_message_size(limit),
            door.clone(),
        ))
        .with(Guarded::new(
            OperationsServer::new(operations).max_decoding_message_size(limit),
            door.clone(),
        ))
}

/// Opens the database and brings its schema up to date, if that is wanted and can be done.
async fn connect(config: &DatabaseConfig) -> Result<Store, StoreError> {
    let store = Store::connect(&config.options()).await?;
    if !config.migrate_on_start {
        return Ok(store);
    }
    match store.migrate().await {
        Ok(applied) if applied.is_empty() => Ok(store),
        Ok(applied) => {
            tracing::info!(
                migrations = applied.join(", "),
                "the schema was brought up to date"
            );
            Ok(store)
        }
        // Not ready until somebody brings a newer binary; the inspector says so.
        Err(StoreError::SchemaNewer(_)) => Ok(store),
        Err(error) => Err(error),
    }
}
