use serde::{Deserialize, Serialize};
use tandem_domain::rule::RatioBand;

use crate::params::Prices;

/// Ratios of companion to anchor price, as ln in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Band {
    pub(crate) lowest: i32,
    pub(crate) highest: i32,
}

impl Band {
    /// Of the anchor against the companion.
    pub(super) const fn reversed(self) -> Self {
        Self {
            lowest: -self.highest,
            highest: -self.lowest,
        }
    }
}

/// Between which ln of the ratio prices go together, the ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl From<Band> for Limits {
    fn from(band: Band) -> Self {
        Self {
            low: f64::from(band.lowest) / 100.0,
            high: f64::from(band.highest) / 100.0,
        }
    }
}

impl Limits {
    /// Of the band that a rule names. Prices are whole minor units, so a ratio at its end must not fall to rounding.
    pub(crate) fn of(band: RatioBand) -> Self {
        Self {
            low: band.least().value().ln() - 1e-9,
            high: band.most().value().ln() + 1e-9,
        }
    }

    /// Where neither orders nor a rule tell.
    pub(crate) fn usual(prices: &Prices) -> Self {
        Self {
            low: prices.lowest.ln(),
            high: prices.highest.ln(),
        }
    }
}

/// Buckets of a quarter (ln), from e^-8 to e^8.
const BUCKET: i32 = 25;
/// From a bucket's middle to the edge of a band: half a bucket, and a hundredth for each of the two logarithms that were
/// rounded before they were subtracted, so that no pair that was counted falls outside its own band.
const REACH: i32 = BUCKET / 2 + 2;
const HALF: i32 = 32;
/// So that the bucket of a ratio that is turned round is the one as far on the other side.
const _: () = assert!(BUCKET % 2 == 1);
pub(super) const BUCKETS: usize = 65;

/// ln of a price.
pub(super) fn log(minor: i64) -> f64 {
    (minor as f64).ln()
}

/// The mean of ln prices, in hundredths: below 4,400 whatever a price is, which an `i16` holds.
pub(super) fn mean(logs: impl Iterator<Item = f64>) -> Option<i16> {
    let (sum, many) = logs.fold((0.0, 0_u32), |(sum, many), log| (sum + log, many + 1));
    (many > 0).then(|| (sum / f64::from(many) * 100.0).round() as i16)
}

/// The bucket of a ratio. That of one turned round is as far on the other side of the middle.
#[inline]
pub(super) fn bucket(ln_hundredths: i32) -> usize {
    let nearest = (ln_hundredths + BUCKET.div_euclid(2))
        .div_euclid(BUCKET)
        .clamp(-HALF, HALF);
    usize::try_from(nearest + HALF).expect("clamped to the buckets")
}

/// The middle of some ratios, by bucket; `None` of too few.
pub(super) fn band(counts: &[u32], prices: &Prices) -> Option<Band> {
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    if total < u64::from(prices.observations.max(1)) {
        return None;
    }
    let tail = total * u64::from(prices.tail_percent.min(49)) / 100;
    let edge = |mut at: Box<dyn Iterator<Item = usize>>| {
        let mut seen = 0;
        at.find(|&bucket| {
            seen += u64::from(counts[bucket]);
            seen > tail
        })
    };
    let lowest = edge(Box::new(0..BUCKETS))?;
    let highest = edge(Box::new((0..BUCKETS).rev()))?;
    let middle = |bucket: usize| (i32::try_from(bucket).unwrap_or(HALF) - HALF) * BUCKET;
    Some(Band {
        lowest: middle(lowest) - REACH,
        highest: middle(highest) + REACH,
    })
}

/// A [`band`] in plain loops: of every ratio, sorted.
#[cfg(test)]
pub(super) fn plainly(mut ratios: Vec<i32>, prices: &Prices) -> Option<Band> {
    for ratio in &mut ratios {
        let nearest = (f64::from(*ratio) / f64::from(BUCKET)).round() as i32;
        *ratio = nearest.clamp(-HALF, HALF) * BUCKET;
    }
    ratios.sort_unstable();
    let tail = ratios.len() * prices.tail_percent as usize / 100;
    (ratios.len() >= prices.observations as usize).then(|| Band {
        lowest: ratios[tail] - REACH,
        highest: ratios[ratios.len() - 1 - tail] + REACH,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_leaves_the_tails_out() {
        let mut counts = [0; BUCKETS];
        (counts[20], counts[31], counts[32], counts[33], counts[60]) = (1, 40, 40, 17, 2);
        let prices = Prices::default();
        let expected = Band {
            lowest: -BUCKET - REACH,
            highest: BUCKET + REACH,
        };
        assert_eq!(band(&counts, &prices), Some(expected));
        assert_eq!(
            band(&[0; BUCKETS], &prices),
            None,
            "nothing observed, nothing learned"
        );
    }

    #[test]
    fn a_pair_whose_prices_never_vary_is_inside_its_own_band() {
        let (dear, cheap) = (
            mean([log(495)].into_iter()).unwrap(),
            mean([log(125)].into_iter()).unwrap(),
        );
        let mut counts = [0; BUCKETS];
        counts[bucket(i32::from(cheap) - i32::from(dear))] = 100;
        let band = band(&counts, &Prices::default()).unwrap();
        let exact = (125.0_f64 / 495.0).ln() * 100.0;
        assert!(
            f64::from(band.lowest) <= exact && exact <= f64::from(band.highest),
            "{band:?}"
        );
    }

    #[test]
    fn ratios_fall_into_the_nearest_bucket_and_absurd_ones_into_the_last() {
        assert_eq!((bucket(0), bucket(12), bucket(-12), bucket(13)), (32, 32, 32, 33));
        assert!((0..2_000).all(|ratio| bucket(ratio) + bucket(-ratio) == BUCKETS - 1));
        assert_eq!((bucket(i32::MIN / 2), bucket(i32::MAX / 2)), (0, BUCKETS - 1));
    }
}
