//! Reading a segment: once to verify it, then once to use it, in windows that bound the memory.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _, try_unfold};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tandem_domain::generation::SegmentRef;

use super::broken;
use super::scan::Scan;
use crate::error::CacheError;
use crate::port::{RecordKey, Result};

/// Bytes read at once.
const WINDOW: u64 = 1 << 20;
/// Records handed on at once, at most.
const BATCH: usize = 500;

/// Records of a segment in the order of the file.
pub type Batch = Vec<(RecordKey, Bytes)>;

/// Verifies a segment, then streams it in batches of at most 500 records.
///
/// # Errors
/// [`CacheError::Segment`] before anything is handed out when the file is missing or is not the one that `segment`
/// describes.
pub async fn read_segment<'a>(
    store: &'a dyn ObjectStore,
    segment: &'a SegmentRef,
) -> Result<BoxStream<'a, Result<Batch>>> {
    let file = File::new(store, segment)?;
    file.verify().await?;
    let reading = Reading {
        file,
        at: 0,
        scan: Scan::default(),
    };
    Ok(try_unfold(reading, Reading::batch).boxed())
}

struct File<'a> {
    store: &'a dyn ObjectStore,
    segment: &'a SegmentRef,
    path: Path,
}

impl<'a> File<'a> {
    fn new(store: &'a dyn ObjectStore, segment: &'a SegmentRef) -> Result<Self> {
        let path = Path::parse(&segment.path).map_err(|error| broken(&segment.path, error))?;
        Ok(Self { store, segment, path })
    }

    fn broken(&self, why: impl std::fmt::Display) -> CacheError {
        broken(&self.segment.path, why)
    }

    async fn verify(&self) -> Result<()> {
        let size = self.store.head(&self.path).await;
        let size = size.map_err(|error| self.broken(error))?.size;
        if size != self.segment.bytes {
            let expected = self.segment.bytes;
            return Err(self.broken(format!("it has {size} bytes instead of {expected}")));
        }
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        while at < size {
            let window = self.window(at).await?;
            hasher.update(&window);
            at += window.len() as u64;
        }
        if hasher.finalize().to_hex().as_str() != self.segment.checksum {
            return Err(self.broken("its checksum is wrong"));
        }
        Ok(())
    }

    async fn window(&self, at: u64) -> Result<Bytes> {
        let range: Range<u64> = at..self.segment.bytes.min(at + WINDOW);
        let bytes = self.store.get_range(&self.path, range).await;
        let bytes = bytes.map_err(|error| self.broken(error))?;
        if bytes.is_empty() {
            return Err(self.broken("it became shorter while it was read"));
        }
        Ok(bytes)
    }
}

struct Reading<'a> {
    file: File<'a>,
    at: u64,
    scan: Scan,
}

impl Reading<'_> {
    /// The next records; `None` at the end of the file.
    async fn batch(mut self) -> Result<Option<(Batch, Self)>> {
        let mut batch = Vec::new();
        loop {
            while let Some(record) = self.record()? {
                batch.push(record);
                if batch.len() == BATCH {
                    return Ok(Some((batch, self)));
                }
            }
            // A window's records leave before the next one is read, so that memory stays at a window or a record.
            if !batch.is_empty() {
                return Ok(Some((batch, self)));
            }
            if self.at >= self.file.segment.bytes {
                return self.finish().map(|()| None);
            }
            let window = self.file.window(self.at).await?;
            self.at += window.len() as u64;
            self.scan.feed(&window);
        }
    }

    fn record(&mut self) -> Result<Option<(RecordKey, Bytes)>> {
        self.scan.record().map_err(|why| self.file.broken(why))
    }

    fn finish(self) -> Result<()> {
        let records = self.scan.finish().map_err(|why| self.file.broken(why))?;
        let expected = self.file.segment.records;
        if records != expected {
            return Err(self
                .file
                .broken(format!("it holds {records} records instead of {expected}")));
        }
        Ok(())
    }
}
