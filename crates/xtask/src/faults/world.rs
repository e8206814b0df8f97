//! The production shape with a fault in reach everywhere: PostgreSQL, Redis, and a proxy before each for those who use it.

mod part;
mod raw;
mod truth;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tandem_testing::{FaultProxy, PostgresServer, RedisServer, TestDatabase, free_port, sqlite_url};
use tonic::transport::Channel;

use super::Pace;
use super::ledger::Ledger;
use super::shop;
use super::traffic::{Books, Traffic, channel, lock};
pub(crate) use part::Part;
pub(crate) use truth::lost;

/// How long a process may take to get ready, on a machine that does other things.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(60);

/// Everything that runs. Parts end before what they stand on.
pub(crate) struct World {
    pub(crate) gateways: Vec<Part>,
    pub(crate) inventory: Vec<Part>,
    pub(crate) graph: Vec<Part>,
    pub(crate) events: Vec<Part>,
    pub(crate) control: Part,
    /// Before Redis, for gateways and for workers.
    pub(crate) redis_of_gateways: FaultProxy,
    pub(crate) redis_of_workers: FaultProxy,
    /// Before PostgreSQL, for control and for workers.
    pub(crate) sql_of_control: FaultProxy,
    pub(crate) sql_of_workers: FaultProxy,
    pub(crate) redis: RedisServer,
    pub(crate) database: TestDatabase,
    pub(crate) postgres: PostgresServer,
    pub(crate) books: Arc<Books>,
    pub(crate) pace: Pace,
    binaries: PathBuf,
    folder: tempfile::TempDir,
}

impl World {
    /// Starts everything and fills the shop.
    pub(crate) async fn up(binaries: &Path, pace: Pace) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let postgres = PostgresServer::start().await?;
        let database = postgres.create_database().await?;
        let redis = RedisServer::start().await?;
        let (sql, cache) = (postgres.address()?, redis.address());
        let sql_of_control = FaultProxy::start(sql.clone()).await?;
        let sql_of_workers = FaultProxy::start(sql).await?;
        let redis_of_gateways = FaultProxy::start(cache.clone()).await?;
        let redis_of_workers = FaultProxy::start(cache).await?;
        let books = Arc::new(Books {
            judge: Mutex::default(),
            ledger: Mutex::new(Ledger::create(&folder.path().join("acknowledged"))?),
        });
        let control = Part::new(binaries, "tandem-control", &["--insecure"], true)
            .with("TANDEM_DATABASE_URL", url_through(&database, &sql_of_control)?);
        let mut world = Self {
            gateways: Vec::new(),
            inventory: Vec::new(),
            graph: Vec::new(),
            events: Vec::new(),
            control,
            redis_of_gateways,
            redis_of_workers,
            sql_of_control,
            sql_of_workers,
            redis,
            database,
            postgres,
            books,
            pace,
            binaries: binaries.to_owned(),
            folder,
        };
        world.control.start().await?;
        world.add_inventory().await?;
        shop::fill(world.control_channel()?).await?;
        world.add_gateway().await?;
        Traffic::stock_up(world.control_channel()?, Arc::clone(&world.books)).await;
        world.converged().await?;
        Ok(world)
    }

    /// One more inventory worker.
    pub(crate) async fn add_inventory(&mut self) -> Result<()> {
        let mut part = self.worker("tandem-inventory-worker", &["--set=reconcile.every=0s"])?;
        part.start().await?;
        self.inventory.push(part);
        Ok(())
    }

    /// One more graph worker.
    pub(crate) async fn add_graph(&mut self) -> Result<()> {
        let mut part = self.worker(
            "tandem-graph-worker",
            &[
                "--set=build.every=0s",
                "--set=jobs.lease=3s",
                "--set=jobs.idle=500ms",
            ],
        )?;
        part.start().await?;
        self.graph.push(part);
        Ok(())
    }

    /// One more events worker.
    pub(crate) async fn add_events(&mut self) -> Result<()> {
        let mut part = Part::new(&self.binaries, "tandem-events-worker", &[], false).with(
            "TANDEM_DATABASE_URL",
            url_through(&self.database, &self.sql_of_workers)?,
        );
        part.start().await?;
        self.events.push(part);
        Ok(())
    }

    /// Everybody.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        let parts = self.gateways.iter().chain(&self.inventory);
        parts
            .chain(&self.graph)
            .chain(&self.events)
            .chain([&self.control])
    }

    /// Everybody.
    pub(crate) fn parts_mut(&mut self) -> impl Iterator<Item = &mut Part> {
        let parts = self.gateways.iter_mut().chain(&mut self.inventory);
        let parts = parts.chain(&mut self.graph).chain(&mut self.events);
        parts.chain([&mut self.control])
    }

    /// The file that says how far clocks are off; see [`set_clock`](Self::set_clock).
    pub(crate) fn clock(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Sets the clocks of those that follow the file: seconds against the true one, such as `+3600`.
    pub(crate) fn set_clock(&self, seconds: &str) -> Result<()> {
        // In one step: somebody may be reading.
        let next = self.folder.path().join("clock.next");
        std::fs::write(&next, seconds)?;
        Ok(std::fs::rename(&next, self.clock())?)
    }

    /// Everybody but gateways and control.
    pub(crate) fn workers(&mut self) -> impl Iterator<Item = &mut Part> {
        self.inventory
            .iter_mut()
            .chain(&mut self.graph)
            .chain(&mut self.events)
    }

    /// One more gateway.
    pub(crate) async fn add_gateway(&mut self) -> Result<()> {
        let redis = format!("redis://{}/", self.redis_of_gateways.address());
        let mut part = Part::new(&self.binaries, "tandem-gateway", &["--insecure"], true)
            .with("TANDEM_REDIS_URL", redis);
        part.start().await?;
        self.gateways.push(part);
        Ok(())
    }

    /// A control of its own, on a SQLite file in `folder`.
    pub(crate) fn side_control(&self, folder: &Path) -> Part {
        Part::new(&self.binaries, "tandem-control", &["--insecure"], true)
            .with("TANDEM_DATABASE_URL", sqlite_url(folder))
    }

    /// A gateway beside those that the load goes to.
    pub(crate) fn side_gateway(&self, redis: &FaultProxy, args: &[&str]) -> Part {
        let args = [&["--insecure"], args].concat();
        Part::new(&self.binaries, "tandem-gateway", &args, true)
            .with("TANDEM_REDIS_URL", format!("redis://{}/", redis.address()))
    }

    fn worker(&self, binary: &'static str, args: &[&str]) -> Result<Part> {
        let redis = format!("redis://{}/", self.redis_of_workers.address());
        let segments = self.folder.path().join("segments");
        Ok(Part::new(&self.binaries, binary, args, false)
            .with(
                "TANDEM_DATABASE_URL",
                url_through(&self.database, &self.sql_of_workers)?,
            )
            .with("TANDEM_REDIS_URL", redis)
            .with("TANDEM_SEGMENTS_PATH", segments.display().to_string()))
    }

    /// Points everybody who uses SQL at the present database; they notice when they are started again.
    pub(crate) fn follow_database(&mut self) -> Result<()> {
        let (control, workers) = (
            url_through(&self.database, &self.sql_of_control)?,
            url_through(&self.database, &self.sql_of_workers)?,
        );
        self.control.set("TANDEM_DATABASE_URL", control);
        for part in self.workers() {
            part.set("TANDEM_DATABASE_URL", workers.clone());
        }
        Ok(())
    }

    pub(crate) fn control_channel(&self) -> Result<Channel> {
        channel(self.control.listen()?)
    }

    pub(crate) fn gateway_channels(&self) -> Result<Vec<Channel>> {
        self.gateways.iter().map(|part| channel(part.listen()?)).collect()
    }

    /// Another past begins: what was acknowledged after the backup is not expected any more, and what gateways show may
    /// go back until [`settle_past`](Self::settle_past).
    pub(crate) fn forget(&self) -> Result<()> {
        lock(&self.books.judge).forget();
        lock(&self.books.ledger).forget()
    }

    /// From here on gateways show the new past.
    pub(crate) fn settle_past(&self) {
        lock(&self.books.judge).settle_past();
    }

    /// Writes what every part said into `target/faults`, to be read after a failure.
    pub(crate) fn keep_logs(&self, case: &str) {
        let folder = crate::command::root().join("target/faults").join(case);
        for (number, part) in self.parts().enumerate() {
            if let Err(error) = part.keep_log(&folder, number) {
                eprintln!("the log of {} is lost: {error:#}", part.name());
            }
        }
        eprintln!("logs: {}", folder.display());
    }
}

/// The URL of a database as somebody behind `proxy` sees it.
fn url_through(database: &TestDatabase, proxy: &FaultProxy) -> Result<String> {
    let url = database.url();
    let (scheme, rest) = url.split_once("://").context("an URL")?;
    let (user, place) = rest.split_once('@').context("an URL with a user")?;
    let (_, path) = place.split_once('/').context("an URL with a database")?;
    Ok(format!("{scheme}://{user}@{}/{path}", proxy.address()))
}

/// A free port of the loopback.
fn loopback() -> String {
    format!("127.0.0.1:{}", free_port())
}
