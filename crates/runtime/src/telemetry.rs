//! Logs, traces and metrics.
//!
//! Logs go to standard error. Metrics are always there for `/metrics`; with `telemetry.otlp_endpoint` they
//! and the traces also go to a collector, in the background: a collector that is slow or away costs
//! nothing but the data. Without one no traces are recorded.

mod logs;
mod metrics;
mod panic_hook;
pub mod propagation;
pub(crate) mod sampling;
mod traces;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::task::spawn_blocking;
use tracing::Dispatch;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::config::{LogConfig, TelemetryConfig};
pub use metrics::{Metrics, SECONDS};

/// How long the end of a process waits for a collector.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// What cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.level` is not understood.
    #[error("`log.level` {level:?} is not a filter")]
    Level {
        /// What was configured.
        level: String,
        /// Why it is none.
        source: ParseError,
    },
    /// `telemetry.otlp_endpoint` is not usable.
    #[error("`telemetry.otlp_endpoint` cannot be used")]
    Endpoint(#[from] ExporterBuildError),
    /// The metrics cannot be read for `/metrics`.
    #[error("metrics cannot be set up")]
    Metrics(#[from] OTelSdkError),
    /// The process has set up its logging already.
    #[error("logging is set up already")]
    Twice(#[from] TryInitError),
}

/// The telemetry of a process, to be flushed at its end.
#[derive(Debug)]
pub struct Telemetry {
    metrics: Metrics,
    meters: SdkMeterProvider,
    tracers: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sets everything up for this process, once. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When a setting cannot be used or the process has done so already.
    pub fn init(
        config: &TelemetryConfig,
        log: &LogConfig,
        service: &str,
        version: &str,
    ) -> Result<Self, TelemetryError> {
        let (telemetry, dispatch) = Self::build(config, log, service, version)?;
        dispatch.try_init()?;
        sampling::set(config.sample_ratio);
        global::set_meter_provider(telemetry.meters.clone());
        global::set_text_map_propagator(propagation::propagator());
        if let Some(tracers) = &telemetry.tracers {
            global::set_tracer_provider(tracers.clone());
        }
        panic_hook::install();
        Ok(telemetry)
    }

    /// The same without touching anything global, for tests.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn build(
        config: &TelemetryConfig,
        log: &LogConfig,
        service: &str,
        version: &str,
    ) -> Result<(Self, Dispatch), TelemetryError> {
        let resource = Resource::builder()
            .with_service_name(service.to_owned())
            .with_attribute(KeyValue::new("service.version", version.to_owned()))
            .build();
        let tracers = traces::provider(config, resource.clone())?;
        let (metrics, meters) = metrics::provider(config, resource)?;
        let tracing = tracers
            .as_ref()
            .map(|tracers| traces::layer(tracers.tracer("tandem")));
        let subscriber = Registry::default().with(tracing).with(logs::layer(log)?);
        Ok((
            Self {
                metrics,
                meters,
                tracers,
            },
            Dispatch::new(subscriber),
        ))
    }

    /// The metrics as `/metrics` shows them.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// The source of instruments; once [`init`](Self::init) was called, the global one as well.
    pub fn meters(&self) -> &SdkMeterProvider {
        &self.meters
    }

    /// Sends what has not been sent, within a few seconds.
    pub async fn shutdown(self) {
        let flush = spawn_blocking(move || {
            let traces = self
                .tracers
                .map_or(Ok(()), |tracers| tracers.shutdown_with_timeout(FLUSH_WITHIN));
            let metrics = self.meters.shutdown_with_timeout(FLUSH_WITHIN);
            traces.and(metrics)
        });
        match tokio::time::timeout(FLUSH_WITHIN, flush).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::debug!(%error, "telemetry was not flushed"),
            Ok(Err(_)) | Err(_) => tracing::debug!("telemetry was not flushed in time"),
        }
    }
}
