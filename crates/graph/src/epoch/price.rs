use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tandem_domain::rule::RatioBand;

use super::category::{Found, LeafBaskets};
use crate::facts::dense;
use crate::params::Prices;

/// Ratios of companion to anchor price, as ln in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Band {
    pub(crate) lowest: i32,
    pub(crate) highest: i32,
}

impl Band {
    /// Of the anchor against the companion.
    const fn reversed(self) -> Self {
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
const BUCKETS: usize = 65;

/// Orders that are brought near together.
const TOGETHER: usize = 32;

/// ln of a price.
pub(super) fn log(minor: i64) -> f64 {
    (minor as f64).ln()
}

/// The mean of ln prices, in hundredths: below 4,400 whatever a price is, which an `i16` holds.
pub(super) fn mean(logs: impl Iterator<Item = f64>) -> Option<i16> {
    let (sum, many) = logs.fold((0.0, 0_u32), |(sum, many), log| (sum + log, many + 1));
    (many > 0).then(|| (sum / f64::from(many) * 100.0).round() as i16)
}

/// What is usually paid in one category against another. That is what is paid in the other against the one, turned round:
/// so each two are looked at once.
pub(super) struct Bands {
    /// By the smaller leaf of two: the larger one, ascending, and its band against the smaller one.
    above: Vec<Vec<(u32, Option<Band>)>>,
}

impl Bands {
    /// Those of each leaf and what was found to go with it.
    pub(super) fn learn(baskets: &LeafBaskets, related: &[Vec<Found>], prices: &Prices) -> Self {
        let mut above: Vec<Vec<u32>> = vec![Vec::new(); related.len()];
        for (leaf, found) in (0..).zip(related) {
            for &Found { other, .. } in found {
                above[leaf.min(other) as usize].push(leaf.max(other));
            }
        }
        let leaves = related.len();
        let learned = above.into_par_iter().enumerate().map_init(
            || vec![0; leaves],
            |place, (leaf, mut above)| {
                above.sort_unstable();
                above.dedup();
                learn(baskets, dense(leaf), &above, prices, place)
            },
        );
        Self {
            above: learned.collect(),
        }
    }

    /// What is paid in `other` against `leaf`; `None` where too few orders tell.
    pub(super) fn of(&self, leaf: u32, other: u32) -> Option<Band> {
        let above = &self.above[leaf.min(other) as usize];
        let at = above.binary_search_by_key(&leaf.max(other), |one| one.0);
        let band = above[at.expect("learned of each two that go together")].1?;
        Some(if other > leaf { band } else { band.reversed() })
    }
}

/// What is paid in each of the leaves `above` against `leaf`, the smaller one. `place` is scratch: a zero for every leaf.
fn learn(
    baskets: &LeafBaskets,
    leaf: u32,
    above: &[u32],
    prices: &Prices,
    place: &mut [u32],
) -> Vec<(u32, Option<Band>)> {
    if above.is_empty() {
        return Vec::new();
    }
    // Whether a leaf is asked about is a coin that no branch foretells: all are counted, and the first count is of those who
    // are not, or have no price.
    let mut counts = vec![[0_u32; BUCKETS]; 1 + above.len()];
    for (at, &other) in (1..).zip(above) {
        place[other as usize] = at;
    }
    let mut spans = [(0, 0); TOGETHER];
    for some in baskets.leaves.of(leaf).chunks(TOGETHER) {
        for (span, &basket) in spans.iter_mut().zip(some) {
            *span = baskets.leaves.span(basket);
        }
        let spans = &spans[..some.len()];
        std::hint::black_box(baskets.fetch(spans));
        for &span in spans {
            let (leaves, paid) = baskets.spanned(span);
            let before = leaves
                .iter()
                .map(|&other| usize::from(other < leaf))
                .sum::<usize>();
            let Some(own) = paid[before] else { continue };
            for (&other, paid) in leaves[before..].iter().zip(&paid[before..]) {
                let found = place[other as usize] * u32::from(paid.is_some());
                let ratio = i32::from(paid.unwrap_or(own)) - i32::from(own);
                counts[found as usize][bucket(ratio)] += 1;
            }
        }
    }
    for &other in above {
        place[other as usize] = 0;
    }
    let bands = counts[1..].iter().map(|counts| band(counts, prices));
    above.iter().copied().zip(bands).collect()
}

fn bucket(ln_hundredths: i32) -> usize {
    let nearest = (ln_hundredths + BUCKET.div_euclid(2))
        .div_euclid(BUCKET)
        .clamp(-HALF, HALF);
    usize::try_from(nearest + HALF).expect("clamped to the buckets")
}

fn band(counts: &[u32; BUCKETS], prices: &Prices) -> Option<Band> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::Baskets;

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
        assert_eq!((bucket(i32::MIN / 2), bucket(i32::MAX / 2)), (0, BUCKETS - 1));
    }

    /// A band in plain loops: every ratio that was paid, sorted.
    fn plainly(orders: &[Vec<(u32, Option<i16>)>], leaf: u32, other: u32, prices: &Prices) -> Option<Band> {
        let paid = |order: &[(u32, Option<i16>)], leaf: u32| {
            let of_leaf = order.iter().find(|one| one.0 == leaf);
            of_leaf.and_then(|one| one.1)
        };
        let ratios = orders.iter().filter_map(|order| {
            let ratio = i32::from(paid(order, other)?) - i32::from(paid(order, leaf)?);
            let nearest = (f64::from(ratio) / f64::from(BUCKET)).round() as i32;
            Some(nearest.clamp(-HALF, HALF) * BUCKET)
        });
        let mut ratios: Vec<i32> = ratios.collect();
        ratios.sort_unstable();
        let tail = ratios.len() * prices.tail_percent as usize / 100;
        (ratios.len() >= prices.observations as usize).then(|| Band {
            lowest: ratios[tail] - REACH,
            highest: ratios[ratios.len() - 1 - tail] + REACH,
        })
    }

    proptest! {
        #[test]
        fn bands_are_those_of_plain_loops_in_both_directions(
            orders in proptest::collection::vec(
                proptest::collection::btree_map(0..5_u32, proptest::option::of(-1_000..1_000_i16), 1..5),
                0..60,
            ),
            pairs in proptest::collection::vec((0..5_u32, 0..5_u32), 1..9),
            (observations, tail_percent) in (1..6_u32, 0..40_u32),
        ) {
            let orders: Vec<Vec<(u32, Option<i16>)>> = orders.into_iter().map(|order| order.into_iter().collect()).collect();
            let leaves: Vec<Vec<u32>> = orders.iter().map(|order| order.iter().map(|one| one.0).collect()).collect();
            let baskets = LeafBaskets {
                leaves: Baskets::plain(leaves.iter().map(Vec::as_slice), 5),
                prices: orders.iter().flatten().map(|one| one.1).collect(),
            };
            let prices = Prices { observations, tail_percent, ..Prices::default() };
            let pairs = || pairs.iter().copied().filter(|(leaf, other)| leaf != other);
            // What is found from one side only is known from both.
            let mut related = vec![Vec::new(); 5];
            for (leaf, other) in pairs() {
                related[leaf as usize].push(Found { other, both: 1, learned: true });
            }
            let bands = Bands::learn(&baskets, &related, &prices);
            for (leaf, other) in pairs() {
                prop_assert_eq!(bands.of(leaf, other), plainly(&orders, leaf, other, &prices));
                prop_assert_eq!(bands.of(other, leaf), plainly(&orders, other, leaf, &prices));
            }
        }
    }
}
