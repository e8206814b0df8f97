//! `snapshot.json`: what a snapshot consists of.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tandem_domain::relation::Relation;

/// The format that this build writes and reads.
pub const FORMAT: u32 = 1;

/// Name of the manifest in the snapshot's folder.
pub(super) const MANIFEST: &str = "snapshot.json";
/// Name of the epoch record.
pub(super) const EPOCH: &str = "epoch.json";
/// Name of the catalogue.
pub(super) const PRODUCTS: &str = "products.parquet";

/// Name of a shard's bucket.
pub(super) fn bucket_name(shard: u32) -> String {
    format!("shard-{shard:05}.parquet")
}

/// The parts of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// What the facts were gathered for, and is to be built.
    pub relations: Vec<Relation>,
    /// `epoch.json`.
    pub epoch: Seal,
    /// `products.parquet`.
    pub products: Seal,
    /// The buckets, by number.
    pub shards: Vec<Shard>,
}

/// A bucket and the products whose rows it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// The first product.
    pub first: u32,
    /// One more than the last one.
    pub end: u32,
    /// Its file.
    pub bucket: Seal,
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Length in bytes.
    pub bytes: u64,
    /// BLAKE3, as `b3sum` prints it.
    pub blake3: String,
}

/// The one field that every format has.
#[derive(Deserialize)]
struct Formatted {
    format: u32,
}

impl Manifest {
    /// Reads the manifest of the snapshot in `folder`.
    ///
    /// # Errors
    /// When there is none, or it is damaged or of another format.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let place = || path.display().to_string();
        let text = std::fs::read_to_string(&path).with_context(place)?;
        let Formatted { format } = serde_json::from_str(&text).with_context(place)?;
        check_format(format).with_context(place)?;
        serde_json::from_str(&text).with_context(place)
    }
}

/// Whether this build reads a format.
pub(super) fn check_format(format: u32) -> Result<()> {
    ensure!(
        format == FORMAT,
        "format {format} is not {FORMAT}, the one that this build reads"
    );
    Ok(())
}

impl Seal {
    /// Opens the file at `path`, if it is the one that was sealed.
    ///
    /// # Errors
    /// When it cannot be read, or is another one.
    pub(super) fn open(&self, path: &Path) -> Result<File> {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        ensure!(
            bytes == self.bytes,
            "damaged: it has {bytes} bytes instead of {}",
            self.bytes
        );
        let mut hasher = blake3::Hasher::new();
        let mut window = vec![0; 1 << 16];
        loop {
            match file.read(&mut window)? {
                0 => break,
                read => hasher.update(&window[..read]),
            };
        }
        ensure!(
            *hasher.finalize().to_hex() == *self.blake3,
            "damaged, or of another snapshot: its checksum is not that of {MANIFEST}"
        );
        Ok(File::open(path)?)
    }
}

/// Writes through, and seals what was written.
pub(super) struct Sealing<W> {
    out: W,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<W: Write> Sealing<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            hasher: blake3::Hasher::new(),
            bytes: 0,
        }
    }

    /// Hands on what is still buffered, and says what was written.
    pub(super) fn seal(mut self) -> io::Result<Seal> {
        self.out.flush()?;
        Ok(Seal {
            bytes: self.bytes,
            blake3: self.hasher.finalize().to_hex().to_string(),
        })
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
