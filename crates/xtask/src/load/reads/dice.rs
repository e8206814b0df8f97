//! Numbers that only look random, the same in every run.

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub(in crate::load) struct Dice(u64);

impl Dice {
    pub(in crate::load) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Below `limit`.
    pub(in crate::load) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Ranks drawn by Zipf's law with exponent 1.
pub(super) struct Zipf {
    /// Share of the ranks up to each.
    cumulated: Vec<f64>,
}

impl Zipf {
    pub(super) fn over(ranks: u64) -> Self {
        let mut sum = 0.0;
        let mut cumulated: Vec<f64> = (1..=ranks)
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        cumulated.iter_mut().for_each(|share| *share /= sum);
        Self { cumulated }
    }

    /// A rank from 0.
    pub(super) fn draw(&self, dice: &mut Dice) -> u64 {
        let share = dice.share();
        let rank = self.cumulated.partition_point(|up_to| *up_to < share);
        rank.min(self.cumulated.len() - 1) as u64
    }
}
