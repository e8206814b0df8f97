//! How records look in Redis and in segment files: one byte of codec version, then a message of `tandem.cache.v1`.
//!
//! Readers accept version N and N−1, publishers write N only when every registered gateway reads it. Anything else
//! is [`CacheError::Unreadable`], which callers count and treat as a miss. Golden files in `tests/golden` pin the
//! bytes: a change that moves one needs a new version.

mod anchor;
mod bestsellers;
mod bundles;
mod card;
mod evidence;
mod fixed_bundles;
mod links;
mod lists;
mod manifest;
mod surface;

use std::fmt::Display;
use std::ops::RangeInclusive;

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use prost::Message;
use tandem_domain::id::ProductId;

use crate::error::CacheError;
use crate::port::Result;

pub use anchor::{encode_anchor, encode_touched};
pub use bestsellers::{decode_bestsellers, encode_bestsellers};
pub use bundles::decode_bundles;
pub use card::{decode_card, encode_card};
pub use evidence::{AnchorEvidence, ListEvidence, decode_evidence};
pub use fixed_bundles::{decode_fixed_bundles, encode_fixed_bundles};
pub use links::{decode_links, encode_links};
pub use lists::{AnchorLists, decode_lists};
pub use manifest::{decode_manifest, encode_manifest};
pub use surface::{decode_surface, encode_surface};

/// The version that this build writes.
pub const CODEC: u8 = 1;

/// The versions that this build reads: its own and the one before. There is no version 0.
pub const READABLE: RangeInclusive<u8> = if CODEC > 1 {
    CODEC - 1..=CODEC
} else {
    CODEC..=CODEC
};

fn frame(message: &impl Message) -> Bytes {
    let mut bytes = BytesMut::with_capacity(1 + message.encoded_len());
    bytes.put_u8(CODEC);
    message.encode(&mut bytes).expect("a buffer that grows has room");
    bytes.freeze()
}

fn unframe<M: Message + Default>(what: &'static str, bytes: impl Buf) -> Result<M> {
    let mut message = bytes;
    let Ok(version) = message.try_get_u8() else {
        return Err(unreadable(what, "it is empty"));
    };
    if !READABLE.contains(&version) {
        let (oldest, newest) = (READABLE.start(), READABLE.end());
        return Err(unreadable(
            what,
            format!("codec {version} is outside {oldest} to {newest}"),
        ));
    }
    M::decode(message).map_err(|error| unreadable(what, error))
}

fn unreadable(what: &'static str, why: impl Display) -> CacheError {
    CacheError::Unreadable {
        what,
        why: why.to_string(),
    }
}

fn product(what: &'static str, id: &str) -> Result<ProductId> {
    ProductId::new(id).map_err(|why| unreadable(what, format!("product id {why}")))
}

/// A score that may be ranked by.
fn rank(what: &'static str, score: f32) -> Result<f32> {
    if score.is_nan() {
        return Err(unreadable(what, "a score is not a number"));
    }
    Ok(score)
}
