//! `tandem demo`: from a slice of real orders to companions that obey stock, in one process.

mod flips;
mod prepare;
mod scene;
mod show;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use tandem_client::Settings;

use super::dev::TelemetryArgs;
use crate::args::Common;
use crate::client::connect;
use crate::database::DatabaseArgs;
use crate::host::{Callers, Host, Ports};
use crate::output;
use flips::Latency;
use prepare::{Built, Read};
use scene::{Scene, Stage};

/// The ports that `tandem dev` uses, so that ready-made commands need no address.
const PORTS: Ports = Ports {
    gateway: 50051,
    control: 50052,
};
/// Any free ports.
const ANY: Ports = Ports {
    gateway: 0,
    control: 0,
};

/// Options of `tandem demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tandem demo\n  tandem demo --once --json\n  tandem demo --attach --anchor 22423 --once"
)]
pub struct Demo {
    /// End after the show.
    #[arg(long)]
    once: bool,
    /// Keep the database and segments in this folder instead of a temporary one; it must not hold a database yet.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Show a running system instead (--gateway, --control), with its own products; import and build are left to it.
    #[arg(long, requires = "anchor", conflicts_with = "data")]
    attach: bool,
    /// The product to show, or several to choose from; the bestsellers without it.
    #[arg(long)]
    anchor: Vec<String>,
    /// Stock flips to measure: each takes a companion off stock and waits until it is gone.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    flips: u32,
    /// What this process says of itself.
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    anchor: String,
    before: Vec<String>,
    dropped: String,
    after: Vec<String>,
    bundle_before: Vec<String>,
    bundle_after: Vec<String>,
    stock_to_gone_us: Latency,
    import: Option<Read>,
    build: Option<Built>,
}

/// Imports, builds, serves and shows; then keeps serving unless told to end.
///
/// # Errors
/// When a part cannot start, or the show does not go as it must.
pub async fn run(common: &Common, demo: Demo) -> Result<()> {
    let telemetry = demo.telemetry.init("tandem-demo")?;
    let talk = Talk { quiet: common.json };
    if demo.attach {
        let stage = Stage {
            gateway: common.gateway().await?,
            control: common.control().await?,
        };
        let report = perform(&stage, &demo.anchor, &talk, demo.flips).await?;
        return publish(common, &report);
    }
    let temporary = tempfile::tempdir().context("no temporary folder can be made")?;
    let folder = demo.data.as_deref().unwrap_or(temporary.path());
    if !DatabaseArgs::in_folder(folder).is_new() {
        bail!(
            "{} holds a database already, and the demonstration would write into it: name a new folder",
            folder.display()
        );
    }
    let host = start(folder, demo.once).await?;
    let outcome = everything(&host, &talk, &demo).await;
    if let Ok(report) = &outcome {
        publish(common, report)?;
        if !demo.once {
            show::commands(&host, &report.anchor, &talk);
            host.until_stopped().await?;
        }
    }
    host.stop().await?;
    telemetry.shutdown().await;
    outcome.map(drop)
}

fn publish(common: &Common, report: &Report) -> Result<()> {
    if common.json {
        output::print_json(report)
    } else {
        Ok(())
    }
}

/// On the usual ports, so that ready-made commands are short; on any others when those are taken or nobody will type.
async fn start(folder: &Path, once: bool) -> Result<Host> {
    if !once && let Ok(host) = Host::start(folder, PORTS, Callers::default()).await {
        return Ok(host);
    }
    Host::start(folder, ANY, Callers::default()).await
}

/// Says things to a person, and nothing beside a JSON document.
struct Talk {
    quiet: bool,
}

impl Talk {
    fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            println!("{}", text.as_ref());
        }
    }
}

async fn everything(host: &Host, talk: &Talk, demo: &Demo) -> Result<Report> {
    let read = prepare::import(host, talk).await?;
    let built = prepare::build(host, talk).await?;
    let here = Settings::default();
    let stage = Stage {
        gateway: connect(&host.gateway, "gateway", &here).await?,
        control: connect(&host.control, "control", &here).await?,
    };
    let anchors = if demo.anchor.is_empty() {
        prepare::bestsellers(host).await?
    } else {
        demo.anchor.clone()
    };
    let report = perform(&stage, &anchors, talk, demo.flips).await?;
    Ok(Report {
        import: Some(read),
        build: Some(built),
        ..report
    })
}

/// The show itself: look, sell out, look again, and measure.
async fn perform(stage: &Stage, anchors: &[String], talk: &Talk, flips: u32) -> Result<Report> {
    let mut scene = Scene::choose(stage, anchors).await?;
    show::opening(&mut scene, talk).await?;
    let before = scene.look().await?;
    let gone = scene.sell_out().await?;
    let after = scene.look().await?;
    show::sold_out(&scene, &after, gone, talk);
    scene.restock().await?;
    let latency = flips::measure(&mut scene, flips, talk).await?;
    Ok(Report {
        anchor: scene.anchor.clone(),
        before: before.list_ids(),
        dropped: scene.dropped.clone(),
        after: after.list_ids(),
        bundle_before: before.bundle_ids(),
        bundle_after: after.bundle_ids(),
        stock_to_gone_us: latency,
        import: None,
        build: None,
    })
}
