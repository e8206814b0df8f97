//! From records to a generation on serve.

use std::time::Instant;

use bytes::Bytes;
use tandem_cache::codec::CODEC;
use tandem_cache::port::RecordKey;
use tandem_cache::segment::{SegmentWriter, delete_segment};
use tandem_domain::generation::{BuildStats, Manifest, SegmentRef};
use tandem_runtime::backoff::chain;

use super::compute::{Computed, Under};
use super::{Attempt, BuildOutcome, CacheState};
use crate::error::WorkError;
use crate::metrics::seconds;
use crate::pointer::{Filled, Pointer};
use crate::progress::Phase;
use crate::segment_path;

/// Records put into the cache at once.
const CHUNK: usize = 500;

/// A segment on storage whose records the cache holds, seen by nobody.
pub(super) struct Written {
    /// Of the generation, newest first.
    segments: Vec<SegmentRef>,
    under: Under,
    filled: Filled,
    took: f64,
}

/// Writes the segment file and fills the cache. No reader looks there before a manifest names the segment. An increment
/// that changes nothing has no segment.
pub(super) async fn write(attempt: &Attempt<'_>, computed: Computed) -> Result<Written, WorkError> {
    let begun = Instant::now();
    let Computed {
        records, mut under, ..
    } = computed;
    let mut segments = match &mut under {
        Under::Own(_) => Vec::new(),
        Under::Over { segments, .. } => std::mem::take(segments),
    };
    if !records.is_empty() || segments.is_empty() {
        segments.insert(0, write_file(attempt, &records).await?);
    }
    let filled = fill(attempt, &records).await?;
    Ok(Written {
        segments,
        under,
        filled,
        took: seconds(begun.elapsed()),
    })
}

async fn write_file(attempt: &Attempt<'_>, records: &[(RecordKey, Bytes)]) -> Result<SegmentRef, WorkError> {
    let total = records.len() as u64;
    let path = segment_path::of(attempt.marketplace, attempt.no);
    let mut writer = SegmentWriter::create(&*attempt.deps.segments, attempt.no.0, &path).await?;
    for (done, (key, bytes)) in (0..).zip(records) {
        writer.put(key, bytes).await?;
        if done % CHUNK as u64 == 0 {
            attempt.watcher.at(Phase::Write, done, Some(total));
        }
    }
    let segment = writer.finish().await?;
    attempt.watcher.at(Phase::Write, total, Some(total));
    Ok(segment)
}

async fn fill(attempt: &Attempt<'_>, records: &[(RecordKey, Bytes)]) -> Result<Filled, WorkError> {
    let (cache, marketplace, segment) = (&attempt.deps.cache, attempt.marketplace, attempt.no.0);
    let total = records.len() as u64;
    let filled = Filled::begin(attempt.deps, marketplace).await?;
    // A number comes again when SQL was restored from a backup; nothing of its former life may show through.
    if cache.segments(marketplace).await?.contains(&segment) {
        cache.drop_segment(marketplace, segment).await?;
    }
    let mut done = 0;
    for chunk in records.chunks(CHUNK) {
        attempt.watcher.at(Phase::Publish, done, Some(total));
        cache.put_records(marketplace, segment, chunk).await?;
        done += chunk.len() as u64;
    }
    attempt.watcher.at(Phase::Publish, total, Some(total));
    Ok(filled)
}

/// Puts the generation on serve: in SQL, which decides, then in the cache.
pub(super) async fn publish(
    attempt: &Attempt<'_>,
    written: Written,
    stats: &mut BuildStats,
) -> Result<BuildOutcome, WorkError> {
    let Attempt {
        deps,
        marketplace,
        no,
        hold,
        ..
    } = *attempt;
    stats.publish_seconds = written.took;
    let manifest = Manifest {
        generation: no,
        segments: written.segments,
        codec: CODEC,
    };
    let (store, lease, now) = (&deps.store, hold.lease(), deps.clock.now());
    match &written.under {
        Under::Own(record) => {
            store
                .publish_generation(marketplace, no, &lease, &manifest, stats, record, now)
                .await?;
        }
        Under::Over { generation, .. } => {
            store
                .publish_increment(marketplace, no, &lease, &manifest, stats, *generation, now)
                .await?;
        }
    }
    let pointer = Pointer {
        deps,
        marketplace,
        manifest: &manifest,
        lease_fence: lease.fence,
    };
    let cache = match pointer.publish(written.filled).await {
        Ok(()) => CacheState::Serving,
        Err(error) => {
            tracing::warn!(
                marketplace.id = %marketplace,
                graph.generation = no.0,
                error = chain(&error),
                "published, but the cache does not serve it yet"
            );
            CacheState::Behind(chain(&error))
        }
    };
    Ok(BuildOutcome {
        generation: no,
        manifest,
        stats: stats.clone(),
        cache,
    })
}

/// Removes the file of a generation that is not published.
pub(super) async fn discard(attempt: &Attempt<'_>) {
    let segment = SegmentRef {
        id: attempt.no.0,
        path: segment_path::of(attempt.marketplace, attempt.no),
        checksum: String::new(),
        bytes: 0,
        records: 0,
    };
    if let Err(error) = delete_segment(&*attempt.deps.segments, &segment).await {
        tracing::warn!(
            error = chain(&error),
            "a segment that nobody needs could not be deleted"
        );
    }
}
