//! The bytes of answers, written without building messages first: what was encoded once is copied.

use prost::encoding::{decode_varint, encode_varint, encoded_len_varint};
use tandem_domain::edge::Source;
use tandem_domain::overlay::{Adjustment, Offer, Vouched};
use tandem_domain::pace::Attached;
use tandem_domain::relation::Relation;
use tandem_domain::stock::Supply;

use crate::freshness::Freshness;
use crate::rpc::reason;

const VARINT: u8 = 0;
const LENGTH: u8 = 2;
const FIXED_32: u8 = 5;

/// The tag of a field below 16.
pub(crate) const fn message(field: u8) -> u8 {
    field << 3 | LENGTH
}

/// A RelatedProduct without its units: they are written when it is served.
pub(crate) fn put_offer<P: AsRef<str>>(into: &mut Vec<u8>, offer: &Offer<P>) {
    put_text(into, 1, offer.product.as_ref());
    put_number(into, 2, u64::from(offer.relation.map_or(0, Relation::code)));
    if offer.score != 0.0 {
        into.push(3 << 3 | FIXED_32);
        into.extend_from_slice(&offer.score.to_le_bytes());
    }
    put_text(into, 4, reason(offer));
    put_number(into, 5, source(offer.source));
    put_number(into, 6, u64::from(offer.generated));
}

/// The id in the bytes of [`put_offer`].
pub(crate) fn product_of(offer: &[u8]) -> &str {
    let (length, rest) = match offer {
        [_, length, rest @ ..] if *length < 0x80 => (usize::from(*length), rest),
        // An id has at most 128 bytes, the first length that takes two bytes.
        [_, _, _, rest @ ..] => (128, rest),
        _ => (0, &[][..]),
    };
    rest.get(..length)
        .and_then(|id| std::str::from_utf8(id).ok())
        .unwrap_or_default()
}

/// An item of an answer, as the field with this tag: the bytes of [`put_offer`], and what is known of its stock.
pub(crate) fn put_item(
    into: &mut Vec<u8>,
    tag: u8,
    offer: &[u8],
    vouched: Vouched,
    adjusted: Option<Adjustment>,
) {
    let units = u64::from(vouched.sellable.get());
    let (supply, adjusted) = (supply(vouched.supply), adjustment(adjusted));
    let tail = match units {
        0 => 0,
        1..0x80 => 2,
        _ => 3,
    } + 2 * (usize::from(supply != 0) + usize::from(adjusted != 0));
    into.push(tag);
    encode_varint((offer.len() + tail) as u64, into);
    into.extend_from_slice(offer);
    put_number(into, 7, units);
    put_number(into, 10, supply);
    put_number(into, 11, adjusted);
}

/// How much is left, as the API numbers it.
pub(crate) const fn supply(supply: Option<Supply>) -> u64 {
    match supply {
        None => 0,
        Some(Supply::Plenty) => 1,
        Some(Supply::Low) => 2,
        Some(Supply::Critical) => 3,
        Some(Supply::Out) => 4,
    }
}

const fn adjustment(adjusted: Option<Adjustment>) -> u64 {
    match adjusted {
        None => 0,
        Some(Adjustment::Demoted) => 1,
        Some(Adjustment::Leads) => 2,
        Some(Adjustment::Attached(Attached::Slow)) => 3,
        Some(Adjustment::Attached(Attached::New)) => 4,
        Some(Adjustment::Attached(Attached::Clearance)) => 5,
    }
}

/// A number, left out when it is 0.
pub(crate) fn put_number(into: &mut Vec<u8>, field: u8, number: u64) {
    if number != 0 {
        into.push(field << 3 | VARINT);
        encode_varint(number, into);
    }
}

/// A text, left out when it is empty.
pub(crate) fn put_text(into: &mut Vec<u8>, field: u8, text: &str) {
    if !text.is_empty() {
        put_message(into, field, text.as_bytes());
    }
}

/// An encoded message.
pub(crate) fn put_message(into: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    open_message(into, field, bytes.len());
    into.extend_from_slice(bytes);
}

/// Begins a message of so many bytes.
pub(crate) fn open_message(into: &mut Vec<u8>, field: u8, length: usize) {
    into.push(message(field));
    encode_varint(length as u64, into);
}

/// Bytes of [`put_text`].
pub(crate) fn text_len(text: &str) -> usize {
    match text.len() {
        0 => 0,
        length => 1 + encoded_len_varint(length as u64) + length,
    }
}

/// Bytes of [`put_number`].
pub(crate) fn number_len(number: u64) -> usize {
    match number {
        0 => 0,
        number => 1 + encoded_len_varint(number),
    }
}

/// Gives each of the messages that stand one behind the other another tag of one byte.
pub(crate) fn retag(messages: &mut [u8], tag: u8) {
    let mut rest = messages;
    while let [first, behind @ ..] = rest {
        *first = tag;
        let mut body: &[u8] = behind;
        let length = decode_varint(&mut body).unwrap_or(u64::MAX);
        let head = behind.len() - body.len();
        let next = usize::try_from(length).map_or(behind.len(), |length| head.saturating_add(length));
        rest = behind.get_mut(next..).unwrap_or_default();
    }
}

/// How far the stock can be trusted.
pub(crate) fn put_freshness(into: &mut Vec<u8>, field: u8, freshness: Freshness) {
    let mut bytes = Vec::with_capacity(16);
    let age = u64::try_from(freshness.age.as_millis()).unwrap_or(u64::MAX);
    put_number(&mut bytes, 1, age);
    put_number(&mut bytes, 2, u64::from(freshness.stale));
    put_number(&mut bytes, 3, u64::from(freshness.suppressed));
    put_message(into, field, &bytes);
}

const fn source(source: Source) -> u64 {
    match source {
        Source::Manual => 1,
        Source::Learned => 2,
        Source::Attribute => 3,
        Source::Bestseller => 4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use prost::Message as _;
    use tandem_domain::id::ProductId;
    use tandem_domain::stock::SellableCount;
    use tandem_proto::v1;

    use super::*;

    fn any_offer() -> impl Strategy<Value = Offer> {
        let source = prop::sample::select(vec![
            Source::Manual,
            Source::Learned,
            Source::Attribute,
            Source::Bestseller,
        ]);
        let relation = prop::option::of(prop::sample::select(Relation::ALL.to_vec()));
        ("[a-z外]{1,42}", relation, 0.0..9.0_f32, source, any::<bool>()).prop_map(
            |(id, relation, score, source, generated)| Offer {
                product: ProductId::new(id).expect("a valid id"),
                relation,
                score,
                source,
                generated,
            },
        )
    }

    proptest! {
        #[test]
        fn an_item_is_what_its_message_would_be(
            offer in any_offer(),
            units in 0..300_u64,
            left in prop::option::of(prop::sample::select(Supply::ALL.to_vec())),
            adjusted in prop::option::of(prop::sample::select(vec![Adjustment::Demoted, Adjustment::Leads])),
        ) {
            let sellable = SellableCount::saturating(units);
            let vouched = Vouched { sellable, supply: left };
            let message = v1::RelatedProductList {
                product_id: String::new(),
                anchor_supply: 0,
                items: vec![v1::RelatedProduct {
                    product_id: offer.product.to_string(),
                    relation: offer.relation.map_or(0, |relation| relation.code().into()),
                    score: offer.score,
                    reason: reason(&offer).to_owned(),
                    source: i32::try_from(source(offer.source)).expect("few sources"),
                    generated: offer.generated,
                    sellable_count: sellable.get().into(),
                    card: None,
                    evidence: None,
                    supply: i32::try_from(supply(left)).expect("few supplies"),
                    adjustment: i32::try_from(adjustment(adjusted)).expect("few adjustments"),
                }],
                ..Default::default()
            };
            let (mut bytes, mut item) = (Vec::new(), Vec::new());
            put_offer(&mut bytes, &offer);
            prop_assert_eq!(product_of(&bytes), offer.product.as_str());
            put_item(&mut item, super::message(2), &bytes, vouched, adjusted);
            prop_assert_eq!(item, message.encode_to_vec());
        }
    }

    #[test]
    fn the_longest_id_is_found_again() {
        let id = "x".repeat(128);
        let mut bytes = Vec::new();
        put_text(&mut bytes, 1, &id);
        assert_eq!(product_of(&bytes), id);
    }

    #[test]
    fn freshness_is_what_its_message_would_be() {
        let freshness = Freshness {
            age: Duration::from_millis(1_234),
            stale: true,
            suppressed: false,
        };
        let mut bytes = Vec::new();
        put_freshness(&mut bytes, 4, freshness);
        let message = v1::ListRelatedProductsResponse {
            freshness: Some(v1::Freshness {
                stock_age_ms: 1_234,
                stale: true,
                suppressed: false,
            }),
            ..Default::default()
        };
        assert_eq!(bytes, message.encode_to_vec());
    }
}
