//! Randomness as an argument: SplitMix64 (Steele, Lea and Flood, 2014), started from a seed and a name.

/// A stream of numbers. Streams of different names do not disturb each other.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The stream called `name` of `seed`.
    pub(super) fn of(seed: u64, purpose: &str, name: &str) -> Self {
        let mut state = seed ^ 0xcbf2_9ce4_8422_2325;
        for byte in purpose.bytes().chain([0]).chain(name.bytes()) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(state)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`; 0 for an `end` of 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(end)) >> 64) as u64
    }

    /// From `first` to `last`, both included.
    pub(super) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// True `per_cent` times in a hundred.
    pub(super) fn chance(&mut self, per_cent: u64) -> bool {
        self.below(100) < per_cent
    }

    /// An index, drawn in proportion to its weight; none where all weights are 0.
    pub(super) fn weighted(&mut self, weights: &[u64]) -> Option<usize> {
        let total: u64 = weights.iter().sum();
        let mut left = self.below(total);
        if total == 0 {
            return None;
        }
        weights.iter().position(|weight| match left.checked_sub(*weight) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
    }

    /// `count` different indexes below `end`, rising; all of them where there are no more.
    pub(super) fn sample(&mut self, end: usize, count: usize) -> Vec<usize> {
        let mut missing = count.min(end) as u64;
        let mut kept = Vec::with_capacity(count.min(end));
        for index in 0..end {
            if self.below((end - index) as u64) < missing {
                kept.push(index);
                missing -= 1;
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn the_same_name_gives_the_same_numbers() {
        let rolls = |purpose: &str, name: &str| {
            let mut dice = Dice::of(7, purpose, name);
            [dice.roll(), dice.roll()]
        };
        assert_eq!(rolls("stock", "85123A"), rolls("stock", "85123A"));
        assert_ne!(rolls("stock", "85123A"), rolls("stock", "85123B"));
        assert_ne!(rolls("stock", "1"), rolls("stock1", ""));
    }

    #[test]
    fn draws_keep_to_their_bounds_and_weights() {
        let mut dice = Dice::of(1, "", "");
        let draws: Vec<_> = (0..3000).filter_map(|_| dice.weighted(&[0, 1, 2, 0])).collect();
        assert_eq!(draws.len(), 3000);
        let twos = draws.iter().filter(|i| **i == 2).count();
        assert!(
            draws.iter().all(|i| *i == 1 || *i == 2) && (1850..2150).contains(&twos),
            "{twos}"
        );
        assert!((0..1000).all(|_| (3..=5).contains(&dice.between(3, 5))));
        assert_eq!(dice.weighted(&[0, 0]), None);
        assert_eq!(dice.sample(3, 9), [0, 1, 2]);
        assert_eq!(dice.sample(100, 5).len(), 5);
    }
}
