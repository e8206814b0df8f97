//! What the worker can be told; `config.toml` documents it.

use std::time::Duration;

use serde::Deserialize;
use tandem_runtime::config::{Layout, Secret, duration};
use tandem_store::StoreOptions;

/// Where configuration comes from.
pub const LAYOUT: Layout = Layout {
    defaults: include_str!("../config.toml"),
    aliases: &[("TANDEM_DATABASE_URL", "database.url")],
};

/// Every section of the worker's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[fold]`
    pub fold: FoldConfig,
    /// `[erasure]`
    pub erasure: ErasureConfig,
    /// `[retention]`
    pub retention: RetentionConfig,
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
    pub(crate) fn options(&self) -> StoreOptions {
        StoreOptions {
            url: self.url.expose().to_owned(),
            max_connections: self.max_connections,
            acquire_timeout: self.acquire_timeout,
            statement_timeout: self.statement_timeout,
        }
    }
}

/// `[fold]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldConfig {
    /// Most chunks in one transaction.
    #[serde(deserialize_with = "at_least_one")]
    pub chunks: u32,
    /// How often it looks.
    #[serde(with = "duration")]
    pub every: Duration,
}

/// `[erasure]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureConfig {
    /// How often it looks.
    #[serde(with = "duration")]
    pub every: Duration,
}

/// `[retention]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// Days of raw events that are kept.
    #[serde(deserialize_with = "at_least_one")]
    pub raw_days: u32,
    /// How often it looks.
    #[serde(with = "duration")]
    pub every: Duration,
}

impl Default for Config {
    /// The documented defaults.
    fn default() -> Self {
        tandem_runtime::config::load(&LAYOUT, &Default::default(), [])
            .expect("the embedded defaults are valid: a test reads them")
            .config
    }
}

fn at_least_one<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(serde::de::Error::custom("must be at least 1")),
        number => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let config = Config::default();
        assert_eq!(config.fold.every, Duration::from_millis(500));
        assert_eq!(config.fold.chunks, 64);
        assert_eq!(config.erasure.every, Duration::from_secs(5));
        assert_eq!(config.retention.raw_days, 410);
    }
}
