//! Closed forms, nearly: from one read of all that they are made of.

use super::Closed;
use crate::rank::stored;

/// What the closed forms of a companion are made of, in one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Makings {
    single: f32,
    pull: f32,
    many: f32,
    pub(super) frozen: u32,
}

/// The values of a companion, nearly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) score: f32,
    pub(crate) vote: f32,
    /// Baskets of the companion.
    pub(crate) companion: u32,
}

impl Makings {
    /// Of a companion of `frozen` baskets.
    pub(super) fn of((single, many): (&Closed, &Closed), item: u32, frozen: u32) -> Self {
        Self {
            single: stored(single.factor(item, frozen)),
            pull: stored(single.pull(frozen)),
            many: stored(many.factor(item, frozen)),
            frozen,
        }
    }

    /// Leaves `share` of its votes.
    pub(super) fn shrink(&mut self, share: f64) {
        self.many *= share as f32;
    }

    /// What the closed forms of so much common weight come to, as long as the companion had as many baskets at the freeze.
    #[inline]
    pub(super) fn estimate(&self, single: f32, weight: f32) -> Estimate {
        Estimate {
            score: single * self.single + self.pull,
            vote: weight * self.many,
            companion: self.frozen,
        }
    }
}

impl Estimate {
    /// More than eight roundings to 24 bits come to, for either of two.
    const SLACK: f32 = 2e-6;

    /// What a value is estimated at least that is no smaller than another that is estimated so.
    pub(crate) fn least(estimated: f32) -> f32 {
        (estimated * (1.0 - Self::SLACK) - f32::MIN_POSITIVE).max(0.0)
    }

    /// What a value is no larger than that is estimated so.
    pub(crate) fn most(estimated: f32) -> f64 {
        f64::from(estimated) * f64::from(1.0 + Self::SLACK) + f64::from(f32::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::count::ONE;

    proptest! {
        #[test]
        fn whoever_is_worth_more_is_not_estimated_at_less(
            counts in proptest::collection::vec(1..2_000_u32, 40),
            parts in proptest::collection::vec(1..4_000_000_u64, 40),
            trend in proptest::collection::vec(0.2..5.0_f64, 40),
            (lambda, beta, mu) in (0.0..50.0_f64, prop_oneof![-1.0..3.0_f64, 10.0..14.0_f64], 0.0..20.0_f64),
        ) {
            let form = |mu| Closed::new(&counts, 100_000, lambda, beta, mu);
            let (single, many) = (form(mu).with_trend(trend), form(0.0));
            // Every other one is worth nearly as much as the one before: there estimates may be in another order than values.
            let mut parts = parts;
            for at in (0..parts.len()).step_by(2) {
                let factor = |at: usize| many.factor(at as u32, counts[at]);
                parts[at + 1] = (parts[at] as f64 * factor(at) / factor(at + 1)).round().clamp(1.0, 1e12) as u64;
            }
            let valued: Vec<[(f32, f32); 2]> = (0..).zip(counts.iter().zip(&parts)).map(|(item, (&frozen, &parts))| {
                let weight = parts as f64 / ONE as f64;
                let near = Makings::of((&single, &many), item, frozen).estimate(weight as f32, weight as f32);
                let value = |form: &Closed| stored(form.value(item, weight, 1, frozen));
                [(value(&single), near.score), (value(&many), near.vote)]
            }).collect();
            for a in &valued {
                for b in &valued {
                    for (a, b) in a.iter().zip(b) {
                        prop_assert!(a.0 < b.0 || a.1 >= Estimate::least(b.1), "{a:?} {b:?}");
                    }
                }
            }
        }
    }
}
