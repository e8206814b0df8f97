//! Log lines on standard error.

use std::io;

use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::TelemetryError;
use crate::config::{LogConfig, LogFormat};

type BoxLayer<S> = Box<dyn Layer<S> + Send + Sync>;

pub(super) fn layer<S>(config: &LogConfig) -> Result<BoxLayer<S>, TelemetryError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::builder()
        .parse(&config.level)
        .map_err(|source| TelemetryError::Level {
            level: config.level.clone(),
            source,
        })?;
    let layer = fmt::layer().with_writer(io::stderr);
    Ok(match config.format {
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed(),
        LogFormat::Pretty => layer
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .with_filter(filter)
            .boxed(),
    })
}
