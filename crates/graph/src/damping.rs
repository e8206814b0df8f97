//! How a product's popularity takes from what it has in common with others.

/// `(n + λ)^-β`: what `count` baskets of a product leave of its common baskets. The larger λ, the less rare products
/// differ; the larger β, the more common ones lose.
#[inline]
pub(crate) fn damping(count: u32, lambda: f64, beta: f64) -> f64 {
    (f64::from(count) + lambda).powf(-beta)
}

/// `value^power`, to the digits that a stored score has: a power of twice as many takes several times as long.
#[inline]
pub(crate) fn raised(value: f64, power: f64) -> f64 {
    f64::from((value as f32).powf(power as f32))
}
