//! A basket whose anchors' votes this process keeps: nothing is read but bestsellers, and only where the votes fall short.

use std::collections::HashSet;
use std::sync::Arc;

use tandem_domain::id::ProductId;
use tandem_domain::overlay::{
    Adjustment, Ballot, DropReason, Item, Line, Marks, Offer, Order, Rules, arrange, fuse, recency_weight,
    vouch,
};

use super::fallback::categories_of;
use super::kept::Want;
use super::{Ask, Related};
use crate::availability::Reading;
use crate::market::Market;
use crate::meters::Drops;
use crate::near::{Kept, Vote};
use crate::read::{Edition, Result};

/// One list for many anchors.
#[derive(Debug)]
pub(crate) struct KeptBasket {
    /// Generation that was read; 0 before the first.
    pub(crate) generation: u64,
    /// The page.
    pub(crate) items: Vec<Item>,
    /// What is not shown.
    pub(crate) drops: Drops,
    /// Products of the basket that no catalogue holds.
    pub(crate) missing: Vec<ProductId>,
}

impl Related {
    /// The answer that [`Related::basket`] gives; `None` when the votes are of more than one generation.
    ///
    /// # Errors
    /// When the cache does not answer.
    pub(crate) async fn kept_basket(
        &self,
        market: &Arc<Market>,
        basket: &[ProductId],
        ask: &Ask,
    ) -> Result<Option<KeptBasket>> {
        let entries = self.entries(market, basket, ask, Want::Vote).await?;
        let generation = entries.first().map_or(0, |entry| entry.generation);
        let manifest = market.manifest();
        let edition = Edition::of(market.id(), manifest.as_deref());
        let of_one = entries.iter().all(|entry| entry.generation == generation);
        if entries.len() != basket.len() || !of_one || edition.generation() != generation {
            return Ok(None);
        }
        let votes: Vec<&Vote> = entries
            .iter()
            .filter_map(|entry| match &entry.kept {
                Kept::Vote(vote) => Some(vote),
                Kept::Missing | Kept::List(_) => None,
            })
            .collect();
        let found = basket.iter().zip(&entries);
        let missing = found.filter(|(_, entry)| matches!(entry.kept, Kept::Missing));
        let missing = missing.map(|(product, _)| product.clone()).collect();
        let stock = ask.stock(market);
        let offers = fused(&votes, ask);
        let mut page = page(&offers, &votes, basket, ask, &stock);
        if !page.more && !votes.is_empty() {
            let categories = categories_of(votes.iter().map(|vote| &vote.category));
            let bestsellers = self.bestsellers(edition, ask, &[categories]).await?.concat();
            page = self::page(&[offers, bestsellers].concat(), &votes, basket, ask, &stock);
        }
        Ok(Some(KeptBasket {
            generation,
            items: page.items,
            drops: page.drops,
            missing,
        }))
    }
}

fn fused(votes: &[&Vote], ask: &Ask) -> Vec<Offer> {
    let ballots: Vec<Ballot<'_>> = votes
        .iter()
        .enumerate()
        .map(|(at, vote)| Ballot {
            candidates: &vote.candidates,
            marks: &vote.marks,
            weight: recency_weight(votes.len() - 1 - at),
        })
        .collect();
    fuse(&ballots, ask.relations.listed(&ask.surface))
}

struct BasketPage {
    items: Vec<Item>,
    more: bool,
    drops: Drops,
}

fn page(offers: &[Offer], votes: &[&Vote], basket: &[ProductId], ask: &Ask, stock: &Reading) -> BasketPage {
    let rules = Rules {
        surface: &ask.surface,
        relations: ask.relations.listed(&ask.surface),
        order: Order::Score,
        lead: None,
        window: ask.window,
        explore: None,
        terms: None,
    };
    let marks = Marks::joined(votes.iter().rev().map(|vote| &vote.marks));
    let own: HashSet<&ProductId> = basket.iter().collect();
    let excluded = |product: &ProductId| own.contains(product) || ask.excluded.contains(product);
    let line = Line::of(offers, &marks, &rules, excluded);
    let mut drops = Drops::default();
    line.refused
        .iter()
        .for_each(|(reason, count)| drops.add(*reason, *count));
    let mut pass = |offer: &Offer| match vouch(stock.state(&offer.product), &ask.surface) {
        Ok(vouched) => Some(Item {
            offer: offer.clone(),
            vouched,
            adjusted: vouched.adjustment(&ask.surface, false),
            explored: None,
        }),
        Err(reason) => {
            drops.add(reason, 1);
            None
        }
    };
    let end = ask.window.offset.saturating_add(ask.window.size);
    let mut looked = 0;
    let mut items: Vec<Item> = Vec::with_capacity(end.min(line.offers.len()) + 1);
    let mut demoted = Vec::new();
    while looked < line.offers.len() && items.len() <= end {
        match pass(&line.offers[looked]) {
            Some(item) if item.adjusted == Some(Adjustment::Demoted) => demoted.push(item),
            item => items.extend(item),
        }
        looked += 1;
    }
    if items.len() <= end {
        items.append(&mut demoted);
    }
    let in_place = |item| Item {
        adjusted: None,
        ..item
    };
    let pins = line.pins.iter();
    let pins: Vec<_> = pins
        .filter_map(|(at, offer)| Some((*at, in_place(pass(offer)?))))
        .collect();
    arrange(&mut items, pins);
    let more = items.len() > end;
    let below = line.offers.len() - looked + demoted.len() + items.len().saturating_sub(end);
    drops.add(DropReason::BelowLimit, u32::try_from(below).unwrap_or(u32::MAX));
    items.truncate(end);
    items.drain(..ask.window.offset.min(items.len()));
    BasketPage { items, more, drops }
}
