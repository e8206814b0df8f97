//! Ids for new rows, without a generator of random numbers.

use tandem_domain::clock::Timestamp;
use ulid::Ulid;

/// The id of the row with this number in this scope. No scope gives a number twice, so the id is unique; it holds the
/// time as well, since a database restored from a backup gives numbers again. Ids sort by time, then by number.
pub(crate) fn mint(now: Timestamp, scope: &[&str], number: u64) -> String {
    let mut hash = blake3::Hasher::new();
    for name in scope {
        // Ids hold no control characters.
        hash.update(name.as_bytes()).update(&[0]);
    }
    hash.update(&number.to_le_bytes());
    let mut tail = [0; 5];
    hash.finalize_xof().fill(&mut tail);
    let tail = tail.iter().fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    let ms = u64::try_from(now.as_ms()).unwrap_or(0);
    Ulid::from_parts(ms, u128::from(number & 0xff_ffff_ffff) << 40 | tail).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_then_by_number_and_differ_between_scopes() {
        let at = |ms, scope, number| mint(Timestamp::from_ms(ms), &[scope], number);
        let ids = [at(1, "a", 7), at(1, "a", 8), at(1, "a", 300), at(2, "a", 1)];
        assert!(ids.is_sorted(), "{ids:?}");
        assert_ne!(at(1, "a", 7), at(1, "b", 7));
        assert_eq!(at(1, "a", 7), at(1, "a", 7));
        let split = |scope: &[&str]| mint(Timestamp::from_ms(1), scope, 1);
        assert_ne!(split(&["ab", "c"]), split(&["a", "bc"]));
    }
}
