//! A reader that stops a row from growing without end.

use std::io::{self, Read};

/// Passes bytes through until more than `most` came since the last [`Leash::reset`].
pub(super) struct Leash<R> {
    inner: R,
    most: u64,
    since: u64,
}

impl<R> Leash<R> {
    pub(super) fn new(inner: R, most: u64) -> Self {
        Self {
            inner,
            most,
            since: 0,
        }
    }

    /// A row ended.
    pub(super) fn reset(&mut self) {
        self.since = 0;
    }

    /// Whether the row is too long.
    pub(super) fn is_taut(&self) -> bool {
        self.since > self.most
    }
}

impl<R: Read> Read for Leash<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_taut() {
            return Err(io::Error::other("row too long"));
        }
        let read = self.inner.read(into)?;
        self.since += read as u64;
        Ok(read)
    }
}
