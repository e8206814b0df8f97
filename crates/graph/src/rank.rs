//! Order of companions: by score, then popularity, then id — as one integer.

use std::cmp::Reverse;

/// Where every product stands by (popularity desc, id asc).
#[derive(Debug)]
pub(crate) struct Standing {
    place: Vec<u32>,
    product: Vec<u32>,
}

impl Standing {
    /// Products are in the order of their ids, so a stable sort settles ties by id.
    pub(crate) fn by(popularity: &[u64]) -> Self {
        let mut product: Vec<u32> = (0..crate::facts::dense(popularity.len())).collect();
        product.sort_by_key(|&item| Reverse(popularity[item as usize]));
        let mut place = vec![0; product.len()];
        for (at, &item) in product.iter().enumerate() {
            place[item as usize] = crate::facts::dense(at);
        }
        Self { place, product }
    }

    /// Every product, the best standing first.
    pub(crate) fn products(&self) -> &[u32] {
        &self.product
    }

    /// A number that is larger the better the product ranks. Scores are neither negative nor NaN.
    pub(crate) fn key(&self, score: f32, item: u32) -> u64 {
        (u64::from(score.to_bits()) << 32) | u64::from(u32::MAX - self.place[item as usize])
    }

    /// Reads the places of some, so that they are near when they are needed. The value means nothing.
    #[inline]
    pub(crate) fn fetch(&self, items: impl Iterator<Item = u32>) -> u32 {
        items.fold(0, |sum, item| sum ^ self.place[item as usize])
    }

    /// Whether `a` stands before `b`.
    pub(crate) fn is_before(&self, a: u32, b: u32) -> bool {
        self.place[a as usize] < self.place[b as usize]
    }
}

/// A score as it is stored: finite, not negative.
pub(crate) fn stored(score: f64) -> f32 {
    if score > 0.0 {
        score.min(f64::from(f32::MAX)) as f32
    } else {
        0.0
    }
}

/// The best so many of what is offered: kept in a buffer that is cut when it is full, which costs a heap's comparisons
/// only once in so many offers.
#[derive(Debug)]
pub(crate) struct Best {
    keys: Vec<u64>,
    size: usize,
    /// What a key must exceed; 0 until so many were offered.
    floor: u64,
}

impl Best {
    /// Keys that wait for a cut, in parts of what is kept.
    const SLACK: usize = 1;

    pub(crate) fn of(size: usize) -> Self {
        Self {
            keys: Vec::with_capacity(size * (1 + Self::SLACK)),
            size,
            floor: 0,
        }
    }

    /// Whether nothing below this score can get in.
    #[inline]
    pub(crate) fn admits(&self, score: f32) -> bool {
        u64::from(score.to_bits()) >= self.floor >> 32
    }

    /// Whether the key may be among the best; only a cut tells.
    #[inline]
    pub(crate) fn offer(&mut self, key: u64) -> bool {
        if key <= self.floor || self.size == 0 {
            return false;
        }
        self.keys.push(key);
        if self.keys.len() == self.size * (1 + Self::SLACK) {
            self.cut();
        }
        true
    }

    fn cut(&mut self) {
        if self.keys.len() > self.size {
            if let Some(least) = self.size.checked_sub(1) {
                self.keys.select_nth_unstable_by_key(least, |&key| Reverse(key));
                self.floor = self.keys[least];
            }
            self.keys.truncate(self.size);
        }
    }

    /// The score that whoever is still to be among the best has at least; 0 until so many were offered.
    pub(crate) fn least(&mut self) -> f32 {
        self.cut();
        f32::from_bits((self.floor >> 32) as u32)
    }

    /// The best, in no particular order.
    pub(crate) fn best(&mut self) -> &[u64] {
        self.cut();
        &self.keys
    }

    /// Leaves nothing.
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.floor = 0;
    }

    /// Best first; leaves nothing.
    pub(crate) fn take(&mut self) -> Vec<u64> {
        self.cut();
        self.floor = 0;
        let mut keys = std::mem::take(&mut self.keys);
        keys.sort_unstable_by_key(|&key| Reverse(key));
        keys
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_sort(
            size in 0..6_usize,
            keys in proptest::collection::hash_set(1..1000_u64, 0..80),
        ) {
            let mut best = Best::of(size);
            for &key in &keys {
                best.offer(key);
            }
            let mut sorted: Vec<u64> = keys.into_iter().collect();
            sorted.sort_unstable_by_key(|&key| Reverse(key));
            sorted.truncate(size);
            let mut unordered = best.best().to_vec();
            unordered.sort_unstable_by_key(|&key| Reverse(key));
            prop_assert_eq!(&unordered, &sorted);
            prop_assert_eq!(&best.take(), &sorted);
        }
    }
}
