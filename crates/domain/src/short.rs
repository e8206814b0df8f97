//! Short texts as integers. Most ids are numbers or a few characters long, and come by the million: as one integer they are
//! compared and hashed at once instead of byte by byte.

/// Up to eight bytes as an integer, the first one lowest. Of more bytes the value means nothing.
///
/// # Panics
/// In debug builds, of more than eight bytes.
#[inline]
#[must_use]
pub fn packed(bytes: &[u8]) -> u64 {
    let at = |byte: u8, place: usize| u64::from(byte) << (8 * place);
    match (bytes.first_chunk(), bytes.last_chunk()) {
        // Two halves that overlap, where there are fewer than eight.
        (Some(first), Some(last)) => {
            let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
            u64::from(first) | (u64::from(last) << (8 * (bytes.len() - size_of::<u32>())))
        }
        _ => match bytes {
            [] => 0,
            [first, .., last] => {
                let middle = bytes.len() / 2;
                at(*first, 0) | at(bytes[middle], middle) | at(*last, bytes.len() - 1)
            }
            [only] => at(*only, 0),
        },
    }
}

/// Whether two texts are the same: as two pieces that overlap, which takes no call to compare so many bytes as there happen
/// to be.
#[inline]
#[must_use]
pub fn are_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    match a.len() {
        length if length != b.len() => false,
        0..8 => packed(a) == packed(b),
        8..16 => are_same_ends::<8>(a, b),
        16..=32 => are_same_ends::<16>(a, b),
        _ => a == b,
    }
}

fn are_same_ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk() && a.last_chunk::<N>() == b.last_chunk()
}

/// The number that a text writes out, if no other text writes it: up to eighteen digits, without a leading zero.
#[inline]
#[must_use]
pub fn plain_number(text: &[u8]) -> Option<u64> {
    if text.len() > 18 || text.is_empty() || (text[0] == b'0' && text.len() > 1) {
        return None;
    }
    let (head, low) = text.split_at(text.len().saturating_sub(8));
    let (high, middle) = head.split_at(head.len().saturating_sub(8));
    let number = digits(packed(low), low.len())?;
    if head.is_empty() {
        return Some(number);
    }
    let (high, middle) = (
        digits(packed(high), high.len())?,
        digits(packed(middle), middle.len())?,
    );
    Some((high * EIGHT + middle) * EIGHT + number)
}

/// A number with a point as its digits without the point, and how many of them stood behind it: up to eight characters,
/// with a digit before and behind; `None` for anything else.
#[inline]
#[must_use]
pub fn decimal(text: &[u8]) -> Option<(u64, usize)> {
    if text.len() > 8 {
        return None;
    }
    let packed = packed(text);
    let point = (zeros(packed ^ u64::from_le_bytes([b'.'; 8])).trailing_zeros() / 8) as usize;
    if point == 0 || point + 1 >= text.len() {
        return None;
    }
    let before = packed & !(u64::MAX << (8 * point));
    let behind = (packed >> 8) & (u64::MAX << (8 * point));
    Some((digits(before | behind, text.len() - 1)?, text.len() - 1 - point))
}

/// The top bit of each byte that is 0; above the first one that is, those of others may be set as well.
const fn zeros(bytes: u64) -> u64 {
    bytes.wrapping_sub(u64::from_le_bytes([1; 8])) & !bytes & u64::from_le_bytes([0x80; 8])
}

const EIGHT: u64 = 100_000_000;

/// So many digits, at most eight, all at once: neighbours become pairs, pairs fours, fours the whole.
#[inline]
fn digits(packed: u64, many: usize) -> Option<u64> {
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    const HIGH: u64 = u64::from_le_bytes([0xf0; 8]);
    const SIX: u64 = u64::from_le_bytes([6; 8]);
    if many == 0 {
        return Some(0);
    }
    let missing = 8 * (8 - many);
    let digits = (packed << missing) | (ZEROS & !(u64::MAX << missing));
    // A digit is 0x30 to 0x39: its upper half is a three, and stays one when six is added.
    if digits & HIGH != ZEROS || digits.wrapping_add(SIX) & HIGH != ZEROS {
        return None;
    }
    let ones = digits - ZEROS;
    let pairs = (ones * 10 + (ones >> 8)) & u64::from_le_bytes([0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0]);
    let fours = (pairs * 100 + (pairs >> 16)) & u64::from_le_bytes([0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    Some((fours * 10_000 + (fours >> 32)) & u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_bytes_are_those_of_the_text(bytes in proptest::collection::vec(any::<u8>(), 0..=8)) {
            let plain = bytes.iter().rev().fold(0, |sum: u64, &byte| (sum << 8) | u64::from(byte));
            prop_assert_eq!(packed(&bytes), plain);
        }

        #[test]
        fn texts_are_the_same_if_every_byte_is(text in "[ab]{0,40}", at in 0..40_usize) {
            let mut other = text.clone().into_bytes();
            prop_assert!(are_same(&text, &text.clone()));
            let longer = text.clone() + "a";
            prop_assert!(!are_same(&text, &longer));
            if let Some(byte) = other.get_mut(at) {
                *byte ^= 1;
                prop_assert!(!are_same(&text, std::str::from_utf8(&other).unwrap()));
            }
        }

        #[test]
        fn a_number_is_plain_if_it_is_written_as_it_is_printed(
            text in prop_oneof!["[0-9]{0,20}", "[0-9]{0,8}[/:a 0٣-][0-9]{0,9}", any::<u64>().prop_map(|n| n.to_string())]
        ) {
            let parsed = text.parse::<u64>().ok();
            let plain = parsed.filter(|number| number.to_string() == text && text.len() <= 18);
            prop_assert_eq!(plain_number(text.as_bytes()), plain);
        }

        #[test]
        fn a_decimal_has_digits_on_both_sides_of_its_point(text in "[0-9]{0,4}[./][0-9.]{0,5}|[0-9./: ]{0,9}") {
            let parts = text.split_once('.').filter(|(whole, part)| {
                let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                text.len() <= 8 && are_digits(whole) && are_digits(part)
            });
            let plain = parts.map(|(whole, part)| ([whole, part].concat().parse::<u64>().unwrap(), part.len()));
            prop_assert_eq!(decimal(text.as_bytes()), plain);
        }
    }
}
