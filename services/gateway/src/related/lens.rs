//! What a request sees companions through, besides stock: its filter, its surface's rules, its shopper.
//!
//! All of it is asked of cards, which are read for the companions of this answer alone; so such answers are never kept,
//! whatever changes about a companion is seen by the next one. Requests that ask nothing of the kind read nothing here.

use std::borrow::Cow;
use std::collections::HashSet;

use tandem_domain::catalog::ProductCard;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Cards, Marks, Offer, Recent, Segment, Taste, Terms, personalise};

use super::{Ask, Related};
use crate::market::Market;
use crate::read::{Edition, Result};

/// Who asks, where the rank is to be theirs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shopper {
    /// What they looked at, the most recent first.
    pub(crate) recent: Vec<ProductId>,
    /// What they bought lately.
    pub(crate) bought: HashSet<ProductId>,
    /// What their kind likes.
    pub(crate) segment: Segment,
    /// Who they are, where something may be tried on them.
    pub(crate) id: Option<String>,
}

impl Shopper {
    /// Whether nothing is known of them.
    pub(crate) fn is_unknown(&self) -> bool {
        self.recent.is_empty() && self.bought.is_empty() && self.segment.is_empty()
    }
}

/// What is known of the companions and of the shopper.
#[derive(Debug, Default)]
pub(super) struct Lens {
    cards: Cards,
    taste: Option<Taste>,
}

impl Related {
    /// What is known of the shopper.
    pub(super) async fn lens(&self, market: &Market, edition: Edition<'_>, ask: &Ask) -> Result<Lens> {
        if ask.shopper.is_unknown() {
            return Ok(Lens::default());
        }
        let Shopper {
            recent,
            bought,
            segment,
            ..
        } = &ask.shopper;
        let (cards, lists) = futures::try_join!(
            self.reader.cards(market.id(), recent),
            self.reader.lists(edition, recent),
        )?;
        let recent = cards.into_iter().zip(lists).map(|(card, lists)| Recent {
            card,
            companions: lists
                .candidates()
                .map(|candidate| candidate.identified().product)
                .collect(),
        });
        Ok(Lens {
            cards: Cards::new(),
            taste: Some(Taste {
                recent: recent.collect(),
                bought: bought.clone(),
                segment: segment.clone(),
            }),
        })
    }

    /// Reads the cards of `products` that are not known yet, in one round trip, if anything is asked of them.
    pub(super) async fn look<'p>(
        &self,
        lens: &mut Lens,
        market: &Market,
        ask: &Ask,
        products: impl Iterator<Item = &'p ProductId>,
    ) -> Result<()> {
        if !ask.needs_cards() {
            return Ok(());
        }
        let unknown: HashSet<&ProductId> = products
            .filter(|product| !lens.cards.contains_key(*product))
            .collect();
        let unknown: Vec<ProductId> = unknown.into_iter().cloned().collect();
        let cards = self.reader.cards(market.id(), &unknown).await?;
        let cards = cards.into_iter().flatten().map(|card| (card.id.clone(), card));
        lens.cards.extend(cards);
        Ok(())
    }
}

impl Lens {
    /// What is asked of companions of `anchors`; nothing where neither surface nor request asks anything.
    pub(super) fn terms<'a>(&'a self, ask: &'a Ask, anchors: &'a [&'a ProductCard]) -> Option<Terms<'a>> {
        let plain = ask.surface.is_plain() && ask.filter.is_open();
        (!plain).then_some(Terms {
            filter: &ask.filter,
            anchors,
            cards: &self.cards,
        })
    }

    /// The offers with their scores as the shopper's taste has them.
    pub(super) fn shaped<'o>(&self, offers: &'o [Offer]) -> Cow<'o, [Offer]> {
        let Some(taste) = &self.taste else {
            return Cow::Borrowed(offers);
        };
        let mut offers = offers.to_vec();
        personalise(&mut offers, taste, &self.cards);
        Cow::Owned(offers)
    }
}

/// Every product that may become an item.
pub(super) fn proposed<'a>(offers: &'a [Offer], marks: &'a Marks) -> impl Iterator<Item = &'a ProductId> {
    let pins = marks.pins().iter().map(|pin| &pin.product);
    let boosts = marks.boosts().map(|(product, _)| product);
    offers
        .iter()
        .map(|offer| &offer.product)
        .chain(pins)
        .chain(boosts)
}
