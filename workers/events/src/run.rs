//! The worker's life: connect, then fold until told to stop.

use std::sync::Arc;

use tandem_domain::clock::{SharedClock, SystemClock};
use tandem_runtime::lifecycle::{Kind, Service, Shell, StartError};
use tandem_store::{SchemaStatus, Store, StoreError, StoreOptions};

use crate::config::{Config, LAYOUT};
use crate::erasure::Eraser;
use crate::fold::Folder;
use crate::retention::Retention;

/// The process.
pub const SERVICE: Service = Service {
    name: "tandem-events-worker",
    about: "Numbers committed events, folds them into orders and daily counts, lets old ones go, and erases users",
    version: env!("CARGO_PKG_VERSION"),
    kind: Kind::Worker,
    layout: LAYOUT,
};

/// Connects to the database that the configuration names and works until the shutdown.
///
/// # Errors
/// When the database cannot be had, or not with the schema of this binary.
pub async fn run(config: Config, shell: Shell) -> Result<(), StartError> {
    let options = config.database.options();
    let store = shell.connect("the database", || open(&options)).await?;
    work(store, Arc::new(SystemClock), config, &shell).await;
    Ok(())
}

/// Works on a given store until the shutdown: the whole worker, for a process of its own or beside others.
pub async fn work(store: Store, clock: SharedClock, config: Config, shell: &Shell) {
    let check = shell.readiness().check("fold");
    let retention = Retention::new(store.clone(), clock.clone(), config.retention);
    shell
        .tasks()
        .spawn("retention", retention.run(shell.shutdown().clone()));
    let eraser = Eraser::new(store.clone(), clock.clone(), config.erasure);
    shell
        .tasks()
        .spawn("erasure", eraser.run(shell.shutdown().clone()));
    shell.started();
    Folder::new(store, clock, config.fold)
        .run(check, shell.shutdown().clone())
        .await;
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
