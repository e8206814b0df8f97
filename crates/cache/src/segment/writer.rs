//! Writing a segment.

use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, WriteMultipart};
use tandem_domain::generation::SegmentRef;

use super::broken;
use super::format::{self, Counts};
use crate::port::{RecordKey, Result};

/// Bytes collected before they are handed to the storage.
const FLUSH_AT: usize = 1 << 20;
/// Parts on their way at once; more is memory without speed.
const PARTS: usize = 4;

/// A segment being written. The file appears under its path only with [`SegmentWriter::finish`]; a writer that is
/// dropped leaves nothing that a reader would see.
#[derive(Debug)]
pub struct SegmentWriter {
    id: u64,
    path: String,
    upload: WriteMultipart,
    buffer: BytesMut,
    hasher: blake3::Hasher,
    written: u64,
    counts: Counts,
}

impl SegmentWriter {
    /// Begins segment `id` at `path` under the store's root. A file that stands there is replaced at the end.
    ///
    /// # Errors
    /// [`CacheError::Segment`](crate::error::CacheError::Segment) when the path is no path or storage fails.
    pub async fn create(store: &dyn ObjectStore, id: u64, path: &str) -> Result<Self> {
        let place = Path::parse(path).map_err(|error| broken(path, error))?;
        let upload = store.put_multipart(&place).await;
        let upload = upload.map_err(|error| broken(path, error))?;
        let mut buffer = BytesMut::with_capacity(FLUSH_AT * 2);
        format::put_header(&mut buffer);
        Ok(Self {
            id,
            path: path.to_owned(),
            upload: WriteMultipart::new(upload),
            buffer,
            hasher: blake3::Hasher::new(),
            written: 0,
            counts: Counts::default(),
        })
    }

    /// Appends a record.
    ///
    /// # Errors
    /// [`CacheError::Segment`](crate::error::CacheError::Segment) when storage fails or the record is longer than 16 MiB.
    pub async fn put(&mut self, key: &RecordKey, bytes: &[u8]) -> Result<()> {
        format::put_record(&mut self.buffer, key, bytes)
            .ok_or_else(|| broken(&self.path, format!("{key:?} has {} bytes", bytes.len())))?;
        self.counts.add(key);
        if self.buffer.len() >= FLUSH_AT {
            self.flush();
            let sent = self.upload.wait_for_capacity(PARTS).await;
            sent.map_err(|error| broken(&self.path, error))?;
        }
        Ok(())
    }

    /// Ends the file and makes it visible.
    ///
    /// # Errors
    /// [`CacheError::Segment`](crate::error::CacheError::Segment) when storage fails.
    pub async fn finish(mut self) -> Result<SegmentRef> {
        format::put_footer(&mut self.buffer, self.counts);
        self.flush();
        let finished = self.upload.finish().await;
        finished.map_err(|error| broken(&self.path, error))?;
        Ok(SegmentRef {
            id: self.id,
            path: self.path,
            checksum: self.hasher.finalize().to_hex().to_string(),
            bytes: self.written,
            records: self.counts.total(),
        })
    }

    fn flush(&mut self) {
        let piece = self.buffer.split().freeze();
        self.hasher.update(&piece);
        self.written += piece.len() as u64;
        self.upload.put(piece);
    }
}

/// Writes segment `id` to `path` under the store's root, in one step for whoever reads there.
///
/// # Errors
/// [`CacheError::Segment`](crate::error::CacheError::Segment) when storage fails; nothing is visible then.
pub async fn write_segment(
    store: &dyn ObjectStore,
    id: u64,
    path: &str,
    records: impl IntoIterator<Item = (RecordKey, Bytes)>,
) -> Result<SegmentRef> {
    let mut writer = SegmentWriter::create(store, id, path).await?;
    for (key, bytes) in records {
        writer.put(&key, &bytes).await?;
    }
    writer.finish().await
}
