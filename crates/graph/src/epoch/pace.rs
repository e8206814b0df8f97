use serde::{Deserialize, Serialize};
use tandem_domain::pace::{Pace, Selling};

use super::check::{InvalidRecord, holds};
use super::{EpochRecord, Lent};
use crate::bestseller::bestsellers;
use crate::facts::{Baskets, Facts, dense};

/// How products sell at the freeze, and which of them sell best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaceRecord {
    /// Per product of the record nothing, or two entries: the day since when it is known, and what it sold.
    paces: Lent,
    /// Bestsellers of the marketplace or of their leaf category, ascending.
    leaders: Vec<u32>,
}

impl PaceRecord {
    /// `selling` in any order; of products that it does not name nothing is known.
    pub(super) fn freeze(facts: &Facts, epoch: &EpochRecord, selling: &[Selling]) -> Self {
        let (products, zero) = (facts.products.len(), epoch.day_zero.day());
        let index = |id| facts.products.ids.binary_search(id).ok();
        let first_events = first_events(facts);
        let mut rows = vec![Vec::new(); products];
        for selling in selling {
            let Some(at) = index(&selling.product) else {
                continue;
            };
            let pace = Pace::of(selling, first_events[at], zero);
            if pace.may_be_attached(zero) {
                rows[at] = vec![(0, pace.since.cast_unsigned()), (1, sold(&pace))];
            }
        }
        let best = bestsellers(facts, epoch);
        let best = best.iter().flat_map(|best| &best.products);
        let mut leaders: Vec<u32> = best.filter_map(|(id, _)| index(id).map(dense)).collect();
        leaders.sort_unstable();
        leaders.dedup();
        Self {
            paces: Lent::of(rows),
            leaders,
        }
    }

    /// By the record's index.
    pub(crate) fn paces(&self) -> impl Iterator<Item = Option<Pace>> {
        self.paces.rows().map(|row| match row[..] {
            [(_, since), (_, sold)] => Some(Pace {
                since: since.cast_signed(),
                sold: (sold >> 1).checked_sub(1),
                clearance: sold & 1 == 1,
            }),
            _ => None,
        })
    }

    /// Whether a build could have written it, for so many products.
    pub(super) fn check(&self, products: usize) -> Result<(), InvalidRecord> {
        self.paces.check("pace.paces", products, 2, u32::MAX)?;
        let leaders = &self.leaders;
        let is_ascending = leaders.is_sorted_by(|a, b| a < b);
        let are_products = leaders.last().is_none_or(|&last| (last as usize) < products);
        holds(
            "pace.leaders",
            is_ascending && are_products,
            "not ascending, or beyond the products",
        )
    }

    pub(crate) fn leaders(&self) -> &[u32] {
        &self.leaders
    }
}

/// Units and one, 0 where they are not known; the last bit is that of clearance. More than may count as slow is not told
/// apart.
fn sold(pace: &Pace) -> u32 {
    let units = pace.sold.map_or(0, |units| units.min(Pace::MAX_SLOW_BELOW) + 1);
    units << 1 | u32::from(pace.clearance)
}

/// The day of each product's first event in the windows.
fn first_events(facts: &Facts) -> Vec<Option<i32>> {
    let mut first: Vec<Option<i32>> = vec![None; facts.products.len()];
    let mut look = |baskets: &Baskets| {
        for basket in 0..dense(baskets.len()) {
            let day = baskets.day(basket);
            for &item in baskets.items(basket) {
                let first = &mut first[item as usize];
                *first = Some(first.map_or(day, |first| first.min(day)));
            }
        }
    };
    [&facts.purchases, &facts.carts, &facts.views, &facts.scenes]
        .into_iter()
        .for_each(&mut look);
    first
}
