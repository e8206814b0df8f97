//! Companions of a basket as a whole.

use std::collections::HashSet;

use tandem_domain::catalog::ProductCard;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{
    Ballot, DropReason, Marks, Offer, Order, Overlaid, Rules, Slate, fuse, overlay, recency_weight,
};
use tandem_domain::relation::Relation;

use super::fallback::categories_of;
use super::gather::{Anchor, Gathered};
use super::lens::{Lens, proposed};
use super::votes::Votes;
use super::{Ask, Detail, Related, freshness};
use crate::availability::Reading;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::read::{Edition, Result};

/// One list for many anchors.
#[derive(Debug)]
pub(crate) struct BasketAnswer {
    /// Generation that was read; 0 before the first.
    pub(crate) generation: u64,
    /// How far the stock behind it can be trusted.
    pub(crate) freshness: Freshness,
    /// Items and what was dropped.
    pub(crate) overlaid: Overlaid,
    /// In the order of the items; empty in a basic view.
    pub(crate) details: Vec<Detail>,
    /// Products of the basket that no catalogue holds.
    pub(crate) missing: Vec<ProductId>,
}

impl Related {
    /// Companions of `basket`, whose most recent product stands last. Every anchor votes with its `basket_score`, unless
    /// it runs low and the surface then shows nothing around it; what is in the basket is never an answer.
    ///
    /// # Errors
    /// When the cache does not answer.
    pub(crate) async fn basket(
        &self,
        market: &Market,
        basket: &[ProductId],
        ask: &Ask,
    ) -> Result<BasketAnswer> {
        let manifest = market.manifest();
        let edition = Edition::of(market.id(), manifest.as_deref());
        let Gathered { found, missing } = self.gather(edition, basket, ask).await?;
        let stock = ask.stock(market);
        let votes = Votes::of(ask, &stock, found.iter().map(Anchor::id));
        let contents = Contents::new(basket, &found, &votes, ask, &stock);
        let mut lens = self.lens(market, edition, ask).await?;
        let known = proposed(&contents.offers, &contents.marks);
        self.look(&mut lens, market, ask, known).await?;
        let mut overlaid = contents.laid_over(&stock, &contents.offers, &lens);
        if !overlaid.more && !found.is_empty() {
            let categories = categories_of(contents.cards.iter().map(|card| &card.category));
            let bestsellers = self.bestsellers(edition, ask, &[categories]).await?.concat();
            let known = bestsellers.iter().map(|offer| &offer.product);
            self.look(&mut lens, market, ask, known).await?;
            let offers = [contents.offers.clone(), bestsellers].concat();
            overlaid = contents.laid_over(&stock, &offers, &lens);
        }
        let freshness = freshness(market, &ask.surface);
        let overlaid = match freshness.suppressed {
            true => overlaid.withheld(),
            false if votes.is_hidden() => overlaid.held_back(DropReason::AnchorLow),
            false => overlaid,
        };
        let details = self
            .details(market, edition, ask, &found, overlaid.items.iter())
            .await?;
        let detail = |details: super::detail::Details| {
            let items = overlaid.items.iter();
            items.map(|item| details.of_any(item, &found)).collect()
        };
        Ok(BasketAnswer {
            generation: edition.generation(),
            freshness,
            details: details.map(detail).unwrap_or_default(),
            overlaid,
            missing,
        })
    }
}

/// A basket's fused votes, and what holds for the answer.
struct Contents<'a> {
    basket: HashSet<&'a ProductId>,
    /// Of the products whose votes count.
    cards: Vec<&'a ProductCard>,
    offers: Vec<Offer>,
    lead: Option<Relation>,
    marks: Marks,
    ask: &'a Ask,
}

impl<'a> Contents<'a> {
    fn new(
        basket: &'a [ProductId],
        found: &'a [Anchor],
        votes: &Votes,
        ask: &'a Ask,
        stock: &Reading,
    ) -> Self {
        let counting: Vec<(usize, &Anchor)> = found
            .iter()
            .enumerate()
            .filter(|(at, _)| votes.counts(*at))
            .collect();
        let slates = counting
            .iter()
            .map(|(at, anchor)| anchor.slate(ask, votes.lead(*at), stock));
        let slates: Vec<Slate> = slates.collect();
        let ballots = counting.iter().zip(&slates).map(|((at, _), slate)| Ballot {
            slate,
            weight: recency_weight(found.len() - 1 - at),
        });
        let ballots: Vec<Ballot<'_>> = ballots.collect();
        let fused = fuse(&ballots, ask.relations.listed(&ask.surface));
        Self {
            basket: basket.iter().collect(),
            cards: counting.iter().map(|(_, anchor)| &anchor.card).collect(),
            offers: fused.iter().map(Offer::from).collect(),
            lead: votes.leading(),
            marks: votes.marks(found.iter().map(|anchor| &anchor.marks)),
            ask,
        }
    }

    fn laid_over(&self, stock: &Reading, offers: &[Offer], lens: &Lens) -> Overlaid {
        let rules = Rules {
            surface: &self.ask.surface,
            relations: self.ask.relations.listed(&self.ask.surface),
            order: Order::Score,
            lead: self.lead,
            window: self.ask.window,
            attach: None,
            explore: None,
            terms: lens.terms(self.ask, &self.cards),
        };
        overlay(
            &lens.shaped(offers),
            &self.marks,
            &rules,
            |product| self.basket.contains(product) || self.ask.excluded.contains(product),
            |product| stock.state(product),
        )
    }
}
