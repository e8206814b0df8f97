use crate::facts::Baskets;

/// Scratch of one worker: which place in the pool a product has.
#[derive(Debug)]
pub(crate) struct PoolMarks {
    bits: Vec<u32>,
}

impl PoolMarks {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            bits: vec![0; products],
        }
    }

    /// For every combination of two or more of `items` that occurs in the anchor's baskets: which, as bits, and how
    /// often.
    pub(super) fn combinations(&mut self, baskets: &Baskets, anchor: u32, items: &[u32]) -> Vec<(u32, u32)> {
        for (place, &item) in items.iter().enumerate() {
            self.bits[item as usize] = 1 << place;
        }
        let held = |&basket: &u32| {
            baskets
                .items(basket)
                .iter()
                .fold(0, |held, &item| held | self.bits[item as usize])
        };
        let mut all: Vec<u32> = baskets
            .of(anchor)
            .iter()
            .map(held)
            .filter(|held| held.count_ones() > 1)
            .collect();
        for &item in items {
            self.bits[item as usize] = 0;
        }
        all.sort_unstable();
        all.chunk_by(|a, b| a == b)
            .map(|same| (same[0], crate::facts::dense(same.len())))
            .collect()
    }
}
