//! A file as stretches of whole rows, so that several threads can read it.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memrchr};

/// Bytes that are handed out at once: so few that they stay near while they are read.
const CHUNK_BYTES: usize = 1 << 18;
/// The longest row in bytes; an unclosed quote must not swallow the memory.
pub const MOST_ROW_BYTES: usize = 1 << 20;

/// Cuts a stream of CSV behind rows.
pub struct Chunks<R> {
    input: R,
    /// The beginning of a row whose end was not read yet.
    rest: Vec<u8>,
    number: usize,
    ended: bool,
}

/// Why there is no further chunk.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The bytes could not be read or unpacked.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A row goes on without end.
    #[error("a row has no end")]
    Endless,
}

impl<R: Read> Chunks<R> {
    /// Starts to read `input`.
    pub const fn new(input: R) -> Self {
        Self {
            input,
            rest: Vec::new(),
            number: 0,
            ended: false,
        }
    }

    /// Chunks handed out so far.
    pub const fn count(&self) -> usize {
        self.number
    }

    /// Puts the next rows into `chunk`, and says which chunk it is, counted from 0; `None` at the end.
    ///
    /// # Errors
    /// [`Broken`]; there is nothing to go on with afterwards.
    pub fn next(&mut self, chunk: &mut Vec<u8>) -> Result<Option<usize>, Broken> {
        chunk.clear();
        chunk.append(&mut self.rest);
        while !self.ended {
            let wanted = (CHUNK_BYTES + chunk.len() / 2) as u64;
            let read = (&mut self.input).take(wanted).read_to_end(chunk)?;
            self.ended = (read as u64) < wanted;
            let end = if self.ended {
                chunk.len()
            } else {
                end_of_rows(chunk)
            };
            if end > 0 {
                self.rest.extend_from_slice(&chunk[end..]);
                chunk.truncate(end);
                break;
            }
            if chunk.len() > MOST_ROW_BYTES {
                self.ended = true;
                return Err(Broken::Endless);
            }
        }
        if chunk.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(self.number - 1))
    }
}

/// Where the last whole row ends; 0 where none does. A chunk begins at a row.
fn end_of_rows(chunk: &[u8]) -> usize {
    match memchr(b'"', chunk) {
        None => memrchr(b'\n', chunk).map_or(0, |at| at + 1),
        Some(_) => end_of_quoted_rows(chunk),
    }
}

/// As RFC 4180 has it: a quote opens at the start of a field, and what stands inside ends no row.
fn end_of_quoted_rows(chunk: &[u8]) -> usize {
    let (mut end, mut outside) = (0, 0);
    loop {
        // A doubled quote closes and opens again.
        let opens = |at: &usize| *at == outside || matches!(chunk[at - 1], b',' | b'\n');
        let mut quotes = memchr_iter(b'"', &chunk[outside..]).map(|at| outside + at);
        let opening = quotes.find(opens);
        let plain = &chunk[outside..opening.unwrap_or(chunk.len())];
        end = memrchr(b'\n', plain).map_or(end, |at| outside + at + 1);
        let Some(opening) = opening else { return end };
        let Some(closing) = memchr(b'"', &chunk[opening + 1..]) else {
            return end;
        };
        outside = opening + closing + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_never_cut_and_none_is_lost() {
        let mut file = Vec::new();
        for row in 0..200_000 {
            file.extend_from_slice(format!("{row},\"a, \"\"quoted\"\"\n line\",x\n").as_bytes());
        }
        let mut chunks = Chunks::new(&file[..]);
        let (mut chunk, mut all, mut count) = (Vec::new(), Vec::new(), 0);
        while let Some(number) = chunks.next(&mut chunk).unwrap() {
            assert_eq!(number, count);
            assert!(chunk.ends_with(b",x\n") && chunk[0].is_ascii_digit());
            all.extend_from_slice(&chunk);
            count += 1;
        }
        assert!(all == file && count > 3);
    }

    /// Where the last whole row ends, byte by byte.
    fn plainly(chunk: &[u8]) -> usize {
        let (mut end, mut is_start, mut is_quoted) = (0, true, false);
        for (at, &byte) in chunk.iter().enumerate() {
            if is_quoted {
                is_quoted = byte != b'"';
                is_start = !is_quoted;
            } else {
                is_quoted = byte == b'"' && is_start;
                is_start = matches!(byte, b',' | b'\n');
                end = if byte == b'\n' { at + 1 } else { end };
            }
        }
        end
    }

    proptest::proptest! {
        #[test]
        fn the_last_row_ends_where_reading_byte_by_byte_has_it(chunk in "[a\",\n]{0,24}") {
            proptest::prop_assert_eq!(end_of_rows(chunk.as_bytes()), plainly(chunk.as_bytes()));
        }
    }

    #[test]
    fn a_file_may_end_without_a_line_break() {
        let mut chunks = Chunks::new(&b"a,b\n1,2"[..]);
        let mut chunk = Vec::new();
        assert_eq!(chunks.next(&mut chunk).unwrap(), Some(0));
        assert_eq!(chunk, b"a,b\n1,2");
        assert_eq!(chunks.next(&mut chunk).unwrap(), None);
    }

    #[test]
    fn a_row_without_end_is_refused() {
        let mut file = b"a,\"".to_vec();
        file.resize(5 << 20, b'x');
        let mut chunks = Chunks::new(&file[..]);
        assert!(matches!(chunks.next(&mut Vec::new()), Err(Broken::Endless)));
    }
}
