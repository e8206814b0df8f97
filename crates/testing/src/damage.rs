//! Bytes that came to harm: cut off, flipped, spliced, repeated; and whether whoever read them kept its memory.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// The variable that says how many times as long tests with damaged bytes run.
const LONGER: &str = "TANDEM_DAMAGE";

/// One thing that happens to bytes.
#[derive(Debug, Clone)]
pub enum Damage {
    /// Nothing from here on.
    Cut(Index),
    /// Some bits of a byte are others.
    Flip(Index, u8),
    /// Other bytes stand in the place of some: lengths without end, text that is none, numbers that are none.
    Write(Index, &'static [u8]),
    /// A stretch is missing.
    Drop(Index, Index),
    /// A stretch stands elsewhere once more.
    Splice(Index, Index, Index),
    /// A stretch stands there so many times.
    Repeat(Index, Index, u8),
}

/// What readers stumble over.
const NONSENSE: [&[u8]; 18] = [
    &[0xff; 4],
    &[0xff; 8],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0; 8],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    b"NaN",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"\"",
    b"\n",
    b",",
    b"{",
    b"[[[[[[[[",
    b"\xc3\x28",
    b"\0",
];

/// Up to `most` things that happen to bytes, one after the other.
pub fn damages(most: usize) -> impl Strategy<Value = Vec<Damage>> {
    let index = any::<Index>;
    let one = prop_oneof![
        2 => index().prop_map(Damage::Cut),
        4 => (index(), 1..=u8::MAX).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        4 => (index(), proptest::sample::select(&NONSENSE[..]))
            .prop_map(|(at, bytes)| Damage::Write(at, bytes)),
        2 => (index(), index()).prop_map(|(from, to)| Damage::Drop(from, to)),
        2 => (index(), index(), index()).prop_map(|(from, to, at)| Damage::Splice(from, to, at)),
        1 => (index(), index(), 1..40_u8).prop_map(|(from, to, times)| Damage::Repeat(from, to, times)),
    ];
    vec(one, 1..=most)
}

/// The bytes after all of it.
#[must_use]
pub fn damaged(bytes: &[u8], damages: &[Damage]) -> Vec<u8> {
    damages
        .iter()
        .fold(bytes.to_vec(), |bytes, damage| damage.done_to(bytes))
}

impl Damage {
    fn done_to(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let length = bytes.len();
        let place = |index: &Index| index.index(length + 1);
        let stretch = |from: &Index, to: &Index| -> Range<usize> {
            let (from, to) = (place(from), place(to));
            from.min(to)..from.max(to)
        };
        match self {
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Flip(..) if bytes.is_empty() => {}
            Self::Flip(at, bits) => bytes[at.index(length)] ^= bits,
            Self::Write(at, other) => {
                let at = place(at);
                bytes.splice(at..length.min(at + other.len()), other.iter().copied());
            }
            Self::Drop(from, to) => drop(bytes.drain(stretch(from, to))),
            Self::Splice(from, to, at) => {
                let (some, at) = (bytes[stretch(from, to)].to_vec(), place(at));
                bytes.splice(at..at, some);
            }
            Self::Repeat(from, to, times) => {
                let stretch = stretch(from, to);
                // Of a short one: what grows without end is not what is looked for.
                let some = bytes[stretch.start..stretch.end.min(stretch.start + 4096)].to_vec();
                bytes.splice(stretch.start..stretch.start, some.repeat(usize::from(*times)));
            }
        }
        bytes
    }
}

/// So many cases, or as many times more as the variable `TANDEM_DAMAGE` says.
#[must_use]
pub fn cases(usual: u32) -> ProptestConfig {
    let times = std::env::var(LONGER).ok().and_then(|times| times.parse().ok());
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(usual.saturating_mul(times.unwrap_or(1)))
    }
}

/// Does `work`, and fails where this process asked for a GiB of memory meanwhile, used or not.
///
/// # Panics
/// When it did.
pub fn within_memory<T>(work: impl FnOnce() -> T) -> T {
    const MOST_KIB: u64 = 1 << 20;
    let before = peak_kib();
    let done = work();
    let grown = peak_kib().saturating_sub(before);
    assert!(grown < MOST_KIB, "{grown} KiB of memory were asked for");
    done
}

/// The largest size of this process's memory so far; 0 where the system does not tell.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let digits = peak.and_then(|peak| peak.split_whitespace().next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_asked_for_is_seen_though_nobody_touches_it() {
        assert_eq!(within_memory(|| 7), 7);
        let asked =
            std::panic::catch_unwind(|| within_memory(|| Vec::<u8>::with_capacity(3 << 30).capacity()));
        assert!(peak_kib() == 0 || asked.is_err());
    }

    proptest! {
        #[test]
        fn bytes_come_to_harm_of_every_kind(bytes in vec(any::<u8>(), 0..50), damages in damages(4)) {
            let harmed = damaged(&bytes, &damages);
            prop_assert!(harmed.len() <= (bytes.len() + 10) * 41_usize.pow(4));
        }
    }
}
