//! Page tokens: where the next page starts, bound to the query that it belongs to.
//!
//! A token is a tag and a position. The tag is a BLAKE3 MAC over the position under a key made from the query and
//! the caller's marketplace and shop, so that a token that was damaged, made up or taken from another query does not
//! open. It guards nothing else: a position only ever bounds a query that is checked against its caller anew, so that
//! the derivation may be public and every process of a deployment opens the tokens of the others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tandem_domain::principal::Principal;
use tandem_runtime::status::Refusal;
use tonic::Code;

const CONTEXT: &str = "tandem 2026 control page token 1";
const TAG_BYTES: usize = 16;

/// No token of ours is longer.
const MAX_TOKEN_BYTES: usize = 4_096;

/// What a token belongs to: a query of a caller.
#[derive(Debug)]
pub(crate) struct Pages([u8; 32]);

impl Pages {
    /// The pages of what `principal` asks of `method` with `fields`, in their order. The page's size is no part of it.
    pub(crate) fn of(principal: &Principal, method: &str, fields: &[&str]) -> Self {
        let shop = principal.shop.as_ref().map_or("", AsRef::as_ref);
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        for part in [principal.marketplace.as_str(), shop, method]
            .iter()
            .chain(fields)
        {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The token of a page that starts behind `position`.
    pub(crate) fn seal(&self, position: &impl Serialize) -> String {
        let body = serde_json::to_vec(position).expect("ids and numbers can be written as JSON");
        let mut token = self.tag(&body).to_vec();
        token.extend(body);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The position in `token`; none for the first page.
    pub(crate) fn open<P: DeserializeOwned>(&self, token: &str) -> Result<Option<P>, Refusal> {
        if token.is_empty() {
            return Ok(None);
        }
        self.read(token).map(Some).ok_or_else(invalid)
    }

    fn read<P: DeserializeOwned>(&self, token: &str) -> Option<P> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, body) = bytes.split_at_checked(TAG_BYTES)?;
        if tag != self.tag(body) {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    fn tag(&self, body: &[u8]) -> [u8; TAG_BYTES] {
        let hash = blake3::keyed_hash(&self.0, body);
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&hash.as_bytes()[..TAG_BYTES]);
        tag
    }
}

/// Cuts `found`, which was asked for with one more than `size`, to a page; the token says where the next one starts.
pub(crate) fn cut<T, P: Serialize>(
    pages: &Pages,
    found: &mut Vec<T>,
    size: u32,
    position: impl Fn(&T) -> P,
) -> String {
    let size = size as usize;
    if found.len() <= size {
        return String::new();
    }
    found.truncate(size);
    found
        .last()
        .map(|last| pages.seal(&position(last)))
        .unwrap_or_default()
}

fn invalid() -> Refusal {
    let why = "does not belong to this request: start without it";
    Refusal::new(
        Code::InvalidArgument,
        "PAGE_TOKEN_INVALID",
        format!("page_token {why}"),
    )
    .field("page_token", why)
}

#[cfg(test)]
mod tests {
    use tandem_domain::id::{MarketplaceId, ShopId};

    use super::*;

    fn caller(shop: &str) -> Principal {
        Principal::insecure(MarketplaceId::new("m").unwrap(), ShopId::new(shop).unwrap())
    }

    #[test]
    fn a_token_opens_for_its_own_query_only() {
        let token = Pages::of(&caller("a"), "ListLinks", &["p1"]).seal(&("p1", "l7"));
        let open = |shop: &str, field: &str| {
            Pages::of(&caller(shop), "ListLinks", &[field]).open::<(String, String)>(&token)
        };
        assert_eq!(open("a", "p1").unwrap(), Some(("p1".into(), "l7".into())));
        assert_eq!(open("a", "p2").unwrap_err().reason(), "PAGE_TOKEN_INVALID");
        assert_eq!(open("b", "p1").unwrap_err().reason(), "PAGE_TOKEN_INVALID");
    }

    #[test]
    fn no_damaged_token_opens() {
        let pages = Pages::of(&caller("a"), "ListGenerations", &[]);
        let token = pages.seal(&17_u64);
        assert_eq!(pages.open::<u64>("").unwrap(), None);
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(bytes).unwrap();
            assert!(pages.open::<u64>(&damaged).is_err(), "{damaged}");
        }
        for cut in 1..token.len() {
            assert!(pages.open::<u64>(&token[..cut]).is_err(), "cut at {cut}");
            assert!(pages.open::<u64>(&token[cut..]).is_err(), "cut to {cut}");
            let twice = [&token[..cut], &token].concat();
            assert!(pages.open::<u64>(&twice).is_err(), "{twice}");
        }
        assert!(pages.open::<u64>("?").is_err());
        assert!(pages.open::<u64>(&"A".repeat(100_000)).is_err());
    }
}
