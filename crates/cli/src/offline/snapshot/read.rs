//! From the files of a snapshot to the part of a shard.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tandem_domain::id::ProductId;
use tandem_graph::{EpochRecord, Part, PartBuilder, Wanted};

use super::manifest::{EPOCH, Manifest, PRODUCTS, bucket_name};
use super::{bucket, catalogue};

/// A snapshot whose manifest and epoch record were read.
#[derive(Debug)]
pub struct Snapshot {
    folder: PathBuf,
    manifest: Manifest,
    epoch: EpochRecord,
}

impl Snapshot {
    /// Opens the snapshot in `folder`.
    ///
    /// # Errors
    /// When a file is missing, damaged or of another format.
    pub fn open(folder: &Path) -> Result<Self> {
        let manifest = Manifest::read(folder)?;
        let path = folder.join(EPOCH);
        let read = || {
            let file = manifest.epoch.open(&path)?;
            let epoch: EpochRecord = serde_json::from_reader(BufReader::new(file))?;
            epoch.check()?;
            anyhow::Ok(epoch)
        };
        Ok(Self {
            epoch: read().with_context(|| path.display().to_string())?,
            folder: folder.to_owned(),
            manifest,
        })
    }

    /// How many shards it has.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.manifest.shards.len()
    }

    /// The record that rows are computed under.
    #[must_use]
    pub const fn epoch(&self) -> &EpochRecord {
        &self.epoch
    }

    /// What the rows of a shard read, and the ids of all products; `None` where there is no such shard. Nothing but the
    /// catalogue and the bucket is opened.
    ///
    /// # Errors
    /// When a file is missing, damaged or of another format.
    pub fn part(&self, shard: u32) -> Result<Option<(Part, Vec<ProductId>)>> {
        let Some(of) = self.manifest.shards.get(shard as usize) else {
            return Ok(None);
        };
        let path = self.folder.join(PRODUCTS);
        let place = || path.display().to_string();
        let products = catalogue::read(&path, &self.manifest.products).with_context(place)?;
        let ids: Vec<ProductId> = products.iter().map(|product| product.id.clone()).collect();
        let wanted = Wanted::lists(&self.manifest.relations, self.epoch.params());
        let builder = PartBuilder::new(&self.epoch, products, of.first..of.end, wanted);
        let mut builder = builder.with_context(place)?;
        let path = self.folder.join(bucket_name(shard));
        let read = bucket::read(&path, &of.bucket, &mut builder);
        read.with_context(|| path.display().to_string())?;
        Ok(Some((builder.finish(), ids)))
    }
}
