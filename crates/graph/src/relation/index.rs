use crate::row::Row;
use crate::signals::Input;

/// Pseudo-counts of the relation index.
const PRIOR: f64 = 3.0;

/// "Bought together minus viewed together" as `e^ρ`, ρ = ln((CP+3)/(E_p+3)) − ln((CV+3)/(E_v+3)). `None` where views
/// of either product are unknown. Two products and a division: no logarithm is needed for its sign.
pub(super) fn odds(row: &Row<'_>, item: u32) -> Option<f64> {
    let (viewed, views) = row.input(Input::CoView)?;
    if views.anchor(row.anchor) == 0 {
        return None;
    }
    let seen = views.companion(item, viewed.support(item));
    if seen == 0 {
        return None;
    }
    let (bought, purchases) = row.input(Input::CoPurchase)?;
    let sold = purchases.companion(item, bought.support(item));
    let together = (f64::from(bought.support(item)) + PRIOR) / (purchases.expected(row.anchor, sold) + PRIOR);
    let apart = (f64::from(viewed.support(item)) + PRIOR) / (views.expected(row.anchor, seen) + PRIOR);
    Some(together / apart)
}

/// σ(2ρ) from e^ρ.
pub(super) fn bought_rather(odds: f64) -> f64 {
    let squared = odds * odds;
    squared / (1.0 + squared)
}

/// σ(−2ρ) from e^ρ.
pub(super) fn viewed_rather(odds: f64) -> f64 {
    1.0 / (1.0 + odds * odds)
}
