//! From facts to records, on threads of their own.

use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;
use tandem_cache::codec::{encode_anchor, encode_bestsellers};
use tandem_cache::port::RecordKey;
use tandem_domain::generation::{BuildStats, GenerationNo, SegmentRef};
use tandem_domain::pace::Selling;
use tandem_graph::{EpochRecord, Facts, Feedback, Params, bestsellers};
use tandem_store::RuleBook;
use tokio::task::spawn_blocking;

use crate::config::BuildConfig;
use crate::error::WorkError;
use crate::progress::{Phase, Watcher};

/// A computed graph, encoded.
pub(super) struct Computed {
    /// Every record, in the order of their keys.
    pub(super) records: Vec<(RecordKey, Bytes)>,
    /// What later increments are computed under.
    pub(super) under: Under,
    /// How much was learned: everything but events, times and memory.
    pub(super) counts: BuildStats,
}

/// What rows were computed under.
pub(super) enum Under {
    /// An epoch record of their own.
    Own(serde_json::Value),
    /// That of the generation on serve, over whose segments, newest first, the records lie.
    Over {
        generation: GenerationNo,
        segments: Vec<SegmentRef>,
    },
}

/// What an epoch freezes besides facts.
pub(super) struct Told {
    /// What shoppers made of lists.
    pub(super) feedback: Feedback,
    /// How products sell.
    pub(super) selling: Vec<Selling>,
    /// What operators and merchants say of categories.
    pub(super) rules: RuleBook,
}

/// Fits the scores to the facts where the configuration says so, freezes the epoch and computes every row. The same facts
/// make the same bytes.
///
/// Parameters are those of the configured file, or the defaults where it names none, under the rules of SQL; fitting starts
/// from there.
pub(super) async fn compute(
    facts: Arc<Facts>,
    told: Told,
    config: &BuildConfig,
    watcher: &Watcher,
) -> Result<Computed, WorkError> {
    let (watcher, fit) = (
        watcher.clone(),
        if config.tune {
            EpochRecord::tuned
        } else {
            EpochRecord::freeze
        },
    );
    let params = config.params.clone();
    let computed = spawn_blocking(move || blocking(&facts, told, params, fit, &watcher)).await;
    computed.map_err(|_| WorkError::Panicked)?
}

fn blocking(
    facts: &Facts,
    told: Told,
    params: Params,
    fit: fn(&Facts, &Params) -> EpochRecord,
    watcher: &Watcher,
) -> Result<Computed, WorkError> {
    let rules_version = told.rules.version;
    let epoch = fit(facts, &params.with_rules(told.rules.rules));
    let epoch = epoch
        .with_feedback(&told.feedback)
        .with_selling(facts, &told.selling);
    watcher.at(Phase::Count, 1, Some(1));
    let built = tandem_graph::build(facts, &epoch, &|progress| {
        watcher.at(Phase::Score, progress.done, Some(progress.total));
    });
    let total = built.anchors.len() as u64;
    watcher.at(Phase::Write, 0, Some(total));
    let mut records: Vec<(RecordKey, Bytes)> =
        built.anchors.par_iter().flat_map_iter(encode_anchor).collect();
    records.extend(bestsellers(facts, &epoch).into_iter().map(|best| {
        (
            RecordKey::Bestsellers(best.category),
            encode_bestsellers(&best.products),
        )
    }));
    records.par_sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let built = built.stats;
    Ok(Computed {
        records,
        under: Under::Own(serde_json::to_value(&epoch)?),
        counts: BuildStats {
            anchors: built.anchors,
            edges: built.edges,
            bundles: built.bundles,
            pairs: built.pairs,
            rows: facts.stats().products,
            row_pairs: built.pairs,
            changed_rows: built.anchors,
            rules_version,
            ..BuildStats::default()
        },
    })
}
