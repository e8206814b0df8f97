//! Taking records out of a file that arrives in pieces.

use bytes::{Buf as _, Bytes, BytesMut};

use super::format::{self, Counts, END, FOOTER_BYTES, FORMAT, HEADER_BYTES, MAGIC, MAX_RECORD_BYTES};
use crate::port::RecordKey;

/// What is wrong with a file, in words.
pub(super) type Fault = String;

/// A file being read.
#[derive(Default)]
pub(super) struct Scan {
    buffer: BytesMut,
    begun: bool,
    ended: bool,
    found: Counts,
}

impl Scan {
    /// Takes the next piece of the file.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The next record; `None` when more of the file is needed or its footer was reached.
    pub(super) fn record(&mut self) -> Result<Option<(RecordKey, Bytes)>, Fault> {
        if !self.begun && !self.header()? {
            return Ok(None);
        }
        if self.ended && !self.buffer.is_empty() {
            return Err("it goes on behind its footer".to_owned());
        }
        match self.buffer.first() {
            None => Ok(None),
            Some(&END) => self.footer().map(|()| None),
            Some(_) => self.next(),
        }
    }

    /// Records found; an error while the file is not at its end.
    pub(super) fn finish(self) -> Result<u64, Fault> {
        if !self.ended || !self.buffer.is_empty() {
            return Err("it does not end with a footer".to_owned());
        }
        Ok(self.found.total())
    }

    fn header(&mut self) -> Result<bool, Fault> {
        if self.buffer.len() < HEADER_BYTES {
            return Ok(false);
        }
        if !self.buffer.starts_with(MAGIC) {
            return Err("it is no segment file".to_owned());
        }
        match self.buffer[MAGIC.len()] {
            FORMAT => {}
            other => {
                return Err(format!(
                    "format {other} is not {FORMAT}, the one this build reads"
                ));
            }
        }
        self.buffer.advance(HEADER_BYTES);
        self.begun = true;
        Ok(true)
    }

    fn footer(&mut self) -> Result<(), Fault> {
        let Some(footer) = self.buffer.first_chunk::<FOOTER_BYTES>() else {
            return Ok(());
        };
        if Counts::from_footer(footer) != self.found {
            return Err("its footer counts other records than it holds".to_owned());
        }
        self.buffer.advance(FOOTER_BYTES);
        self.ended = true;
        Ok(())
    }

    fn next(&mut self) -> Result<Option<(RecordKey, Bytes)>, Fault> {
        let &[kind, id_bytes, ..] = &self.buffer[..] else {
            return Ok(None);
        };
        let head = 2 + usize::from(id_bytes) + 4;
        let Some(&length) = self
            .buffer
            .get(head - 4..)
            .and_then(|rest| rest.first_chunk::<4>())
        else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_RECORD_BYTES {
            return Err(format!("a record claims {length} bytes"));
        }
        if self.buffer.len() < head + length {
            return Ok(None);
        }
        let id = std::str::from_utf8(&self.buffer[2..head - 4]).map_err(|error| error.to_string())?;
        let key = format::key(kind, id).ok_or_else(|| format!("a record is of kind {kind}"))?;
        let key = key.map_err(|why| format!("an id {why}"))?;
        self.found.add(&key);
        self.buffer.advance(head);
        Ok(Some((key, self.buffer.split_to(length).freeze())))
    }
}
