//! The file's parts.

use bytes::{BufMut as _, BytesMut};
use tandem_domain::id::{CategoryId, InvalidId, ProductId};

use crate::port::RecordKey;

pub(super) const MAGIC: &[u8; 8] = b"TANDEMSG";
pub(super) const FORMAT: u8 = 1;
pub(super) const HEADER_BYTES: usize = MAGIC.len() + 1;

/// The kind byte of the footer.
pub(super) const END: u8 = 0;
const LISTS: u8 = 1;
const EVIDENCE: u8 = 2;
const BUNDLES: u8 = 3;
const BESTSELLERS: u8 = 4;
const KINDS: usize = 4;
pub(super) const FOOTER_BYTES: usize = 1 + 8 * KINDS;

/// The longest record; far above what an anchor can fill, far below what memory can hold.
pub(super) const MAX_RECORD_BYTES: usize = 16 << 20;

/// Records of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts([u64; KINDS]);

impl Counts {
    pub(super) fn add(&mut self, key: &RecordKey) {
        self.0[usize::from(kind(key)) - 1] += 1;
    }

    pub(super) fn total(self) -> u64 {
        self.0.into_iter().fold(0, u64::saturating_add)
    }

    pub(super) fn from_footer(footer: &[u8; FOOTER_BYTES]) -> Self {
        let mut counts = [0; KINDS];
        for (count, bytes) in counts.iter_mut().zip(footer[1..].chunks_exact(8)) {
            *count = u64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes"));
        }
        Self(counts)
    }
}

pub(super) fn put_header(out: &mut BytesMut) {
    out.put_slice(MAGIC);
    out.put_u8(FORMAT);
}

/// Appends a record; `None` when it is longer than [`MAX_RECORD_BYTES`].
pub(super) fn put_record(out: &mut BytesMut, key: &RecordKey, bytes: &[u8]) -> Option<()> {
    if bytes.len() > MAX_RECORD_BYTES {
        return None;
    }
    let id = id(key);
    out.put_u8(kind(key));
    out.put_u8(u8::try_from(id.len()).expect("an id has at most 128 bytes"));
    out.put_slice(id.as_bytes());
    out.put_u32_le(u32::try_from(bytes.len()).expect("checked above"));
    out.put_slice(bytes);
    Some(())
}

pub(super) fn put_footer(out: &mut BytesMut, counts: Counts) {
    out.put_u8(END);
    for count in counts.0 {
        out.put_u64_le(count);
    }
}

const fn kind(key: &RecordKey) -> u8 {
    match key {
        RecordKey::Lists(_) => LISTS,
        RecordKey::Evidence(_) => EVIDENCE,
        RecordKey::Bundles(_) => BUNDLES,
        RecordKey::Bestsellers(_) => BESTSELLERS,
    }
}

fn id(key: &RecordKey) -> &str {
    match key {
        RecordKey::Lists(id) | RecordKey::Evidence(id) | RecordKey::Bundles(id) => id.as_str(),
        RecordKey::Bestsellers(category) => category.as_ref().map_or("", CategoryId::as_str),
    }
}

/// The key of a record; `None` for a kind that this build does not know.
pub(super) fn key(kind: u8, id: &str) -> Option<Result<RecordKey, InvalidId>> {
    let product = || ProductId::new(id);
    Some(match kind {
        LISTS => product().map(RecordKey::Lists),
        EVIDENCE => product().map(RecordKey::Evidence),
        BUNDLES => product().map(RecordKey::Bundles),
        BESTSELLERS if id.is_empty() => Ok(RecordKey::Bestsellers(None)),
        BESTSELLERS => CategoryId::new(id).map(|id| RecordKey::Bestsellers(Some(id))),
        _ => return None,
    })
}
