//! What the worker can be told.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tandem_runtime::config::{Layout, Secret, duration};
use tandem_store::{Kept, StoreOptions};

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../config.toml");

/// Where configuration comes from.
pub const LAYOUT: Layout = Layout {
    defaults: DEFAULTS,
    aliases: &[
        ("TANDEM_DATABASE_URL", "database.url"),
        ("TANDEM_REDIS_URL", "redis.url"),
        ("TANDEM_SEGMENTS_PATH", "segments.path"),
    ],
};

/// Every section of the worker's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[redis]`
    pub redis: RedisConfig,
    /// `[segments]`
    pub segments: SegmentsConfig,
    /// `[relay]`
    pub relay: RelayConfig,
    /// `[inbox]`
    pub inbox: InboxConfig,
    /// `[projection]`
    pub projection: ProjectionConfig,
    /// `[heartbeat]`
    pub heartbeat: HeartbeatConfig,
    /// `[rebuild]`
    pub rebuild: RebuildConfig,
    /// `[reconcile]`
    pub reconcile: ReconcileConfig,
    /// `[lifetimes]`
    pub lifetimes: LifetimesConfig,
}

/// What remains when stores are given rather than configured: how the work is done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// From the outbox into the stream of changes.
    pub relay: RelayConfig,
    /// From the inbox into the store.
    pub inbox: InboxConfig,
    /// From the stream into the cache.
    pub projection: ProjectionConfig,
    /// Signs of life.
    pub heartbeat: HeartbeatConfig,
    /// Filling an emptied cache.
    pub rebuild: RebuildConfig,
    /// The periodic full pass.
    pub reconcile: ReconcileConfig,
    /// How long rows are kept.
    pub lifetimes: LifetimesConfig,
}

impl Default for Settings {
    /// The documented defaults.
    fn default() -> Self {
        tandem_runtime::config::load::<Config>(&LAYOUT, &Default::default(), [])
            .expect("the embedded defaults are valid: a test reads them")
            .config
            .settings()
    }
}

impl Config {
    /// The part that does not say where the stores are.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            relay: self.relay.clone(),
            inbox: self.inbox.clone(),
            projection: self.projection.clone(),
            heartbeat: self.heartbeat.clone(),
            rebuild: self.rebuild.clone(),
            reconcile: self.reconcile.clone(),
            lifetimes: self.lifetimes.clone(),
        }
    }
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Where it is.
    pub url: Secret,
    /// Connections in the pool.
    pub max_connections: u32,
    /// Longest wait for a connection.
    #[serde(with = "duration")]
    pub acquire_timeout: Duration,
    /// Longest time of one statement.
    #[serde(with = "duration")]
    pub statement_timeout: Duration,
}

impl DatabaseConfig {
    /// As the store takes them.
    #[must_use]
    pub fn options(&self) -> StoreOptions {
        StoreOptions {
            url: self.url.expose().to_owned(),
            max_connections: self.max_connections,
            acquire_timeout: self.acquire_timeout,
            statement_timeout: self.statement_timeout,
        }
    }
}

/// `[redis]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Where it is.
    pub url: Secret,
}

/// `[segments]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentsConfig {
    /// Folder of the segment files.
    pub path: PathBuf,
}

/// `[relay]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfig {
    /// Most changes in one transaction.
    pub batch: u32,
    /// How often it looks without being woken.
    #[serde(with = "duration")]
    pub idle: Duration,
}

/// `[inbox]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxConfig {
    /// Most rows in one transaction.
    pub batch: u32,
    /// How often it looks without being woken.
    #[serde(with = "duration")]
    pub idle: Duration,
}

/// `[projection]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectionConfig {
    /// Most changes applied at once.
    pub batch: usize,
    /// Age at which another worker's delivery is taken over.
    #[serde(with = "duration")]
    pub reclaim_after: Duration,
    /// How often such deliveries are looked for.
    #[serde(with = "duration::positive")]
    pub reclaim_every: Duration,
    /// Tries before a change is set aside.
    pub max_attempts: u64,
    /// How often new marketplaces are looked for.
    #[serde(with = "duration::positive")]
    pub marketplaces_every: Duration,
    /// How often streams are trimmed.
    #[serde(with = "duration::positive")]
    pub trim_every: Duration,
    /// Lifetime of feed entries.
    #[serde(with = "duration")]
    pub keep_feed: Duration,
}

/// `[heartbeat]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatConfig {
    /// How often.
    #[serde(with = "duration::positive")]
    pub every: Duration,
}

/// `[rebuild]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebuildConfig {
    /// How often the cache's marker is looked at.
    #[serde(with = "duration")]
    pub check_every: Duration,
    /// How long a rebuild belongs to a worker that gives no sign.
    #[serde(with = "duration")]
    pub lease: Duration,
}

/// `[reconcile]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileConfig {
    /// How often; zero for never.
    #[serde(with = "duration")]
    pub every: Duration,
}

/// `[lifetimes]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifetimesConfig {
    /// How often old rows are looked for; zero for never.
    #[serde(with = "duration")]
    pub every: Duration,
    /// Most rows deleted in one transaction.
    pub batch: u32,
    /// Answers to request ids.
    #[serde(with = "duration")]
    pub request_ids: Duration,
    /// Keys of applied deltas.
    #[serde(with = "duration")]
    pub stock_deltas: Duration,
    /// Changes that were set aside.
    #[serde(with = "duration")]
    pub dead_letters: Duration,
    /// Jobs that ended.
    #[serde(with = "duration")]
    pub jobs: Duration,
    /// How far imports came that broke off.
    #[serde(with = "duration")]
    pub import_progress: Duration,
    /// Changes that nobody relayed.
    #[serde(with = "duration")]
    pub outbox: Duration,
}

impl LifetimesConfig {
    /// How long rows of a table are kept.
    #[must_use]
    pub const fn of(&self, kept: Kept) -> Duration {
        match kept {
            Kept::RequestIds => self.request_ids,
            Kept::StockDeltas => self.stock_deltas,
            Kept::DeadLetters => self.dead_letters,
            Kept::EndedJobs => self.jobs,
            Kept::ImportProgress => self.import_progress,
        }
    }
}
