//! What an answer says of itself, so that an event can name the answer it comes from: a token.
//!
//! A token tells surface and version, generation, arm, anchor and the place of the first item, in plain bytes; of each
//! item three bytes of a hash, by which the place of a product is found; and a MAC over all of it and the marketplace.
//! The same answer gives the same token. It is no secret: it keeps callers from making up what was shown, and is small
//! enough to travel with every answer (20 items take some 140 characters).
//!
//! ```text
//! 1 version | 4 tag of the key | surface version | generation | first place | tried | surface | arm | anchor | 3 × items | 16 MAC
//! ```
//!
//! Numbers are LEB128; what was tried is a place and of how many, or 0; texts are a length byte and UTF-8, an arm being two of them or nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::id::{MarketplaceId, ProductId, SurfaceId};
use crate::surface::{Experiment, Surface};

const VERSION: u8 = 2;
const TAG_BYTES: usize = 4;
const MAC_BYTES: usize = 16;
/// The longest token in characters: three ids and an arm of 128 bytes each, 50 items, in base64.
pub const MAX_TOKEN_CHARS: usize = 1_200;
/// The shortest secret, in bytes.
pub const MIN_SECRET_BYTES: usize = 16;

const KEY_CONTEXT: &str = "tandem 2026 attribution token 1 key";
const TAG_CONTEXT: &str = "tandem 2026 attribution token 1 tag";

/// Three bytes by which a product is found among the items of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark([u8; 3]);

impl Mark {
    /// That of a product.
    #[must_use]
    pub fn of(product: &str) -> Self {
        let [a, b, c, ..] = xxh3_64(product.as_bytes()).to_le_bytes();
        Self([a, b, c])
    }
}

/// What an answer says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The marketplace.
    pub marketplace: &'a MarketplaceId,
    /// The surface that served it.
    pub surface: &'a Surface,
    /// The generation that was read; 0 before the first.
    pub generation: u64,
    /// The anchor; none for a basket.
    pub anchor: Option<&'a ProductId>,
    /// Items on earlier pages.
    pub offset: usize,
    /// The place on this page, from 1, that was dealt, and among how many.
    pub explored: Option<(usize, u32)>,
}

/// What a token that holds says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    surface: SurfaceId,
    surface_version: u64,
    generation: u64,
    experiment: Option<Experiment>,
    anchor: Option<ProductId>,
    offset: u64,
    explored: Option<(u64, u32)>,
    marks: Vec<Mark>,
}

/// Where a product of an event stood: what feedback and metrics are traced by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The surface.
    pub surface: SurfaceId,
    /// Its version.
    pub surface_version: u64,
    /// The generation.
    pub generation: u64,
    /// The arm of an experiment, if the surface was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Experiment>,
    /// The anchor; none for a basket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<ProductId>,
    /// Place in the list, from 1, counted over all pages.
    pub position: u64,
    /// Of how many it was dealt that place, each with the same chance; none where it had earned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explored: Option<u32>,
}

impl Claim {
    /// Where `product` stood; none when the answer did not show it.
    #[must_use]
    pub fn of(&self, product: &ProductId) -> Option<Attribution> {
        let mark = Mark::of(product.as_str());
        let at = self.marks.iter().position(|shown| *shown == mark)?;
        Some(Attribution {
            surface: self.surface.clone(),
            surface_version: self.surface_version,
            generation: self.generation,
            experiment: self.experiment.clone(),
            anchor: self.anchor.clone(),
            position: self.offset.saturating_add(at as u64 + 1),
            explored: self
                .explored
                .and_then(|(place, of)| (place == at as u64 + 1).then_some(of)),
        })
    }
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// Not the form of a token.
    #[error("is no attribution token, or not all of one")]
    Malformed,
    /// Signed by a key that is not in the ring.
    #[error("is signed by a key that is not known here: it is too old, or from elsewhere")]
    UnknownKey,
    /// The MAC is another one.
    #[error("is not as it was given out: it was changed, or belongs to another marketplace")]
    Forged,
}

/// Not a ring of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// A secret that can be guessed.
    #[error("key {place} has {bytes} bytes, at least {MIN_SECRET_BYTES} are needed")]
    Short {
        /// Which one, from 1.
        place: usize,
        /// Its length.
        bytes: usize,
    },
    /// The same secret again.
    #[error("key {place} stands here twice")]
    Twice {
        /// Which one, from 1.
        place: usize,
    },
}

#[derive(Clone)]
struct Key {
    tag: [u8; TAG_BYTES],
    secret: [u8; 32],
}

/// Of secrets as configuration gives them.
impl TryFrom<Vec<String>> for KeyRing {
    type Error = InvalidKeys;

    fn try_from(secrets: Vec<String>) -> Result<Self, InvalidKeys> {
        Self::new(secrets)
    }
}

/// The keys that tokens are signed and verified with: the first one signs, all verify. To rotate, put a new one second
/// everywhere, then first everywhere, and take the old one away when its tokens are of no use any more.
#[derive(Clone, Default, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct KeyRing(Vec<Key>);

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing of {}", self.0.len())
    }
}

impl KeyRing {
    /// A ring of these secrets. Without any nothing is signed, and nothing is believed.
    ///
    /// # Errors
    /// [`InvalidKeys`] for a short secret or one that stands there twice.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, InvalidKeys> {
        let mut keys: Vec<Key> = Vec::new();
        for (at, secret) in secrets.into_iter().enumerate() {
            let (place, secret) = (at + 1, secret.as_ref().as_bytes());
            if secret.len() < MIN_SECRET_BYTES {
                let bytes = secret.len();
                return Err(InvalidKeys::Short { place, bytes });
            }
            let key = Key::of(secret);
            if keys.iter().any(|known| known.tag == key.tag) {
                return Err(InvalidKeys::Twice { place });
            }
            keys.push(key);
        }
        Ok(Self(keys))
    }

    /// The token of an answer that shows these items; none without a key or without an item.
    #[must_use]
    pub fn sign(&self, answer: &Answered<'_>, items: impl ExactSizeIterator<Item = Mark>) -> Option<String> {
        let key = self.0.first().filter(|_| items.len() > 0)?;
        let mut bytes = Vec::with_capacity(64 + 3 * items.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&key.tag);
        put_number(&mut bytes, answer.surface.version);
        put_number(&mut bytes, answer.generation);
        put_number(&mut bytes, answer.offset as u64);
        match answer.explored {
            None => put_number(&mut bytes, 0),
            Some((place, of)) => {
                put_number(&mut bytes, place as u64);
                put_number(&mut bytes, of.into());
            }
        }
        put_text(&mut bytes, answer.surface.id.as_str());
        match &answer.surface.experiment {
            None => put_text(&mut bytes, ""),
            Some(Experiment { id, arm }) => {
                put_text(&mut bytes, id);
                put_text(&mut bytes, arm);
            }
        }
        put_text(&mut bytes, answer.anchor.map_or("", ProductId::as_str));
        items.for_each(|mark| bytes.extend_from_slice(&mark.0));
        let mac = key.mac(answer.marketplace, &bytes);
        bytes.extend_from_slice(&mac);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token says, if one of the keys has signed it for this marketplace.
    ///
    /// # Errors
    /// [`NotBelieved`] otherwise.
    pub fn verify(&self, marketplace: &MarketplaceId, token: &str) -> Result<Claim, NotBelieved> {
        if token.len() > MAX_TOKEN_CHARS {
            return Err(NotBelieved::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| NotBelieved::Malformed)?;
        let (signed, mac) = bytes
            .split_last_chunk::<MAC_BYTES>()
            .ok_or(NotBelieved::Malformed)?;
        let mut rest = signed;
        if take(&mut rest, 1) != Some(&[VERSION][..]) {
            return Err(NotBelieved::Malformed);
        }
        let tag = take(&mut rest, TAG_BYTES).ok_or(NotBelieved::Malformed)?;
        let key = self.0.iter().find(|key| key.tag == *tag);
        let key = key.ok_or(NotBelieved::UnknownKey)?;
        // In constant time, as the hashes of this crate compare.
        if blake3::Hash::from_bytes(widened(key.mac(marketplace, signed)))
            != blake3::Hash::from_bytes(widened(*mac))
        {
            return Err(NotBelieved::Forged);
        }
        claim(rest).ok_or(NotBelieved::Malformed)
    }
}

impl Key {
    fn of(secret: &[u8]) -> Self {
        let tag = blake3::derive_key(TAG_CONTEXT, secret);
        Self {
            tag: [tag[0], tag[1], tag[2], tag[3]],
            secret: blake3::derive_key(KEY_CONTEXT, secret),
        }
    }

    fn mac(&self, marketplace: &MarketplaceId, bytes: &[u8]) -> [u8; MAC_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        let marketplace = marketplace.as_str().as_bytes();
        hasher.update(&(marketplace.len() as u64).to_le_bytes());
        hasher.update(marketplace);
        hasher.update(bytes);
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&hasher.finalize().as_bytes()[..MAC_BYTES]);
        mac
    }
}

fn widened(mac: [u8; MAC_BYTES]) -> [u8; 32] {
    let mut wide = [0; 32];
    wide[..MAC_BYTES].copy_from_slice(&mac);
    wide
}

fn claim(mut bytes: &[u8]) -> Option<Claim> {
    let rest = &mut bytes;
    let surface_version = take_number(rest)?;
    let generation = take_number(rest)?;
    let offset = take_number(rest)?;
    let explored = match take_number(rest)? {
        0 => None,
        place => Some((place, u32::try_from(take_number(rest)?).ok()?)),
    };
    let surface = SurfaceId::new(take_text(rest)?).ok()?;
    let experiment = match take_text(rest)? {
        "" => None,
        id => Some(Experiment {
            id: id.to_owned(),
            arm: take_text(rest)?.to_owned(),
        }),
    };
    let anchor = match take_text(rest)? {
        "" => None,
        id => Some(ProductId::new(id).ok()?),
    };
    let (marks, left) = rest.as_chunks::<3>();
    left.is_empty().then(|| Claim {
        surface,
        surface_version,
        generation,
        experiment,
        anchor,
        offset,
        explored,
        marks: marks.iter().copied().map(Mark).collect(),
    })
}

fn put_number(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "seven bits and the one that says more follow"
        )]
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 0x80")]
    into.push(number as u8);
}

/// Ids have at most 128 bytes.
fn put_text(into: &mut Vec<u8>, text: &str) {
    into.push(u8::try_from(text.len()).expect("an id has at most 128 bytes"));
    into.extend_from_slice(text.as_bytes());
}

fn take<'b>(from: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

fn take_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let [byte] = take(from, 1)? else { return None };
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_text<'b>(from: &mut &'b [u8]) -> Option<&'b str> {
    let [length] = take(from, 1)? else { return None };
    std::str::from_utf8(take(from, usize::from(*length))?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whoever has a key may sign what is no claim.
        #[test]
        fn signed_nonsense_is_no_claim_or_one_that_can_be_asked(
            numbers in proptest::collection::vec(prop_oneof![any::<u64>(), 0..3_u64, Just(u64::MAX)], 0..6),
            texts in proptest::collection::vec("[a-z\\PC]{0,4}", 0..5),
            marks in proptest::collection::vec(any::<u8>(), 0..8),
        ) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|&number| put_number(&mut bytes, number));
            texts.iter().for_each(|text| put_text(&mut bytes, text));
            bytes.extend(marks);
            if let Some(claim) = claim(&bytes) {
                let product = ProductId::new("a").expect("a valid id");
                let shown = Claim { marks: vec![Mark([0; 3]), Mark::of(product.as_str())], ..claim };
                prop_assert!(shown.of(&product).is_some_and(|place| place.position >= 2));
            }
        }
    }
}
