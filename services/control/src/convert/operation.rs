//! Generations and jobs.

use tandem_domain::generation::{BuildStats, Generation, GenerationKind, GenerationState};
use tandem_domain::pair::{PairCounts, PairPlace, PairReport, PairVerdict};
use tandem_proto::v1 as pb;
use tandem_store::{DeadLetter, Job, JobState};

use super::pair::categories;
use super::time;

/// A generation without its epoch record.
pub(crate) fn generation(generation: Generation) -> pb::Generation {
    pb::Generation {
        generation: generation.no.0,
        kind: kind(generation.kind).into(),
        state: state(generation.state).into(),
        serving: generation.serving,
        watermark: generation.watermark,
        stats: Some(stats(&generation.stats)),
        message: generation.message,
        create_time: Some(time(generation.created)),
        publish_time: generation.published.map(time),
        epoch_record_json: String::new(),
    }
}

pub(crate) fn job(job: Job) -> pb::Job {
    pb::Job {
        job_id: job.id.into(),
        state: job_state(job.state).into(),
        generation: job.generation.map_or(0, |no| no.0),
        message: job.message,
        create_time: Some(time(job.created)),
        pair: pair(&job.report),
    }
}

/// What a job found, as it stands in SQL.
fn pair(report: &str) -> Option<pb::PairReport> {
    if report.is_empty() {
        return None;
    }
    match serde_json::from_str::<PairReport>(report) {
        Ok(report) => Some(pb::PairReport {
            product_id: report.anchor.into(),
            companion_product_id: report.companion.into(),
            counts: report.counts.iter().map(counts).collect(),
            places: report.places.iter().map(place).collect(),
            categories: report.categories.map(categories),
        }),
        Err(error) => {
            tracing::warn!(%error, "the report of a job is of another version: it is left out");
            None
        }
    }
}

fn counts(counts: &PairCounts) -> pb::PairCounts {
    let evidence = &counts.evidence;
    let verdict = match counts.verdict {
        PairVerdict::Passes => pb::pair_counts::Verdict::Passes,
        PairVerdict::Rare => pb::pair_counts::Verdict::Rare,
        PairVerdict::Chance => pb::pair_counts::Verdict::Chance,
    };
    pb::PairCounts {
        evidence: Some(pb::Evidence {
            signal: i32::from(evidence.signal.code()),
            support: evidence.support,
            anchor_count: evidence.anchor_count,
            companion_count: evidence.companion_count,
            total: evidence.total,
            lift: evidence.lift,
            llr: evidence.llr,
            window_days: evidence.window_days,
            text: evidence.words(),
        }),
        verdict: verdict.into(),
    }
}

fn place(place: &PairPlace) -> pb::PairPlace {
    pb::PairPlace {
        relation: i32::from(place.relation.code()),
        rank: place.rank,
        score: place.score,
        length: place.length,
        cut_off: place.cut_off,
    }
}

/// A dead letter without its change.
pub(crate) fn dead_letter(dead: &DeadLetter) -> pb::DeadLetter {
    pb::DeadLetter {
        dead_letter_id: dead.id,
        subject: dead.subject(),
        reason: dead.letter.reason.clone(),
        attempts: dead.letter.attempts,
        create_time: Some(time(dead.created)),
        store_epoch: dead.letter.store_epoch,
        change_json: String::new(),
    }
}

fn kind(kind: GenerationKind) -> pb::generation::Kind {
    match kind {
        GenerationKind::Epoch => pb::generation::Kind::Epoch,
        GenerationKind::Increment => pb::generation::Kind::Increment,
    }
}

fn state(state: GenerationState) -> pb::generation::State {
    match state {
        GenerationState::Building => pb::generation::State::Building,
        GenerationState::Published => pb::generation::State::Published,
        GenerationState::Refused => pb::generation::State::Refused,
        GenerationState::Failed => pb::generation::State::Failed,
    }
}

fn job_state(state: JobState) -> pb::job::State {
    match state {
        JobState::Queued => pb::job::State::Queued,
        JobState::Running => pb::job::State::Running,
        JobState::Succeeded => pb::job::State::Succeeded,
        JobState::Failed => pb::job::State::Failed,
    }
}

fn stats(stats: &BuildStats) -> pb::BuildStats {
    pb::BuildStats {
        events: stats.events,
        baskets: stats.baskets,
        products: stats.products,
        anchors: stats.anchors,
        edges: stats.edges,
        bundles: stats.bundles,
        pairs: stats.pairs,
        read_seconds: stats.read_seconds,
        compute_seconds: stats.compute_seconds,
        publish_seconds: stats.publish_seconds,
        peak_rss_bytes: stats.peak_rss_bytes,
        rows: stats.rows,
        row_pairs: stats.row_pairs,
        changed_rows: stats.changed_rows,
        rules_version: stats.rules_version,
    }
}
