//! Page tokens: opaque, and good for one request alone.
//!
//! A token holds the offset, the generation and a BLAKE3 hash over both, the marketplace and every other field of the
//! request that it continues. Any other request, another marketplace and another generation refuse it: the lists it counted
//! in are not there any more. It protects callers from their own mistakes and is no secret.

use prost::Message;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::status::Refusal;
use tonic::Code;

const VERSION: u8 = 1;
const LENGTH: usize = 1 + 4 + 8 + 8;

/// No list is longer: six relations of 50, a few pins and the bestsellers.
const FURTHEST: usize = 10_000;

/// What a token must belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bond([u8; 8]);

impl Bond {
    /// Of a request whose page token was taken out.
    #[must_use]
    pub(crate) fn of(method: &str, marketplace: &MarketplaceId, request: &impl Message) -> Self {
        let mut whole = Vec::with_capacity(256);
        for part in [method.as_bytes(), marketplace.as_str().as_bytes()] {
            whole.extend_from_slice(&(part.len() as u64).to_le_bytes());
            whole.extend_from_slice(part);
        }
        whole.extend_from_slice(&(request.encoded_len() as u64).to_le_bytes());
        request
            .encode(&mut whole)
            .expect("a vector has room for any message");
        let mut bond = [0; 8];
        bond.copy_from_slice(&blake3::hash(&whole).as_bytes()[..8]);
        Self(bond)
    }

    /// What ties a place to the request.
    fn seal(self, place: &[u8]) -> [u8; 8] {
        let mut seal = [0; 8];
        seal.copy_from_slice(&blake3::hash(&[&self.0, place].concat()).as_bytes()[..8]);
        seal
    }
}

/// The token for what follows `offset` items.
#[must_use]
pub(crate) fn token(bond: Bond, generation: u64, offset: usize) -> String {
    let offset = u32::try_from(offset).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.push(VERSION);
    bytes.extend_from_slice(&offset.to_be_bytes());
    bytes.extend_from_slice(&generation.to_be_bytes());
    let seal = bond.seal(&bytes);
    bytes.extend_from_slice(&seal);
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

/// The place that a token continues from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Items on earlier pages.
    pub(crate) offset: usize,
    /// The generation that they came from; `None` on the first page.
    pub(crate) generation: Option<u64>,
}

/// Reads a token; an empty one is the first page.
///
/// # Errors
/// `PAGE_TOKEN_INVALID` when it is no token, or belongs to another request.
pub(crate) fn read(token: &str, bond: Bond) -> Result<Place, Refusal> {
    if token.is_empty() {
        return Ok(Place {
            offset: 0,
            generation: None,
        });
    }
    parse(token, bond)
        .filter(|place| place.offset <= FURTHEST)
        .ok_or_else(|| invalid("is not from an earlier answer to the same request"))
}

impl Place {
    /// Checks that the generation has not moved on.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID` when it has.
    pub(crate) fn still_in(self, generation: u64) -> Result<(), Refusal> {
        match self.generation {
            Some(own) if own != generation => Err(invalid("belongs to an earlier generation: start over")),
            _ => Ok(()),
        }
    }
}

fn parse(token: &str, bond: Bond) -> Option<Place> {
    let hex = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if token.len() != 2 * LENGTH || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Vec<u8> = token.as_bytes().chunks(2).map(hex).collect::<Option<_>>()?;
    let (place, seal) = bytes.split_last_chunk::<8>()?;
    let (version, rest) = place.split_first()?;
    let (offset, generation) = rest.split_first_chunk::<4>()?;
    if *version != VERSION || *seal != bond.seal(place) {
        return None;
    }
    Some(Place {
        offset: usize::try_from(u32::from_be_bytes(*offset)).ok()?,
        generation: Some(u64::from_be_bytes(generation.try_into().ok()?)),
    })
}

fn invalid(why: &str) -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        "PAGE_TOKEN_INVALID",
        format!("page_token {why}"),
    )
    .field("page_token", why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tandem_proto::v1::ListRelatedProductsRequest;
    use tandem_testing::damage::{damaged, damages};

    use super::*;

    fn bond(product: &str, marketplace: &str) -> Bond {
        let request = ListRelatedProductsRequest {
            product_id: product.into(),
            ..Default::default()
        };
        Bond::of(
            "List",
            &MarketplaceId::new(marketplace).expect("a valid id"),
            &request,
        )
    }

    #[test]
    fn a_token_returns_its_place_to_its_own_request_alone() {
        let token = token(bond("a", "m"), 7, 40);
        let place = read(&token, bond("a", "m")).unwrap();
        assert_eq!((place.offset, place.generation), (40, Some(7)));
        assert!(place.still_in(7).is_ok());
        assert_eq!(place.still_in(8).unwrap_err().reason(), "PAGE_TOKEN_INVALID");
        for other in [bond("b", "m"), bond("a", "n")] {
            assert_eq!(read(&token, other).unwrap_err().reason(), "PAGE_TOKEN_INVALID");
        }
    }

    #[test]
    fn no_token_is_the_first_page_of_any_generation() {
        let place = read("", bond("a", "m")).unwrap();
        assert_eq!(place.offset, 0);
        assert!(place.still_in(99).is_ok());
    }

    proptest! {
        #[test]
        fn nonsense_is_refused(text in "\\PC{1,60}") {
            prop_assert!(read(&text, bond("a", "m")).is_err());
        }

        #[test]
        fn a_token_that_came_to_harm_is_refused(damages in damages(3)) {
            let bond = bond("a", "m");
            let whole = token(bond, 7, 40);
            let harmed = String::from_utf8_lossy(&damaged(whole.as_bytes(), &damages)).into_owned();
            // Capitals are digits too, and no token at all is the first page.
            if !harmed.is_empty() && !harmed.eq_ignore_ascii_case(&whole) {
                prop_assert!(read(&harmed, bond).is_err());
            }
        }

        #[test]
        fn a_changed_token_is_refused(at in 0..LENGTH, change in 1..=255_u8) {
            let bond = bond("a", "m");
            let mut bytes = token(bond, 7, 40).into_bytes();
            let pair = u8::from_str_radix(std::str::from_utf8(&bytes[2 * at..2 * at + 2]).expect("hex"), 16).expect("hex");
            let changed = format!("{:02x}", pair ^ change);
            bytes[2 * at..2 * at + 2].copy_from_slice(changed.as_bytes());
            prop_assert!(read(std::str::from_utf8(&bytes).expect("hex"), bond).is_err());
        }
    }
}
