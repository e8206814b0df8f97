//! The one place of a list where something is tried that has not earned it: who stands there, and how likely that was.
//!
//! The place goes to one of the companions that stand at it or behind it, each with the same chance: to the one of which
//! `hash(shopper, day, anchor, companion)` is the least. So a shopper sees the same list all day, another shopper may see
//! another one, and nothing but the arguments decides. Who is eligible knows the propensity, one in their number, without
//! asking; it is logged all the same, since nobody can tell later who was in stock.

use super::{Adjustment, Item};
use crate::edge::Source;
use crate::id::ProductId;

/// Who is dealt what.
#[derive(Debug, Clone, Copy)]
pub struct Deal<'a> {
    /// By what the caller tells shoppers apart.
    pub shopper: &'a str,
    /// UTC day.
    pub day: i32,
    /// The anchor.
    pub anchor: &'a ProductId,
}

/// What is tried where.
#[derive(Debug, Clone, Copy)]
pub struct Explore<'a> {
    /// The place, from 1.
    pub at: u32,
    /// On whom, and when.
    pub deal: Deal<'a>,
}

impl Explore<'_> {
    /// Puts one of the companions from its place on into it. Where a merchant, a bestseller or what runs low stands there,
    /// nothing is tried.
    pub(super) fn deal(&self, items: &mut [Item]) {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(rest) = items.get_mut(at..) else {
            return;
        };
        let eligible: Vec<usize> = (0..rest.len()).filter(|at| may_be_tried(&rest[*at])).collect();
        if eligible.len() < 2 || eligible[0] != 0 {
            return;
        }
        let products = eligible.iter().map(|at| &rest[*at].offer.product);
        if let Some(picked) = self.deal.pick(products) {
            rest[..=eligible[picked]].rotate_right(1);
            rest[0].explored = u32::try_from(eligible.len()).ok();
        }
    }
}

fn may_be_tried(item: &Item) -> bool {
    matches!(item.offer.source, Source::Learned | Source::Attribute)
        && !matches!(item.adjusted, Some(Adjustment::Demoted | Adjustment::Attached(_)))
}

impl Deal<'_> {
    /// Which of the eligible companions is shown; none of none.
    pub fn pick<'p>(&self, eligible: impl IntoIterator<Item = &'p ProductId>) -> Option<usize> {
        let mut base = blake3::Hasher::new();
        for text in [self.shopper, self.anchor.as_str()] {
            base.update(&(text.len() as u64).to_le_bytes());
            base.update(text.as_bytes());
        }
        base.update(&self.day.to_le_bytes());
        let hash = |product: &ProductId| {
            let mut hasher = base.clone();
            hasher.update(product.as_str().as_bytes());
            *hasher.finalize().as_bytes()
        };
        let hashes = eligible.into_iter().map(hash).enumerate();
        hashes.min_by_key(|(_, hash)| *hash).map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(name: &str) -> ProductId {
        ProductId::new(name).expect("a valid id")
    }

    #[test]
    fn each_is_dealt_as_often_and_to_one_shopper_the_same_all_day() {
        let (anchor, names) = (product("anchor"), ["a", "b", "c", "d"].map(product));
        let mut dealt = [0_i32; 4];
        for shopper in 0..4_000 {
            let shopper = shopper.to_string();
            let deal = Deal {
                shopper: &shopper,
                day: 20_000,
                anchor: &anchor,
            };
            let at = deal.pick(&names).expect("there are four");
            assert_eq!(deal.pick(&names), Some(at));
            // Who else is eligible takes the place of nobody but the one that was picked.
            let without: Vec<&ProductId> = names
                .iter()
                .filter(|name| **name != names[(at + 1) % 4])
                .collect();
            assert_eq!(
                without[deal.pick(without.iter().copied()).expect("three")],
                &names[at]
            );
            dealt[at] += 1;
        }
        assert!(dealt.iter().all(|count| (count - 1_000).abs() < 150), "{dealt:?}");
    }

    #[test]
    fn nobody_is_picked_of_nobody() {
        let (anchor, shopper) = (product("anchor"), "somebody");
        let deal = Deal {
            shopper,
            day: 0,
            anchor: &anchor,
        };
        assert_eq!(deal.pick([]), None);
    }
}
