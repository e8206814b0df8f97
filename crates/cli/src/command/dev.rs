//! `tandem dev`: every part in one process.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tandem_runtime::config::{LogConfig, LogFormat, TelemetryConfig};
use tandem_runtime::telemetry::Telemetry;

use crate::args::Common;
use crate::database::DEV_FOLDER;
use crate::host::{Callers, Host, Ports};
use crate::output;

/// Options of `tandem dev`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tandem dev\n  tandem dev --data /tmp/shop --gateway-port 6001 --control-port 6002\n  tandem dev --issuer https://login.shop.internal --jwks keys.json"
)]
pub struct Dev {
    /// Folder of the database and the segment files.
    #[arg(long, default_value = DEV_FOLDER)]
    data: PathBuf,
    /// Port of the gateway on loopback; 0 for any.
    #[arg(long, default_value_t = 50051)]
    gateway_port: u16,
    /// Port of control on loopback; 0 for any.
    #[arg(long, default_value_t = 50052)]
    control_port: u16,
    /// Who may call.
    #[command(flatten)]
    callers: Callers,
    /// What this process says of itself.
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

/// Logs and traces of a process that holds every part.
#[derive(Debug, Clone, Args)]
pub struct TelemetryArgs {
    /// What is logged to stderr, such as `info` or `tandem_gateway=debug,warn`.
    #[arg(long, default_value = "warn")]
    log: String,
    /// Send traces and metrics to this OTLP collector (gRPC).
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp: Option<String>,
}

impl TelemetryArgs {
    /// Sets logs, traces and metrics up.
    ///
    /// # Errors
    /// When the filter or the address cannot be used.
    pub fn init(&self, service: &str) -> Result<Telemetry> {
        let log = LogConfig {
            format: LogFormat::Pretty,
            level: self.log.clone(),
        };
        let telemetry = TelemetryConfig {
            otlp_endpoint: self.otlp.clone(),
            sample_ratio: 1.0,
            export_interval: std::time::Duration::from_secs(10),
        };
        Ok(Telemetry::init(
            &telemetry,
            &log,
            service,
            env!("CARGO_PKG_VERSION"),
        )?)
    }
}

/// Runs every part until told to stop.
///
/// # Errors
/// When a part cannot start or fails.
pub async fn run(common: &Common, dev: Dev) -> Result<()> {
    let telemetry = dev.telemetry.init("tandem-dev")?;
    let host = Host::start(
        &dev.data,
        Ports {
            gateway: dev.gateway_port,
            control: dev.control_port,
        },
        dev.callers,
    )
    .await?;
    if common.json {
        output::print_json(
            &serde_json::json!({ "gateway": host.gateway, "control": host.control, "data": dev.data }),
        )?;
    } else {
        println!(
            "gateway {}   control {}   data {}",
            host.gateway,
            host.control,
            dev.data.display()
        );
        println!("import with `tandem import …`, then `tandem build`; stop with Ctrl-C");
    }
    host.until_stopped().await?;
    host.stop().await?;
    telemetry.shutdown().await;
    Ok(())
}
