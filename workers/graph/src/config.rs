//! What the worker can be told.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::Error as _;
use tandem_graph::Params;
use tandem_runtime::backoff::chain;
use tandem_runtime::config::{Layout, Secret, duration};
use tandem_store::StoreOptions;

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
    /// `[jobs]`
    pub jobs: JobsConfig,
    /// `[build]`
    pub build: BuildConfig,
    /// `[increments]`
    pub increments: IncrementsConfig,
    /// `[pointer]`
    pub pointer: PointerConfig,
}

/// What remains when stores are given rather than configured: how the work is done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Claiming jobs.
    pub jobs: JobsConfig,
    /// Building and publishing.
    pub build: BuildConfig,
    /// Taking in new events between builds.
    pub increments: IncrementsConfig,
    /// Keeping the cache's pointer where SQL's is.
    pub pointer: PointerConfig,
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
            jobs: self.jobs.clone(),
            build: self.build.clone(),
            increments: self.increments.clone(),
            pointer: self.pointer.clone(),
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

/// `[jobs]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    /// How long a job belongs to a worker that gives no sign.
    #[serde(with = "duration")]
    pub lease: Duration,
    /// How often it looks without being woken.
    #[serde(with = "duration")]
    pub idle: Duration,
}

/// `[build]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildConfig {
    /// How old the last full build may be; zero for any age.
    #[serde(with = "duration")]
    pub every: Duration,
    /// Least share of the serving generation's events.
    #[serde(deserialize_with = "share")]
    pub least_events: f64,
    /// Least share of the serving generation's edges.
    #[serde(deserialize_with = "share")]
    pub least_edges: f64,
    /// Full builds kept.
    pub keep: u32,
    /// Whether every build fits its scores to the catalogue.
    pub tune: bool,
    /// What full builds start from: the configured file over the documented defaults.
    #[serde(deserialize_with = "params")]
    pub params: Params,
}

/// `[increments]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncrementsConfig {
    /// How long an event waits at most before an increment is asked for; zero leaves everything to full builds.
    #[serde(with = "duration")]
    pub every: Duration,
    /// So many waiting events do not wait that long.
    pub events: u64,
}

/// `[pointer]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointerConfig {
    /// How often the pointers are compared.
    #[serde(with = "duration")]
    pub check_every: Duration,
}

fn share<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(D::Error::custom(format!("{share} is not between 0 and 1")))
}

/// The parameters in the named file. It is read here, so that what is wrong with it ends the process as any other mistake in
/// the configuration does: before anything listens, and told with its key.
fn params<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Params, D::Error> {
    let path = String::deserialize(deserializer)?;
    if path.is_empty() {
        return Ok(Params::default());
    }
    let unusable = |why: String| D::Error::custom(format!("{path:?} gives no parameters: {why}"));
    let text = std::fs::read_to_string(&path).map_err(|error| unusable(error.to_string()))?;
    Params::from_json(&text).map_err(|error| unusable(chain(&error)))
}
