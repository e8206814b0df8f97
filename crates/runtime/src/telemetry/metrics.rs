//! Metrics for `/metrics` and for a collector.

use opentelemetry_otlp::{MetricExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

use super::TelemetryError;
use super::traces::EXPORT_WITHIN;
use crate::config::TelemetryConfig;

/// Bucket boundaries for histograms of durations in seconds, from 50 µs to 10 s.
pub const SECONDS: [f64; 17] = [
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
];

/// The metrics of a process, to be read at any time.
#[derive(Clone, Debug)]
pub struct Metrics(Registry);

impl Metrics {
    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.0.gather())
            .unwrap_or_else(|error| {
                tracing::error!(%error, "metrics cannot be rendered");
                String::new()
            })
    }
}

pub(super) fn provider(
    config: &TelemetryConfig,
    resource: Resource,
) -> Result<(Metrics, SdkMeterProvider), TelemetryError> {
    let registry = Registry::new();
    let prometheus = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()?;
    let mut builder = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_reader(prometheus);
    if let Some(endpoint) = &config.otlp_endpoint {
        let exporter = MetricExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(EXPORT_WITHIN)
            .build()?;
        let reader = PeriodicReader::builder(exporter)
            .with_interval(config.export_interval)
            .build();
        builder = builder.with_reader(reader);
    }
    Ok((Metrics(registry), builder.build()))
}
