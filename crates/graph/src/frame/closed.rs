use rayon::prelude::*;

use crate::count::ONE;
use crate::damping::damping;

/// A closed form `c · (n_j + λ)^-β · trend_j + μ · n_j / N`. Powers are tabulated by count, not by companion: counts
/// repeat, and a table of them stays in the cache.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// [`damping`] by count, as far as frozen counts and [`Self::MOST`] go.
    damping: Vec<f64>,
    /// Per companion; empty where there is none.
    trend: Vec<f64>,
    lambda: f64,
    beta: f64,
    mu: f64,
    total: f64,
    most: Most,
}

/// What closed forms are no larger than, whoever the companion is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Most {
    /// The most that a common weight of 1 is worth; infinite where popular companions are worth more.
    per_weight: f64,
    /// The most that comes on top.
    on_top: f64,
}

impl Most {
    /// What so much common weight is worth at most.
    #[inline]
    pub(crate) fn of(&self, weight: f64) -> f64 {
        weight * self.per_weight + self.on_top
    }

    /// The same, so many times over.
    pub(crate) fn times(self, times: f64) -> Self {
        // Finite, for 0 · ∞ is no number. Where `value` made none already, `f64::min` leaves the other one.
        let most = |value: f64| (times * value).min(f64::MAX);
        Self {
            per_weight: most(self.per_weight),
            on_top: most(self.on_top),
        }
    }
}

impl Closed {
    /// What the table may hold; the damping of larger counts is computed.
    const MOST: u32 = 1 << 20;

    pub(super) fn new(counts: &[u32], total: u32, lambda: f64, beta: f64, mu: f64) -> Self {
        let largest = counts.iter().max().copied().unwrap_or(0);
        let total = f64::from(total.max(1));
        Self {
            damping: (0..=largest.min(Self::MOST))
                .into_par_iter()
                .map(|count| damping(count, lambda, beta))
                .collect(),
            trend: Vec::new(),
            lambda,
            beta,
            mu,
            total,
            // A companion stands in a basket at least; where popular ones are worth more, nothing bounds them.
            most: if beta < 0.0 {
                Most {
                    per_weight: f64::INFINITY,
                    on_top: f64::INFINITY,
                }
            } else {
                Most {
                    per_weight: damping(1, lambda, beta),
                    on_top: mu.max(0.0) * f64::from(largest) / total,
                }
            },
        }
    }

    pub(super) fn with_trend(mut self, trend: Vec<f64>) -> Self {
        self.most.per_weight *= trend.iter().copied().fold(1.0, f64::max);
        self.trend = trend;
        self
    }

    /// A common weight in parts of [`ONE`] below which no companion is worth `value` as it is stored.
    pub(crate) fn least_weight(&self, value: f64) -> u64 {
        /// More than all roundings on the way come to.
        const SLACK: f64 = 1e-6;
        let Most { per_weight, on_top } = self.most;
        ((value * (1.0 - SLACK) - on_top) / per_weight * ONE as f64) as u64
    }

    /// What values are no larger than.
    pub(crate) const fn most(&self) -> Most {
        self.most
    }

    /// The value of `weight` common baskets, given the frozen count and the co-count of the companion.
    #[inline]
    pub(crate) fn value(&self, item: u32, weight: f64, support: u32, frozen: u32) -> f64 {
        let factor = if support > frozen {
            damping(support, self.lambda, self.beta)
        } else {
            self.factor(item, frozen)
        };
        weight * factor + self.pull(frozen)
    }

    /// Reads what factors are made of, so that it is near when it is needed. The value means nothing.
    #[inline]
    pub(crate) fn fetch(&self, items: &[u32]) -> u64 {
        let trends = items.iter().filter_map(|&item| self.trend.get(item as usize));
        trends.fold(0, |sum, trend| sum ^ trend.to_bits())
    }

    /// What a common weight of 1 is worth with a companion of so many baskets.
    #[inline]
    pub(super) fn factor(&self, item: u32, frozen: u32) -> f64 {
        let known = self.damping.get(frozen as usize).copied();
        let damping = known.unwrap_or_else(|| damping(frozen, self.lambda, self.beta));
        self.trend
            .get(item as usize)
            .map_or(damping, |trend| damping * trend)
    }

    /// What comes on top of that: `μ · n_j / N`. Nothing takes from a value.
    #[inline]
    pub(super) fn pull(&self, frozen: u32) -> f64 {
        if self.mu > 0.0 {
            self.mu * f64::from(frozen) / self.total
        } else {
            0.0
        }
    }
}
