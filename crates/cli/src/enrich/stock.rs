//! Stock: most of it there, some low, a little gone.

use std::collections::HashSet;

use tandem_domain::catalog::SkuInput;
use tandem_domain::id::ProductId;
use tandem_domain::stock::{Pool, Reported, StockReport};

use super::baskets::Baskets;
use super::dice::Dice;

/// The source that all reports name.
const SOURCE: &str = "demo-warehouse";
/// So many bestsellers are well stocked.
const BESTSELLERS: usize = 200;

/// A first report for every SKU.
pub(super) fn of(skus: &[SkuInput], baskets: &Baskets<'_>, seed: u64) -> Vec<StockReport> {
    let bestsellers: HashSet<&ProductId> = baskets.bestsellers().into_iter().take(BESTSELLERS).collect();
    let report = |sku: &SkuInput| {
        let mut dice = Dice::of(seed, "stock", sku.id.as_str());
        let units = if bestsellers.contains(&sku.product) {
            dice.between(60, 400)
        } else {
            ordinary(&mut dice)
        };
        StockReport {
            sku: sku.id.clone(),
            pool: Pool::Normal,
            source: SOURCE.to_owned(),
            quantity: Reported::Set {
                available: i64::try_from(units).unwrap_or(i64::MAX),
                source_version: 1,
            },
        }
    };
    skus.iter().map(report).collect()
}

fn ordinary(dice: &mut Dice) -> u64 {
    match dice.below(100) {
        0..4 => 0,
        4..12 => dice.between(1, 5),
        _ => dice.between(8, 240),
    }
}
