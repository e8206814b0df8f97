//! The worker's life: connect, then work on every marketplace until told to stop.

use std::collections::BTreeSet;
use std::sync::Arc;

use tandem_cache::redis::RedisCache;
use tandem_cache::segment::segment_store;
use tandem_domain::clock::SystemClock;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::BoxError;
use tandem_runtime::backoff::chain;
use tandem_runtime::instance;
use tandem_runtime::lifecycle::{Kind, Service, Shell, Shutdown};
use tandem_runtime::tasks::Tasks;
use tandem_store::{SchemaStatus, Store, StoreError, StoreOptions};

use crate::config::{Config, LAYOUT, Settings};
use crate::deps::Deps;
use crate::inbox::Inbox;
use crate::keeper::Keeper;
use crate::patience::pause;
use crate::projector::Projector;
use crate::reconcile::Need;
use crate::relay::Relay;
use crate::sweep::Sweep;
use crate::wholeness::Wholeness;
use crate::{heartbeat, probe, queue, reconcile, trim};

/// The process.
pub const SERVICE: Service = Service {
    name: "tandem-inventory-worker",
    about: "Relays committed changes into the cache and keeps the projection whole",
    version: env!("CARGO_PKG_VERSION"),
    kind: Kind::Worker,
    layout: LAYOUT,
};

/// Connects to what the configuration names and works until the shutdown.
///
/// # Errors
/// When SQL, Redis or the folder of segments cannot be had.
pub async fn run(config: Config, shell: Shell) -> Result<(), BoxError> {
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
    };
    work(deps, config.settings(), &shell).await;
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
pub async fn work(deps: Deps, settings: Settings, shell: &Shell) {
    let (tasks, shutdown) = (shell.tasks(), shell.shutdown());
    let wholeness = Wholeness::new(shell.readiness().check("projection"));
    let worker = Worker {
        holder: instance::name(),
        deps,
        settings,
        wholeness,
        need: Need::default(),
    };
    let relay = Relay::new(&worker.deps, worker.settings.relay.clone());
    tasks.spawn("relay", queue::follow(relay, shutdown.clone()));
    let inbox = Inbox::new(&worker.deps, worker.settings.inbox.clone());
    tasks.spawn("inbox", queue::follow(inbox, shutdown.clone()));
    let sweep = Sweep::new(&worker.deps, worker.settings.lifetimes.clone());
    tasks.spawn(
        "sweep",
        sweep.run(worker.deps.clone(), worker.need.clone(), shutdown.clone()),
    );
    tasks.spawn(
        "probe",
        probe::run(worker.deps.clone(), shell.readiness().clone(), shutdown.clone()),
    );
    shell.started();
    worker.follow_marketplaces(tasks, shutdown).await;
}

struct Worker {
    deps: Deps,
    settings: Settings,
    wholeness: Wholeness,
    holder: String,
    /// Asks for full passes out of turn.
    need: Need,
}

impl Worker {
    /// Starts work on marketplaces as they appear.
    async fn follow_marketplaces(&self, tasks: &Tasks, shutdown: &Shutdown) {
        let mut known = BTreeSet::new();
        let mut listed = false;
        while !shutdown.is_soft() {
            match self.deps.store.marketplaces().await {
                Ok(marketplaces) => {
                    for marketplace in marketplaces {
                        if known.insert(marketplace.id.clone()) {
                            self.begin(marketplace.id, tasks, shutdown);
                        }
                    }
                    if !listed && known.is_empty() {
                        self.wholeness.nothing_to_keep();
                    }
                    listed = true;
                }
                Err(error) => tracing::warn!(error = chain(&error), "marketplaces cannot be listed for now"),
            }
            pause(self.settings.projection.marketplaces_every, shutdown).await;
        }
    }

    fn begin(&self, marketplace: MarketplaceId, tasks: &Tasks, shutdown: &Shutdown) {
        tracing::info!(marketplace.id = %marketplace, "projecting");
        self.wholeness.set(&marketplace, Some("not checked yet"));
        let projection = &self.settings.projection;
        let projector = Projector::new(
            &self.deps,
            marketplace.clone(),
            self.holder.clone(),
            projection.clone(),
        );
        tasks.spawn("projector", projector.clone().run(shutdown.clone()));
        tasks.spawn("reclaim", projector.reclaim(shutdown.clone()));
        let beat = self.settings.heartbeat.every;
        let store = self.deps.store.clone();
        tasks.spawn(
            "heartbeat",
            heartbeat::run(store, marketplace.clone(), beat, shutdown.clone()),
        );
        tasks.spawn(
            "trim",
            trim::run(
                self.deps.clone(),
                marketplace.clone(),
                projection.clone(),
                shutdown.clone(),
            ),
        );
        let keeper = Keeper {
            deps: self.deps.clone(),
            marketplace: marketplace.clone(),
            holder: self.holder.clone(),
            settings: self.settings.rebuild.clone(),
            wholeness: self.wholeness.clone(),
        };
        tasks.spawn("keeper", keeper.run(shutdown.clone()));
        let every = self.settings.reconcile.every;
        let pass = reconcile::run(
            self.deps.clone(),
            marketplace,
            self.holder.clone(),
            every,
            self.need.clone(),
            shutdown.clone(),
        );
        tasks.spawn("reconcile", pass);
    }
}
