/// A closed form `c · (n_j + λ)^-β · trend_j + μ · n_j / N`, tabulated per companion.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// (factor, prior) per companion.
    table: Vec<(f64, f64)>,
    lambda: f64,
    beta: f64,
}

impl Closed {
    pub(super) fn new(counts: &[u32], total: u32, lambda: f64, beta: f64, mu: f64) -> Self {
        let total = f64::from(total.max(1));
        let entry = |&n: &u32| ((f64::from(n) + lambda).powf(-beta), mu * f64::from(n) / total);
        Self {
            table: counts.iter().map(entry).collect(),
            lambda,
            beta,
        }
    }

    pub(super) fn with_trend(mut self, trend: &[f64]) -> Self {
        for ((factor, _), trend) in self.table.iter_mut().zip(trend) {
            *factor *= trend;
        }
        self
    }

    /// The value of `weight` common baskets, given the frozen count and the co-count of the companion.
    #[inline]
    pub(crate) fn value(&self, item: u32, weight: f64, support: u32, frozen: u32) -> f64 {
        let (factor, prior) = self.table[item as usize];
        if support > frozen {
            return weight * (f64::from(support) + self.lambda).powf(-self.beta) + prior;
        }
        weight * factor + prior
    }
}
