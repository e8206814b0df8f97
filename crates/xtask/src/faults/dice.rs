//! The seeded schedule.

use std::time::Duration;

/// A generator whose every throw follows from the seed.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of one repeat of one row.
    pub(crate) fn of(seed: u64, case: &str, repeat: u32) -> Self {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(repeat);
        for byte in case.bytes() {
            state = state.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte);
        }
        Self(state)
    }

    /// The next 64 bits (SplitMix64, Steele et al. 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is above 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    /// A moment within `span`.
    pub(crate) fn within(&mut self, span: Duration) -> Duration {
        span.mul_f64(self.next() as f64 / u64::MAX as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_and_another_row_something_else() {
        let throws = |case, repeat| {
            let mut dice = Dice::of(7, case, repeat);
            [0; 8].map(|_| dice.below(1_000))
        };
        assert_eq!(throws("25b", 1), throws("25b", 1));
        assert_ne!(throws("25b", 1), throws("25c", 1));
        assert_ne!(throws("25b", 1), throws("25b", 2));
    }
}
