//! From facts with later events to the records that change.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;
use tandem_cache::codec::{encode_bestsellers, encode_touched};
use tandem_cache::port::RecordKey;
use tandem_domain::edge::AnchorEdges;
use tandem_domain::generation::{BuildStats, Manifest};
use tandem_domain::id::ProductId;
use tandem_graph::Facts;
use tokio::task::spawn_blocking;

use super::base::Base;
use super::compute::{Computed, Under};
use super::earlier::{Earlier, Tally};
use crate::deps::Deps;
use crate::error::WorkError;
use crate::progress::{Phase, Watcher};

/// Rows computed anew, encoded.
struct Rows {
    /// The records of every touched row, side by side.
    rows: Vec<Vec<(RecordKey, Bytes)>>,
    bestsellers: Vec<(RecordKey, Bytes)>,
    stats: tandem_graph::BuildStats,
    row_pairs: u64,
}

/// Computes the rows that later events touch and keeps what differs from the records on serve. Once there are as many
/// deltas as readers take, the new one takes them in.
pub(super) async fn compute(
    facts: Arc<Facts>,
    base: &Base,
    deps: &Deps,
    watcher: &Watcher,
) -> Result<Computed, WorkError> {
    let record = Arc::clone(&base.record);
    let progress = watcher.clone();
    let computed = spawn_blocking(move || {
        progress.at(Phase::Count, 1, Some(1));
        let computed = tandem_graph::increment(&facts, &record, &|step| {
            progress.at(Phase::Score, step.done, Some(step.total));
        });
        Rows {
            rows: computed.rows.par_iter().map(encode_touched).collect(),
            bestsellers: computed
                .bestsellers
                .into_iter()
                .map(|best| {
                    let bytes = encode_bestsellers(&best.products);
                    (RecordKey::Bestsellers(best.category), bytes)
                })
                .collect(),
            stats: computed.stats,
            row_pairs: computed.touched_pairs,
        }
    });
    let computed = computed.await.map_err(|_| WorkError::Panicked)?;
    let wanted: HashSet<&RecordKey> = computed
        .rows
        .iter()
        .flatten()
        .chain(&computed.bestsellers)
        .map(|(key, _)| key)
        .collect();
    let folds = base.manifest.deltas().len() >= Manifest::MOST_DELTAS;
    let mut earlier = Earlier::read(deps, &base.manifest, &wanted, folds).await?;
    let counts = count(&base.serving.stats, &computed, &earlier)?;
    let empty = encode_touched(&nothing());
    let changed = computed.rows.into_iter().filter(|row| {
        row.iter()
            .zip(&empty)
            .any(|(new, empty)| earlier.differs(new, &empty.1))
    });
    let mut rows = 0;
    let mut records: Vec<(RecordKey, Bytes)> = changed.inspect(|_| rows += 1).flatten().collect();
    let none = encode_bestsellers(&[]);
    records.extend(
        computed
            .bestsellers
            .into_iter()
            .filter(|new| earlier.differs(new, &none)),
    );
    let mut below = base.manifest.segments.clone();
    if folds {
        earlier.complete(&mut records);
        below.drain(..base.manifest.deltas().len());
    }
    records.par_sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Computed {
        records,
        under: Under::Over {
            generation: base.serving.no,
            segments: below,
        },
        counts: BuildStats {
            changed_rows: rows,
            ..counts
        },
    })
}

/// The counts of the whole generation: those on serve, less those of the touched rows as they stood, and those that they
/// have now.
fn count(serving: &BuildStats, computed: &Rows, earlier: &Earlier) -> Result<BuildStats, WorkError> {
    let mut stood = Tally::default();
    for (key, _) in computed.rows.iter().flatten() {
        stood.add(key, earlier.get(key))?;
    }
    let now = &computed.stats;
    let moved = |serving: u64, stood: u64, now: u64| serving.saturating_sub(stood) + now;
    Ok(BuildStats {
        anchors: moved(serving.anchors, stood.anchors, now.anchors),
        edges: moved(serving.edges, stood.edges, now.edges),
        bundles: moved(serving.bundles, stood.bundles, now.bundles),
        pairs: now.pairs,
        rows: computed.rows.len() as u64,
        row_pairs: computed.row_pairs,
        rules_version: serving.rules_version,
        ..BuildStats::default()
    })
}

/// A row with nothing in it: its records hold no id, so they are those of any empty row.
fn nothing() -> AnchorEdges {
    AnchorEdges {
        anchor: ProductId::new("nobody").expect("a plain word is an id"),
        lists: Vec::new(),
        feedback: std::collections::BTreeMap::new(),
        paces: std::collections::BTreeMap::new(),
        bundles: Vec::new(),
    }
}
