use super::Frozen;
use crate::params::Together;

/// A closed form `c · (n_j + λ)^-β + μ · n_j / N`, tabulated per companion.
#[derive(Debug)]
pub(crate) struct Closed {
    factor: Vec<f64>,
    prior: Vec<f64>,
    lambda: f64,
    beta: f64,
}

impl Closed {
    pub(crate) fn new(frozen: &Frozen, lambda: f64, beta: f64, mu: f64) -> Self {
        let total = f64::from(frozen.total.max(1));
        Self {
            factor: frozen
                .counts
                .iter()
                .map(|&n| (f64::from(n) + lambda).powf(-beta))
                .collect(),
            prior: frozen.counts.iter().map(|&n| mu * f64::from(n) / total).collect(),
            lambda,
            beta,
        }
    }

    /// One anchor.
    pub(super) fn single(params: &Together, purchases: &Frozen) -> Self {
        Self::new(purchases, params.lambda, params.single_beta, params.single_mu)
    }

    /// Many anchors.
    pub(super) fn many(params: &Together, purchases: &Frozen) -> Self {
        Self::new(purchases, params.lambda, params.beta, 0.0)
    }

    /// The value of `weight` common baskets, given the frozen count and the co-count of the companion.
    #[inline]
    pub(crate) fn value(&self, item: u32, weight: f64, support: u32, frozen: u32) -> f64 {
        let factor = if support > frozen {
            (f64::from(support) + self.lambda).powf(-self.beta)
        } else {
            self.factor[item as usize]
        };
        weight * factor + self.prior[item as usize]
    }
}
