//! Rows into a file of edges.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tandem_domain::id::ProductId;
use tandem_graph::{EpochRecord, Facts, Part, Progress};

use crate::offline::edges::{Edges, Format, Names, Part as Stretch};
use crate::{output, progress};

/// What rows are computed from.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// All of them.
    Facts(&'a Facts),
    /// Those of a shard.
    Part(&'a Part),
}

impl Rows<'_> {
    fn count(self) -> u64 {
        match self {
            Self::Facts(facts) => facts.stats().products,
            Self::Part(part) => part.rows().into(),
        }
    }
}

/// Computes and writes part by part, into a file beside `out` that takes its name once it is whole; how many edges.
pub(super) fn write(out: &Path, rows: Rows<'_>, ids: &[ProductId], epoch: &EpochRecord) -> Result<u64> {
    let place = || out.display().to_string();
    let format = Format::of(out);
    let mut file = output::whole_file(out).with_context(place)?;
    let edges = Mutex::new(Edges::begin(&mut file, format).with_context(place)?);
    let bar = progress::bar(rows.count(), "building");
    let written = AtomicU64::new(0);
    let names = Names::of(ids, format);
    let take = |number: usize, part: Stretch<'_>, progress: Progress| {
        written.fetch_add(part.edges, Ordering::Relaxed);
        bar.set_position(progress.done);
        let packed = part.pack();
        lock(&edges).put(number, packed)
    };
    let sheet = || names.part(lock(&edges).buffer());
    let built = match rows {
        Rows::Facts(facts) => tandem_graph::build_parts(facts, epoch, sheet, take),
        Rows::Part(part) => part.build(epoch, sheet, take),
    };
    built.with_context(place)?;
    bar.finish_and_clear();
    let edges = edges.into_inner().unwrap_or_else(PoisonError::into_inner);
    edges.end().with_context(place)?;
    file.persist(out)
        .map_err(|error| error.error)
        .with_context(place)?;
    Ok(written.into_inner())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
