//! Is a pair more than chance?

use rayon::prelude::*;

/// χ² at 5 % with one degree of freedom: pairs below it may be chance.
pub(crate) const CHANCE: f64 = 3.84;

/// x · ln x by x, as far as counts go: one ratio takes eleven logarithms, a build millions of ratios.
#[derive(Debug)]
pub(crate) struct XLogX(Vec<f64>);

impl XLogX {
    /// What the table may hold; larger counts are computed.
    const MOST: u32 = 1 << 20;

    /// For counts up to `total`.
    pub(crate) fn up_to(total: u32) -> Self {
        let counts = (0..=total.min(Self::MOST)).into_par_iter();
        Self(counts.map(|count| x_log_x(count.into())).collect())
    }

    fn of(&self, count: u64) -> f64 {
        let known = usize::try_from(count).ok().and_then(|at| self.0.get(at));
        known.copied().unwrap_or_else(|| x_log_x(count))
    }

    /// Dunning's log-likelihood ratio (1993) of a 2×2 table: `both` baskets hold the pair, `a` and `b` either product,
    /// of `total`. Counts that contradict each other are mended upwards.
    pub(crate) fn llr(&self, both: u64, a: u64, b: u64, total: u64) -> f64 {
        let (a, b) = (a.max(both), b.max(both));
        let total = total.max(a + b - both);
        let all = self.of(total);
        let split = |part: u64| all - (self.of(part) + self.of(total - part));
        let cells = [both, a - both, b - both, total + both - a - b];
        let cells = all - cells.into_iter().map(|count| self.of(count)).sum::<f64>();
        (2.0 * (split(a) + split(b) - cells)).max(0.0)
    }

    /// The largest companion count at which `both` common baskets still are more than chance, given the anchor's
    /// count: the ratio falls as the companion gets more common, so one comparison per pair replaces the ratio.
    pub(crate) fn largest_significant(&self, both: u32, anchor: u32, total: u32, chance: f64) -> u32 {
        let (both, anchor, total) = (u64::from(both), u64::from(anchor), u64::from(total));
        let holds = |companion: u64| {
            let positive = (both as f64) * (total as f64) > (anchor as f64) * (companion as f64);
            positive && self.llr(both, anchor, companion, total) > chance
        };
        let (mut low, mut high) = (both.saturating_sub(1), total);
        while low < high {
            let middle = (low + high).div_ceil(2);
            if holds(middle) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        u32::try_from(low).unwrap_or(u32::MAX)
    }
}

/// Observed ÷ expected under independence; 0 where nothing is expected.
pub(crate) fn lift(both: u64, a: u64, b: u64, total: u64) -> f64 {
    let expected = a as f64 * b as f64;
    if expected > 0.0 {
        both as f64 * total as f64 / expected
    } else {
        0.0
    }
}

fn x_log_x(count: u64) -> f64 {
    if count == 0 {
        0.0
    } else {
        count as f64 * (count as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn llr(both: u64, a: u64, b: u64, total: u64) -> f64 {
        let computed = XLogX::up_to(0).llr(both, a, b, total);
        let tabulated = XLogX::up_to(u32::try_from(a + b + total).unwrap()).llr(both, a, b, total);
        assert_eq!(computed.to_bits(), tabulated.to_bits());
        computed
    }

    #[test]
    fn the_ratio_agrees_with_a_table_worked_by_hand() {
        // Mahout's example: k11 = 10, k12 = k21 = 0, k22 = 10 gives 2 · 20 · ln 2.
        assert!((llr(10, 10, 10, 20) - 40.0 * 2_f64.ln()).abs() < 1e-9);
        assert!(llr(25, 50, 50, 100) < 1e-9, "independence scores nothing");
    }

    #[test]
    fn contradicting_counts_give_a_number() {
        assert!(llr(5, 2, 1, 3).is_finite());
        assert_eq!(llr(0, 0, 0, 0), 0.0);
    }

    #[test]
    fn the_threshold_is_where_the_ratio_crosses() {
        for (both, anchor, total) in [(1, 3, 1000), (2, 40, 900), (2, 7, 20), (1, 1, 1)] {
            let largest = XLogX::up_to(total).largest_significant(both, anchor, total, CHANCE);
            let at = |companion: u32| {
                let positive = u64::from(both) * u64::from(total) > u64::from(anchor) * u64::from(companion);
                positive && llr(both.into(), anchor.into(), companion.into(), total.into()) > CHANCE
            };
            assert!(
                (both..=total).all(|n| at(n) == (n <= largest)),
                "{both} {anchor} {total}"
            );
        }
    }
}
