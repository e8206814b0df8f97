//! From facts to the files of a snapshot.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;
use serde::Serialize;
use tandem_domain::relation::Relation;
use tandem_graph::{EpochRecord, Facts};

use super::manifest::{EPOCH, FORMAT, MANIFEST, Manifest, PRODUCTS, Seal, Sealing, Shard, bucket_name};
use super::{bucket, catalogue};

/// Writes a snapshot of `facts` under `epoch` in so many shards, on the current rayon pool. The folder appears under its
/// name once it is whole. `relations` are those that the facts were gathered for.
///
/// # Errors
/// When something is there already, or the file system says so; nothing is there then.
pub fn write(
    folder: &Path,
    facts: &Facts,
    epoch: &EpochRecord,
    relations: &[Relation],
    shards: u32,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Manifest> {
    let place = || folder.display().to_string();
    check_free(folder).with_context(place)?;
    let draft = draft(folder).with_context(place)?;
    let stretches = facts.stretches(shards);
    let write_bucket = |(number, stretch): (usize, &std::ops::Range<u32>)| {
        let name = bucket_name(u32::try_from(number)?);
        let bucket = bucket::write(&draft.path().join(name), facts, stretch)?;
        progress(u64::from(stretch.end - stretch.start));
        anyhow::Ok(Shard {
            first: stretch.start,
            end: stretch.end,
            bucket,
        })
    };
    let shards = stretches.par_iter().enumerate().map(write_bucket);
    let manifest = Manifest {
        format: FORMAT,
        relations: relations.to_vec(),
        shards: shards.collect::<Result<_>>().with_context(place)?,
        epoch: json(&draft.path().join(EPOCH), epoch).with_context(place)?,
        products: catalogue::write(&draft.path().join(PRODUCTS), facts).with_context(place)?,
    };
    json(&draft.path().join(MANIFEST), &manifest).with_context(place)?;
    std::fs::rename(draft.path(), folder).with_context(place)?;
    // It has its own name now: nothing is left to clear away.
    let _ = draft.keep();
    Ok(manifest)
}

/// Nothing of anybody's is written over.
fn check_free(folder: &Path) -> Result<()> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            ensure!(
                entries.next().is_none(),
                "there is something already; a snapshot needs a folder of its own"
            );
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A folder beside the one to come.
fn draft(folder: &Path) -> std::io::Result<tempfile::TempDir> {
    let above = match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tandem-snapshot-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    builder.tempdir_in(above)
}

fn json(path: &Path, value: &impl Serialize) -> Result<Seal> {
    let mut out = Sealing::new(BufWriter::new(File::create(path)?));
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")?;
    Ok(out.seal()?)
}
