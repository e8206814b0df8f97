//! Deleting what no generation needs any more: manifests in SQL, files, records in the cache.
//!
//! State decides: each part is found by looking, so that a sweep that died leaves nothing behind that the next one
//! does not find.

use std::collections::BTreeSet;

use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use tandem_cache::error::CacheError;
use tandem_cache::segment::delete_segment;
use tandem_domain::generation::{Generation, GenerationNo, GenerationState, SegmentRef};
use tandem_domain::id::MarketplaceId;

use crate::deps::Deps;
use crate::error::WorkError;
use crate::segment_path;

/// Generations looked at for the one that was on serve before, newest first.
const LOOK_BACK: u32 = 200;

/// What a sweep deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Segment files.
    pub files: u64,
    /// Segments dropped from the cache.
    pub cached: u64,
}

/// Forgets generations beyond the configured number, deletes files that no manifest names and drops segments from the
/// cache that neither the generation on serve nor the one before it needs.
///
/// # Errors
/// When SQL, storage or the cache fails; the next sweep goes on.
pub async fn sweep(deps: &Deps, marketplace: &MarketplaceId) -> Result<Swept, WorkError> {
    deps.store
        .retire_generations(marketplace, deps.settings.build.keep)
        .await?;
    let known = Known::look(deps, marketplace).await?;
    Ok(Swept {
        files: files(deps, marketplace, &known).await?,
        cached: cached(deps, marketplace, &known).await?,
    })
}

struct Known {
    serving: Option<Generation>,
    newest: Vec<Generation>,
    /// Segments that a manifest names.
    named: BTreeSet<u64>,
}

impl Known {
    async fn look(deps: &Deps, marketplace: &MarketplaceId) -> Result<Self, WorkError> {
        // In this order: what is published in between is among the newest.
        let serving = deps.store.serving_generation(marketplace).await?;
        let newest = deps.store.generations(marketplace, None, LOOK_BACK).await?;
        let named = deps.store.segments(marketplace).await?;
        Ok(Self {
            serving,
            newest,
            named: named.iter().map(|segment| segment.id).collect(),
        })
    }

    /// Segments that gateways may be reading: a request holds the manifest that it began with.
    fn read(&self) -> BTreeSet<u64> {
        let serving = self.serving.as_ref().map(|serving| serving.no);
        let before = self
            .newest
            .iter()
            .filter(|other| Some(other.no) != serving && other.manifest.is_some());
        let before = before.max_by_key(|other| other.published);
        self.serving.iter().chain(before).flat_map(segment_ids).collect()
    }
}

fn segment_ids(generation: &Generation) -> impl Iterator<Item = u64> {
    generation
        .manifest
        .iter()
        .flat_map(|manifest| &manifest.segments)
        .map(|segment| segment.id)
}

async fn files(deps: &Deps, marketplace: &MarketplaceId, known: &Known) -> Result<u64, WorkError> {
    let folder = segment_path::folder(marketplace);
    let found: Vec<_> = deps
        .segments
        .list(Some(&folder))
        .try_collect()
        .await
        .map_err(|error| unreadable(&folder, &error))?;
    let mut deleted = 0;
    for file in found {
        let Some(no) = segment_path::generation(&file.location) else {
            continue;
        };
        if known.named.contains(&no.0) || is_needed(deps, marketplace, no).await? {
            continue;
        }
        let segment = SegmentRef {
            id: no.0,
            path: file.location.to_string(),
            checksum: String::new(),
            bytes: file.size,
            records: 0,
        };
        delete_segment(&*deps.segments, &segment).await?;
        deleted += 1;
    }
    Ok(deleted)
}

async fn cached(deps: &Deps, marketplace: &MarketplaceId, known: &Known) -> Result<u64, WorkError> {
    let read = known.read();
    let mut dropped = 0;
    for segment in deps.cache.segments(marketplace).await? {
        if read.contains(&segment) || is_building(deps, marketplace, GenerationNo(segment)).await? {
            continue;
        }
        deps.cache.drop_segment(marketplace, segment).await?;
        dropped += 1;
    }
    Ok(dropped)
}

async fn is_needed(deps: &Deps, marketplace: &MarketplaceId, no: GenerationNo) -> Result<bool, WorkError> {
    let generation = deps.store.generation(marketplace, no).await?;
    Ok(generation.is_some_and(|it| it.state == GenerationState::Building || it.manifest.is_some()))
}

async fn is_building(deps: &Deps, marketplace: &MarketplaceId, no: GenerationNo) -> Result<bool, WorkError> {
    let generation = deps.store.generation(marketplace, no).await?;
    Ok(generation.is_some_and(|it| it.state == GenerationState::Building))
}

fn unreadable(folder: &object_store::path::Path, error: &object_store::Error) -> WorkError {
    WorkError::Cache(CacheError::Segment {
        path: folder.to_string(),
        why: error.to_string(),
    })
}
