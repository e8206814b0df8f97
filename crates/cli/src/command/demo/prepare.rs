//! Orders in, graph out.

use std::io::Cursor;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;
use tandem_cache::codec::decode_bestsellers;
use tandem_cache::port::RecordKey;
use tandem_graph_worker::{BuildRequest, Collapse, Phase, Watcher, build_generation};
use tandem_store::BuildScope;

use super::Talk;
use crate::command::import::import_retail;
use crate::host::Host;
use crate::import::generic::Faults;
use crate::import::source;
use crate::progress;

/// The slice of real orders that the command carries.
const SLICE: &[u8] = include_bytes!("../../../data/online_retail_slice.csv.gz");

/// Bestsellers among which the anchor is chosen.
const ANCHORS: usize = 50;

/// What was imported.
#[derive(Debug, Serialize)]
pub(super) struct Read {
    lines: u64,
    seconds: f64,
}

/// What was built.
#[derive(Debug, Serialize)]
pub(super) struct Built {
    seconds: f64,
    anchors: u64,
    edges: u64,
    peak_rss_bytes: u64,
}

/// Imports the slice and the generated layer around it.
pub(super) async fn import(host: &Host, talk: &Talk) -> Result<Read> {
    talk.say("1. Real orders of a gift wholesaler (UCI Online Retail, CC0), cleaned; what they lack is generated and labelled.");
    let started = Instant::now();
    let bar = progress::spinner("importing orders");
    let input = source::unpack(Cursor::new(SLICE))?;
    let retail = import_retail(&host.database, input, Faults::Stop, true, &bar).await?;
    bar.finish_and_clear();
    let report = &retail.cleaned.report;
    let read = Read {
        lines: report.lines,
        seconds: started.elapsed().as_secs_f64(),
    };
    talk.say(format!(
        "   {} lines in {:.1} s: {} orders, {} products, {} returns matched to their orders.",
        read.lines,
        read.seconds,
        report.orders,
        report.products,
        report.returns_matched + report.returns_partly_matched
    ));
    Ok(read)
}

/// Builds the graph and puts it on serve.
pub(super) async fn build(host: &Host, talk: &Talk) -> Result<Built> {
    talk.say("2. The graph: counted, gated, scored and published.");
    fold(host).await?;
    let bar = progress::bar(0, "building");
    let shown = bar.clone();
    let phase = Mutex::new(None::<Phase>);
    let watcher = Watcher::new(move |step| {
        let mut phase = phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if phase.replace(step.phase) != Some(step.phase) {
            shown.set_message(step.phase.as_str());
        }
        shown.set_length(step.total.unwrap_or(step.done));
        shown.set_position(step.done);
    });
    let request = BuildRequest {
        marketplace: host.database.marketplace.id.clone(),
        collapse: Collapse::Refuse,
        scope: BuildScope::Full,
        subject: "tandem-demo".to_owned(),
    };
    let outcome = build_generation(&host.graph, &request, &watcher).await?;
    bar.finish_and_clear();
    let stats = outcome.stats;
    let built = Built {
        seconds: stats.read_seconds + stats.compute_seconds + stats.publish_seconds,
        anchors: stats.anchors,
        edges: stats.edges,
        peak_rss_bytes: stats.peak_rss_bytes,
    };
    talk.say(format!(
        "   {} edges of {} products from {} baskets in {:.1} s.",
        built.edges, built.anchors, stats.baskets, built.seconds
    ));
    Ok(built)
}

/// The products that sell best: the anchors that may be shown.
pub(super) async fn bestsellers(host: &Host) -> Result<Vec<String>> {
    let marketplace = &host.database.marketplace.id;
    let cache = &host.graph.cache;
    let manifest = cache
        .manifest(marketplace)
        .await?
        .context("no generation is on serve")?;
    let records = cache
        .records(marketplace, &manifest, &[RecordKey::Bestsellers(None)])
        .await?;
    let record = records
        .into_iter()
        .flatten()
        .next()
        .context("no bestsellers were published")?;
    let ranked = decode_bestsellers(&record)?.into_iter();
    Ok(ranked
        .map(|(product, _)| product.to_string())
        .take(ANCHORS)
        .collect())
}

/// Numbers what was imported, so that the build reads all of it; the events worker would do so within a second.
async fn fold(host: &Host) -> Result<()> {
    let marketplace = &host.database.marketplace.id;
    while host
        .database
        .store
        .fold_events(marketplace, 64, host.graph.clock.now())
        .await?
        .batches
        > 0
    {}
    Ok(())
}
