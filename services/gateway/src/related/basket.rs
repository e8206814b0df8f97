//! Companions of a basket as a whole.

use std::collections::HashSet;

use tandem_domain::catalog::ProductCard;
use tandem_domain::edge::Candidate;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Ballot, Marks, Offer, Order, Overlaid, Rules, fuse, overlay, recency_weight};

use super::fallback::categories_of;
use super::gather::{Anchor, Gathered};
use super::lens::{Lens, proposed};
use super::{Ask, Detail, Related, freshness};
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
    /// Companions of `basket`, whose most recent product stands last. Every anchor votes with its `basket_score`;
    /// what is in the basket is never an answer.
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
        let Gathered { found, missing } = self.gather(market, edition, basket, ask).await?;
        let contents = Contents::new(basket, &found, ask);
        let mut lens = self.lens(market, edition, ask).await?;
        let known = proposed(&contents.offers, &contents.marks);
        self.look(&mut lens, market, ask, known).await?;
        let mut overlaid = contents.laid_over(market, &contents.offers, &lens);
        if !overlaid.more && !found.is_empty() {
            let categories = categories_of(found.iter().map(|anchor| &anchor.card.category));
            let bestsellers = self.bestsellers(edition, ask, &[categories]).await?.concat();
            let known = bestsellers.iter().map(|offer| &offer.product);
            self.look(&mut lens, market, ask, known).await?;
            let offers = [contents.offers.clone(), bestsellers].concat();
            overlaid = contents.laid_over(market, &offers, &lens);
        }
        let freshness = freshness(market, &ask.surface);
        let overlaid = match freshness.suppressed {
            true => overlaid.withheld(),
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
    cards: Vec<&'a ProductCard>,
    offers: Vec<Offer>,
    marks: Marks,
    ask: &'a Ask,
}

impl<'a> Contents<'a> {
    fn new(basket: &'a [ProductId], found: &'a [Anchor], ask: &'a Ask) -> Self {
        let candidates: Vec<Vec<Candidate>> =
            found.iter().map(|anchor| anchor.candidates(ask, None)).collect();
        let ballots: Vec<Ballot<'_>> = found
            .iter()
            .zip(&candidates)
            .enumerate()
            .map(|(at, (anchor, candidates))| Ballot {
                candidates,
                marks: &anchor.marks,
                weight: recency_weight(found.len() - 1 - at),
            })
            .collect();
        Self {
            basket: basket.iter().collect(),
            cards: found.iter().map(|anchor| &anchor.card).collect(),
            offers: fuse(&ballots, ask.relations.listed(&ask.surface)),
            marks: Marks::joined(found.iter().rev().map(|anchor| &anchor.marks)),
            ask,
        }
    }

    fn laid_over(&self, market: &Market, offers: &[Offer], lens: &Lens) -> Overlaid {
        let rules = Rules {
            surface: &self.ask.surface,
            relations: self.ask.relations.listed(&self.ask.surface),
            order: Order::Score,
            lead: None,
            window: self.ask.window,
            explore: None,
            terms: lens.terms(self.ask, &self.cards),
        };
        let stock = self.ask.stock(market);
        overlay(
            &lens.shaped(offers),
            &self.marks,
            &rules,
            |product| self.basket.contains(product) || self.ask.excluded.contains(product),
            |product| stock.state(product),
        )
    }
}
