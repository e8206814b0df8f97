use crate::epoch::EpochRecord;

/// Pseudo-sales that pull a product's return rate towards the catalogue's.
const SHRINK: f64 = 20.0;

/// Return rates per product, shrunk.
#[derive(Debug)]
pub(crate) struct Returns {
    rates: Vec<f64>,
    usual: f64,
}

impl Returns {
    pub(super) fn new(epoch: &EpochRecord, places: &[Option<usize>]) -> Self {
        let sum =
            |part: fn(&(u32, u32)) -> u32| epoch.sold.iter().map(|row| u64::from(part(row))).sum::<u64>();
        let usual = sum(|row| row.1) as f64 / sum(|row| row.0).max(1) as f64;
        let rate = |place: &Option<usize>| {
            let (sold, back) = place.map_or((0, 0), |at| epoch.sold[at]);
            (f64::from(back) + SHRINK * usual) / (f64::from(sold) + SHRINK)
        };
        Self {
            rates: places.iter().map(rate).collect(),
            usual,
        }
    }

    /// Whether the companion comes back more often than the anchor, and than products usually do.
    pub(crate) fn is_worse(&self, companion: u32, anchor: u32) -> bool {
        self.rates[companion as usize] > self.rates[anchor as usize].max(self.usual)
    }
}
