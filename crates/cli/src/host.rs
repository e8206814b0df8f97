//! Every part of Tandem in one process, on a SQLite file and the in-process cache.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::de::DeserializeOwned;
use tandem_cache::memory::MemoryCache;
use tandem_cache::port::Cache;
use tandem_cache::segment::segment_store;
use tandem_domain::attribution::KeyRing;
use tandem_domain::clock::{SharedClock, SystemClock};
use tandem_gateway::config::Marketplaces;
use tandem_runtime::backoff::chain;
use tandem_runtime::config::{ConfigArgs, Layout, Loaded, ServerConfig};
use tandem_runtime::lifecycle::{Access, Shell, Shutdown, bind};
use tandem_runtime::readiness::Readiness;
use tandem_runtime::tasks::Tasks;

use crate::database::{Database, DatabaseArgs};

/// How long a start and a stop may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long requests in progress may go on after the stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// What answers of one machine are signed with. Everybody there may write all of it: the key keeps nobody out, it lets
/// tokens of an earlier start be believed.
const ATTRIBUTION_KEY: &str = "tandem on one machine";

/// Where to listen, on loopback; 0 for any free port.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// Of the gateway.
    pub gateway: u16,
    /// Of control.
    pub control: u16,
}

/// Whom to let in: everyone on this machine, or whoever shows a token.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Callers")]
pub struct Callers {
    /// Issuer of the tokens that every caller must show; without it, everyone on this machine may call.
    #[arg(long, value_name = "ISSUER", requires = "jwks")]
    pub issuer: Option<String>,
    /// File or URL with the issuer's public keys, as a JSON Web Key Set.
    #[arg(long, value_name = "FILE", requires = "issuer")]
    pub jwks: Option<String>,
}

impl Callers {
    fn access(&self) -> Access {
        match self.issuer {
            Some(_) => Access::Tokens,
            None => Access::Insecure,
        }
    }
}

/// All parts, running.
pub struct Host {
    /// The database.
    pub database: Database,
    /// What the graph worker works on, for builds that are watched.
    pub graph: tandem_graph_worker::Deps,
    /// Address of the gateway.
    pub gateway: String,
    /// Address of control.
    pub control: String,
    callers: Callers,
    shutdown: Shutdown,
    tasks: Tasks,
    parts: Vec<(&'static str, Readiness)>,
}

impl Host {
    /// Starts every part on the files in `folder`, for these callers, and returns when all of them are ready.
    ///
    /// # Errors
    /// When the folder, a port or the callers' keys cannot be had, or a part does not get ready within a minute.
    pub async fn start(folder: &Path, ports: Ports, callers: Callers) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let database = DatabaseArgs::in_folder(folder).open().await?;
        let cache: Arc<dyn Cache> = Arc::new(MemoryCache::new());
        let segments = segment_store(&folder.join("segments").to_string_lossy())?;
        let clock: SharedClock = Arc::new(SystemClock);
        let shutdown = Shutdown::new();
        let graph = tandem_graph_worker::Deps {
            store: database.store.clone(),
            cache: Arc::clone(&cache),
            segments: Arc::clone(&segments),
            clock: Arc::clone(&clock),
            settings: tandem_graph_worker::Settings::default(),
        };
        let inventory = tandem_inventory_worker::Deps {
            store: database.store.clone(),
            cache: Arc::clone(&cache),
            segments,
            clock: Arc::clone(&clock),
        };
        let mut host = Self {
            database,
            graph: graph.clone(),
            gateway: String::new(),
            control: String::new(),
            callers,
            tasks: Tasks::new(shutdown.clone()),
            shutdown,
            parts: Vec::new(),
        };
        let up = async {
            host.serve_control(ports.control, &clock).await?;
            host.run_workers(graph, inventory, &clock).await?;
            // The cache is full by then, and the gateway has something to follow.
            host.ready().await?;
            host.serve_gateway(ports.gateway, cache, &clock).await?;
            host.ready().await
        };
        if let Err(error) = up.await {
            // Nobody else would end the parts that did start, and they would go on working on the files.
            host.stop().await?;
            return Err(error);
        }
        Ok(host)
    }

    async fn serve_control(&mut self, port: u16, clock: &SharedClock) -> Result<()> {
        let mut loaded: Loaded<tandem_control::Config> = defaults(&tandem_control::config::LAYOUT)?;
        loaded.config.reflection.enabled = true;
        loaded
            .config
            .marketplace
            .currency
            .clone_from(&self.database.marketplace.currency.code);
        loaded.config.attribution.keys = KeyRing::new([ATTRIBUTION_KEY])?;
        let (shell, address) = self.shell("control", Some(port), loaded.runtime.server).await?;
        self.control = format!("http://{address}");
        let (store, clock) = (self.database.store.clone(), Arc::clone(clock));
        self.tasks.spawn_critical(
            "control",
            tandem_control::serve(store, clock, loaded.config, shell),
        );
        Ok(())
    }

    async fn serve_gateway(&mut self, port: u16, cache: Arc<dyn Cache>, clock: &SharedClock) -> Result<()> {
        let mut loaded: Loaded<tandem_gateway::Config> = defaults(&tandem_gateway::config::LAYOUT)?;
        loaded.config.reflection.enabled = true;
        loaded.config.attribution.keys = KeyRing::new([ATTRIBUTION_KEY])?;
        let marketplace = &self.database.marketplace;
        loaded.config.marketplaces = Marketplaces::one(marketplace.id.clone(), marketplace.currency.clone());
        let (shell, address) = self.shell("gateway", Some(port), loaded.runtime.server).await?;
        self.gateway = format!("http://{address}");
        self.tasks.spawn_critical(
            "gateway",
            tandem_gateway::serve(cache, Arc::clone(clock), loaded.config, shell),
        );
        Ok(())
    }

    async fn run_workers(
        &mut self,
        graph: tandem_graph_worker::Deps,
        inventory: tandem_inventory_worker::Deps,
        clock: &SharedClock,
    ) -> Result<()> {
        let events: Loaded<tandem_events_worker::Config> = defaults(&tandem_events_worker::config::LAYOUT)?;
        let server = events.runtime.server;
        let (shell, _) = self.shell("events", None, server.clone()).await?;
        let (store, clock) = (self.database.store.clone(), Arc::clone(clock));
        self.tasks.spawn("events", async move {
            tandem_events_worker::work(store, clock, events.config, &shell).await;
        });
        let (shell, _) = self.shell("inventory", None, server.clone()).await?;
        self.tasks.spawn("inventory", async move {
            tandem_inventory_worker::work(inventory, tandem_inventory_worker::Settings::default(), &shell)
                .await;
        });
        let (shell, _) = self.shell("graph", None, server).await?;
        self.tasks.spawn(
            "graph",
            async move { tandem_graph_worker::work(graph, &shell).await },
        );
        Ok(())
    }

    async fn shell(
        &mut self,
        name: &'static str,
        port: Option<u16>,
        mut server: ServerConfig,
    ) -> Result<(Shell, SocketAddr)> {
        let listen = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let listener = bind(name, listen).await?;
        let address = match &listener {
            Some(listener) => listener.local_addr()?,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        server.auth.issuer.clone_from(&self.callers.issuer);
        server.auth.jwks.clone_from(&self.callers.jwks);
        let readiness = Readiness::new();
        self.parts.push((name, readiness.clone()));
        let shell = Shell::new(
            server,
            listener,
            self.callers.access(),
            self.shutdown.clone(),
            self.tasks.clone(),
            readiness,
        );
        Ok((shell, address))
    }

    async fn ready(&self) -> Result<()> {
        for (name, readiness) in &self.parts {
            let mut reports = readiness.watch();
            let ready = async {
                reports
                    .wait_for(tandem_runtime::readiness::Report::is_ready)
                    .await
                    .map(|_| ())
            };
            tokio::select! {
                outcome = tokio::time::timeout(PATIENCE, ready) => match outcome {
                    Ok(_) => {}
                    Err(_) => bail!("{name} does not get ready: {:?}", readiness.report().checks),
                },
                () = self.shutdown.soft() => bail!("{}", self.why_stopped()),
            }
        }
        Ok(())
    }

    fn why_stopped(&self) -> String {
        match self.tasks.failure() {
            Some(failure) => chain(failure),
            None => self.shutdown.reason().unwrap_or("stopped").to_owned(),
        }
    }

    /// Waits until the process is told to stop or a part fails.
    ///
    /// # Errors
    /// When a part failed.
    pub async fn until_stopped(&self) -> Result<()> {
        let mut signals = Shutdown::signals()?;
        tokio::select! {
            () = self.shutdown.clone().drive(DRAIN, &mut signals) => {}
            () = self.tasks_end() => {}
        }
        match self.tasks.failure() {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(()),
        }
    }

    async fn tasks_end(&self) {
        self.shutdown.soft().await;
        self.tasks.finished().await;
    }

    /// Stops every part in order.
    ///
    /// # Errors
    /// When one does not stop in time.
    pub async fn stop(self) -> Result<()> {
        self.shutdown.request("done");
        if tokio::time::timeout(DRAIN, self.tasks.finished()).await.is_err() {
            self.shutdown.abort("a part did not stop in time");
            bail!("a part did not stop in time");
        }
        self.database.store.close().await;
        Ok(())
    }
}

/// The documented defaults of a binary, whatever this process's environment says.
fn defaults<T: DeserializeOwned>(layout: &Layout) -> Result<Loaded<T>> {
    tandem_runtime::config::load(layout, &ConfigArgs::default(), []).context("the embedded defaults")
}
