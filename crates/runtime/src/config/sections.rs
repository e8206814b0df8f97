//! The sections that every process has.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use crate::auth::{AuthConfig, QuotaConfig};
use crate::grpc::{Lanes, WebConfig};
use crate::tls::TlsConfig;

/// The commented defaults of [`RuntimeConfig`].
pub const RUNTIME_DEFAULTS: &str = include_str!("runtime.toml");

/// What every process can be told about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeConfig {
    /// `[server]`
    pub server: ServerConfig,
    /// `[admin]`
    pub admin: AdminConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[telemetry]`
    pub telemetry: TelemetryConfig,
    /// `[shutdown]`
    pub shutdown: ShutdownConfig,
}

impl RuntimeConfig {
    /// The names of its sections; a process cannot have others of these names.
    pub const SECTIONS: [&'static str; 5] = ["server", "admin", "log", "telemetry", "shutdown"];
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        toml::from_str(RUNTIME_DEFAULTS).expect("the built-in defaults are valid")
    }
}

/// `[server]`: the gRPC server and its limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where it listens; workers have none.
    #[serde(with = "super::optional")]
    pub listen: Option<SocketAddr>,
    /// Threads of their own that connections are dealt to; without them calls share those of the background work.
    #[serde(with = "super::optional")]
    pub lanes: Option<Lanes>,
    /// Connections at a time; more are closed at once.
    pub max_connections: usize,
    /// Concurrent RPCs on one connection.
    pub max_streams: u32,
    /// RPCs in progress over all connections at most; more are refused at once.
    pub max_in_flight: usize,
    /// How far that limit may fall while answers are too late.
    pub min_in_flight: usize,
    /// Largest request message, for the services to set as their decoding limit.
    pub max_request_bytes: usize,
    /// Longest time until an RPC's first response.
    #[serde(with = "super::duration")]
    pub request_timeout: Duration,
    /// How often an idle connection is asked for a sign of life.
    #[serde(with = "super::duration")]
    pub keepalive_interval: Duration,
    /// How long the sign of life may take.
    #[serde(with = "super::duration")]
    pub keepalive_timeout: Duration,
    /// After SIGTERM, between NOT_SERVING and GOAWAY.
    #[serde(with = "super::duration")]
    pub notice: Duration,
    /// `[server.tls]`
    pub tls: TlsConfig,
    /// `[server.auth]`
    pub auth: AuthConfig,
    /// `[server.quota]`
    pub quota: QuotaConfig,
    /// `[server.web]`
    pub web: WebConfig,
}

/// `[admin]`: health, readiness and metrics over HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Where it listens, if anywhere.
    #[serde(with = "super::optional")]
    pub listen: Option<SocketAddr>,
}

/// `[log]`: logs on standard error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// For people or for machines.
    pub format: LogFormat,
    /// A level, with exceptions per module.
    pub level: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Pretty,
}

/// `[telemetry]`: traces and metrics for a collector.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// The OTLP collector, if there is one.
    #[serde(with = "super::optional")]
    pub otlp_endpoint: Option<String>,
    /// Share of new traces that is kept, 0 to 1.
    #[serde(deserialize_with = "share")]
    pub sample_ratio: f64,
    /// How often metrics are sent.
    #[serde(with = "super::duration")]
    pub export_interval: Duration,
}

/// `[shutdown]`: the time between SIGTERM and the end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShutdownConfig {
    /// Between SIGTERM and the hard stop.
    #[serde(with = "super::duration")]
    pub drain: Duration,
}

fn share<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(serde::de::Error::custom(format!(
        "{share} is not between 0 and 1"
    )))
}
