//! Filling the cache from SQL and segment files.
//!
//! **Invariant**: SQL and segments are the truth. The cache may be emptied at any moment; its rebuild marker goes with
//! it, and whoever finds it gone runs [`rebuild`]. The marker is set last, so a rebuild that died is begun anew.

mod graph;
mod leftovers;
mod marker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tandem_domain::id::MarketplaceId;

use crate::deps::Deps;
use crate::error::PassError;
use crate::metrics::Metrics;
use crate::replay::replay;
use leftovers::Leftovers;
pub use marker::Marker;

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Cards, listings, stock, links and surfaces put so far.
    Records(u64),
    /// Records of the graph loaded from segments so far.
    Graph {
        /// Loaded.
        done: u64,
        /// In all segments of the generation on serve.
        total: u64,
    },
}

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuildReport {
    /// Cards, listings, stock, links and surfaces compared.
    pub records: u64,
    /// Those that were newer than what stood in the cache; cards are not counted.
    pub newer: u64,
    /// Records that SQL no longer holds, withdrawn after the store epoch moved on.
    pub withdrawn: u64,
    /// Records of the graph loaded from segments.
    pub graph_records: u64,
    /// The generation on serve, if there is one.
    pub generation: Option<u64>,
    /// The store epoch that everything was put under.
    pub store_epoch: u64,
    /// How long it took.
    pub took: Duration,
}

/// Puts everything that SQL and the segments hold into the cache, then marks it whole. It may run at any time, beside
/// living workers and beside itself.
///
/// # Errors
/// When SQL, a segment file or the cache fails; the marker is as it was, and the rebuild may be run again.
pub async fn rebuild(
    deps: &Deps,
    marketplace: &MarketplaceId,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<RebuildReport, PassError> {
    let report = fill(deps, marketplace, progress).await?;
    mark(deps, marketplace, &report).await?;
    Ok(report)
}

/// Everything but the marker.
#[tracing::instrument(name = "inventory.rebuild", skip_all, fields(marketplace.id = %marketplace))]
pub(crate) async fn fill(
    deps: &Deps,
    marketplace: &MarketplaceId,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<RebuildReport, PassError> {
    let begun = Instant::now();
    let store_epoch = deps.store.store_epoch(marketplace).await?;
    let leftovers = Leftovers::expected(deps, marketplace, store_epoch).await?;
    let records = AtomicU64::new(0);
    let put = replay(deps, marketplace, store_epoch, &|changes| {
        leftovers.note(changes);
        let count = changes.len() as u64;
        let before = records.fetch_add(count, Ordering::Relaxed);
        progress(Progress::Records(before + count));
    })
    .await?;
    let withdrawn = leftovers.withdraw(deps, marketplace, store_epoch).await?;
    let graph = graph::load(deps, marketplace, progress).await?;
    let took = begun.elapsed();
    Metrics::global().rebuilt(took);
    Ok(RebuildReport {
        records: put.checked,
        newer: put.newer,
        withdrawn,
        graph_records: graph.records,
        generation: graph.generation,
        store_epoch,
        took,
    })
}

/// Says that the cache is whole.
pub(crate) async fn mark(
    deps: &Deps,
    marketplace: &MarketplaceId,
    report: &RebuildReport,
) -> Result<(), PassError> {
    let marker = Marker {
        store_epoch: report.store_epoch,
        at: deps.clock.now(),
    };
    Ok(deps.cache.mark_rebuilt(marketplace, &marker.to_string()).await?)
}
