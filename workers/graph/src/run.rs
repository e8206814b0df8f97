//! The worker's life: connect, then do jobs until told to stop.

use std::sync::Arc;

use tandem_cache::redis::RedisCache;
use tandem_cache::segment::segment_store;
use tandem_domain::clock::SystemClock;
use tandem_runtime::BoxError;
use tandem_runtime::instance;
use tandem_runtime::lifecycle::{Kind, Service, Shell};
use tandem_store::{SchemaStatus, Store, StoreError, StoreOptions};

use crate::config::{Config, LAYOUT};
use crate::deps::Deps;
use crate::{jobs, pointer, probe, schedule};

/// The process.
pub const SERVICE: Service = Service {
    name: "tandem-graph-worker",
    about: "Builds the graph from SQL and publishes generations",
    version: env!("CARGO_PKG_VERSION"),
    kind: Kind::Worker,
    layout: LAYOUT,
};

/// Connects to what the configuration names and works until the shutdown.
///
/// # Errors
/// When SQL, Redis or the folder of segments cannot be had.
pub async fn run(config: Config, shell: Shell) -> Result<(), BoxError> {
    let settings = config.settings();
    let segments = segment_store(&config.segments.path.to_string_lossy())?;
    let options = config.database.options();
    let store = shell.connect("the database", || open(&options)).await?;
    let url = config.redis.url.expose();
    let cache = shell.connect("Redis", || RedisCache::connect(url)).await?;
    let deps = Deps {
        store,
        cache: Arc::new(cache),
        segments,
        clock: Arc::new(SystemClock),
        settings,
    };
    work(deps, &shell).await;
    Ok(())
}

/// Opens a database whose schema is this binary's.
async fn open(options: &StoreOptions) -> Result<Store, StoreError> {
    let store = Store::connect(options).await?;
    match store.schema_status().await? {
        SchemaStatus::Current => Ok(store),
        SchemaStatus::Pending(names) => Err(StoreError::SchemaPending(names)),
        SchemaStatus::Newer(names) => Err(StoreError::SchemaNewer(names)),
    }
}

/// Works on given stores until the shutdown: the whole worker, for a process of its own or beside others.
pub async fn work(deps: Deps, shell: &Shell) {
    let (tasks, shutdown) = (shell.tasks(), shell.shutdown());
    tasks.spawn(
        "probe",
        probe::run(deps.clone(), shell.readiness().clone(), shutdown.clone()),
    );
    tasks.spawn("pointer", pointer::run(deps.clone(), shutdown.clone()));
    tasks.spawn("schedule", schedule::run(deps.clone(), shutdown.clone()));
    shell.started();
    Box::pin(jobs::run(deps, instance::name(), shutdown.clone())).await;
}
