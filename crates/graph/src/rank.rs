//! Order of companions: by score, then popularity, then id — as one integer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

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

    pub(crate) fn item(&self, key: u64) -> u32 {
        self.product[(u32::MAX - key as u32) as usize]
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

/// The best so many of what is offered.
#[derive(Debug)]
pub(crate) struct Best {
    heap: BinaryHeap<Reverse<u64>>,
    size: usize,
    floor: u64,
}

impl Best {
    pub(crate) fn of(size: usize) -> Self {
        Self {
            heap: BinaryHeap::with_capacity(size + 1),
            size,
            floor: 0,
        }
    }

    /// Whether nothing below this score can get in.
    #[inline]
    pub(crate) fn admits(&self, score: f32) -> bool {
        u64::from(score.to_bits()) >= self.floor >> 32
    }

    /// Whether the key got in.
    #[inline]
    pub(crate) fn offer(&mut self, key: u64) -> bool {
        if key <= self.floor || self.size == 0 {
            return false;
        }
        if self.heap.len() == self.size {
            self.heap.pop();
        }
        self.heap.push(Reverse(key));
        if self.heap.len() == self.size {
            self.floor = self.heap.peek().map_or(0, |least| least.0);
        }
        true
    }

    /// Best first; empties the heap.
    pub(crate) fn take(&mut self) -> Vec<u64> {
        self.floor = 0;
        let mut keys: Vec<u64> = self.heap.drain().map(|key| key.0).collect();
        keys.sort_unstable_by_key(|&key| Reverse(key));
        keys
    }
}
