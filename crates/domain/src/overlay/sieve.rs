//! What every proposal passes through.

use std::collections::HashSet;

use super::terms::Room;
use super::{DropReason, Dropped, Item, Marks, Offer, Rules, Terms, Vouched, vouch};
use crate::catalog::ProductCard;
use crate::id::ProductId;
use crate::stock::Availability;

/// What every proposal passes through, once.
pub(super) struct Sieve<'a, E, S> {
    marks: &'a Marks,
    rules: &'a Rules<'a>,
    terms: Option<Terms<'a>>,
    excluded: E,
    stock: S,
    seen: HashSet<ProductId>,
    room: Room<'a>,
    pub(super) dropped: Vec<Dropped>,
}

impl<'a, E: Fn(&ProductId) -> bool, S: Fn(&ProductId) -> Availability> Sieve<'a, E, S> {
    pub(super) fn new(marks: &'a Marks, rules: &'a Rules<'a>, excluded: E, stock: S) -> Self {
        Self {
            marks,
            rules,
            terms: rules.terms,
            excluded,
            stock,
            seen: HashSet::new(),
            room: Room::default(),
            dropped: Vec::new(),
        }
    }

    pub(super) fn pass(&mut self, offer: Offer) -> Option<Item> {
        match self.judge(&offer) {
            Ok(vouched) => {
                self.seen.insert(offer.product.clone());
                self.room.take(&offer, self.card(&offer.product));
                let adjusted = vouched.adjustment(self.rules.surface, self.rules.leads(&offer));
                Some(Item {
                    offer,
                    vouched,
                    adjusted,
                    explored: None,
                })
            }
            Err(reason) => {
                self.dropped.push(Dropped {
                    product: offer.product,
                    relation: offer.relation,
                    reason,
                });
                None
            }
        }
    }

    fn judge(&self, offer: &Offer) -> Result<Vouched, DropReason> {
        if (self.excluded)(&offer.product) {
            return Err(DropReason::ExcludedByRequest);
        }
        if self.marks.excludes(offer.product.as_str(), offer.relation) {
            return Err(DropReason::ExcludedByMerchant);
        }
        if let Some(terms) = &self.terms {
            terms.judge(self.rules.surface, &offer.product)?;
        }
        let state = (self.stock)(&offer.product);
        if state == Availability::Unknown && self.terms.is_some_and(|terms| terms.filter.in_stock_only) {
            return Err(DropReason::UnknownStock);
        }
        let vouched = vouch(state, self.rules.surface)?;
        if self.seen.contains(&offer.product) {
            return Err(DropReason::Duplicate);
        }
        self.room
            .judge(self.rules.surface, offer, self.card(&offer.product))?;
        Ok(vouched)
    }

    fn card(&self, product: &ProductId) -> Option<&'a ProductCard> {
        self.terms.and_then(|terms| terms.cards.get(product))
    }
}
