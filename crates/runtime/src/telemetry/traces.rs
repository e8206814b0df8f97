//! Spans for a collector.

use std::time::Duration;

use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use super::sampling::Decided;
use crate::config::TelemetryConfig;

pub(super) const EXPORT_WITHIN: Duration = Duration::from_secs(5);

/// Whose spans are not ours, or would come from sending spans.
const NOISE: [&str; 5] = ["h2", "hyper", "hyper_util", "tonic", "tower"];

pub(super) fn provider(
    config: &TelemetryConfig,
    resource: Resource,
) -> Result<Option<SdkTracerProvider>, ExporterBuildError> {
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(None);
    };
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_WITHIN)
        .build()?;
    // Whoever called has decided already; the ratio is for traces that begin here.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
    let builder = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Decided(sampler));
    Ok(Some(builder.with_batch_exporter(exporter).build()))
}

/// Traces do not depend on `log.level`: a quiet log must not cut them.
pub(super) fn layer<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let ours = NOISE
        .iter()
        .fold(Targets::new().with_default(Level::INFO), |targets, target| {
            targets.with_target(*target, LevelFilter::OFF)
        });
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(ours)
}
