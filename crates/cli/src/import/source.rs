//! Opening a file, plain or gzipped, and saying how far it was read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 64 * 1024;

/// A readable file and its progress.
pub struct Source {
    /// The unpacked bytes.
    pub reader: Box<dyn Read + Send>,
    /// Bytes of the file as it lies on disk.
    pub total_bytes: u64,
    /// How far it was read.
    pub progress: Progress,
}

/// Bytes of the file on disk that were read; clones see the same count.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Bytes read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// So many bytes of the file were read by now.
    pub(super) fn reached(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

struct Counted<R> {
    inner: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.progress.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens `path`; gzip is told by its first bytes, not by the name.
///
/// # Errors
/// What the operating system says.
pub fn open(path: &Path) -> io::Result<Source> {
    let file = File::open(path)?;
    let total_bytes = file.metadata()?.len();
    let progress = Progress::default();
    let counted = Counted {
        inner: file,
        progress: progress.clone(),
    };
    Ok(Source {
        reader: unpack(counted)?,
        total_bytes,
        progress,
    })
}

/// Unpacks `input` if it starts as gzip does, else passes it through.
///
/// # Errors
/// When the first bytes cannot be read.
pub fn unpack<'a>(input: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut buffered = BufReader::with_capacity(BUFFER_BYTES, input);
    if buffered.fill_buf()?.starts_with(&GZIP_MAGIC) {
        Ok(Box::new(MultiGzDecoder::new(buffered)))
    } else {
        Ok(Box::new(buffered))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn gzip_is_told_by_its_bytes_and_progress_counts_the_packed_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plainly-named.csv");
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"id,title\n1,One\n").unwrap();
        std::fs::write(&path, packer.finish().unwrap()).unwrap();

        let mut source = open(&path).unwrap();
        let mut text = String::new();
        source.reader.read_to_string(&mut text).unwrap();

        assert_eq!(text, "id,title\n1,One\n");
        assert_eq!(source.progress.bytes(), source.total_bytes);
    }

    #[test]
    fn an_empty_file_is_plain() {
        let mut text = String::new();
        unpack(&b""[..]).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "");
    }
}
