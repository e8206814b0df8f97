//! The part of an answer that stock does not move, worked out once and laid over with stock as often as it is shown.

use rustc_hash::FxHashSet;

use super::{DropReason, Named, Offer, Rules, lined_up, pinned};
use crate::id::ProductId;
use crate::overlay::Marks;

/// What may be shown of an anchor, in order, each product once.
///
/// Laying stock over it gives what [`super::overlay`] gives: pass over what cannot be bought, put the pins in place
/// with [`arrange`], cut the page. A product that stands in a better place has one state of stock, so that the better
/// place decides for all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<P = ProductId> {
    /// Pins with their positions from 1, in the order in which they are placed.
    pub pins: Vec<(u32, Offer<P>)>,
    /// Everything else, best first.
    pub offers: Vec<Offer<P>>,
    /// Proposals that no stock can bring back, counted.
    pub refused: Vec<(DropReason, u32)>,
}

impl<'a, P: Named<'a>> Line<P> {
    /// Lines up what [`super::overlay`] would look at; the window of `rules` does not matter. `excluded` names what
    /// is never an answer, whoever asks.
    #[must_use]
    pub fn of(
        offers: Vec<Offer<P>>,
        marks: &'a Marks,
        rules: &Rules<'_>,
        excluded: impl Fn(&str) -> bool,
    ) -> Self {
        let mut seen: FxHashSet<P> = FxHashSet::default();
        seen.reserve(offers.len());
        let mut counts = [0; 3];
        let mut stands = |offer: &Offer<P>| {
            let product = offer.product.borrow();
            let refused = if excluded(product) {
                0
            } else if marks.excludes(product, offer.relation) {
                1
            } else if seen.insert(offer.product.clone()) {
                return true;
            } else {
                2
            };
            counts[refused] += 1;
            false
        };
        let pins = rules.served_pins(marks);
        let pins = pins.map(|pin| (pin.position, pinned(pin, &offers)));
        let pins = pins.filter(|(_, offer)| stands(offer)).collect();
        let mut offers = lined_up(offers, marks, rules);
        offers.retain(stands);
        let reasons = [
            DropReason::ExcludedByRequest,
            DropReason::ExcludedByMerchant,
            DropReason::Duplicate,
        ];
        let refused = reasons.into_iter().zip(counts);
        let refused = refused.filter(|(_, count)| *count > 0).collect();
        Self {
            pins,
            offers,
            refused,
        }
    }
}

/// Puts pins at their places from 1 among `items`, in the order of their positions; of two at one position the later
/// takes the next. Items that stand behind the page and the one after it may be missing: they move nothing before.
pub fn arrange<T>(items: &mut Vec<T>, pins: impl IntoIterator<Item = (u32, T)>) {
    let mut next = 0;
    for (position, item) in pins {
        let wanted = usize::try_from(position).unwrap_or(usize::MAX).saturating_sub(1);
        let at = wanted.max(next).min(items.len());
        items.insert(at, item);
        next = at + 1;
    }
}
