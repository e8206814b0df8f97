//! A basket whose anchors' votes this process keeps: nothing is read but bestsellers, and only where the votes fall short.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use tandem_domain::edge::Source;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{
    Adjustment, Ballot, DropReason, Item, Line, Marks, Offer, Order, Ranked, Rules, arrange, fuse,
    recency_weight, vouch,
};
use tandem_domain::relation::Relation;

use super::fallback::categories_of;
use super::kept::Want;
use super::votes::Votes;
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
        let found = basket.iter().zip(&entries);
        let (products, votes): (Vec<&ProductId>, Vec<&Vote>) = found
            .clone()
            .filter_map(|(product, entry)| match &entry.kept {
                Kept::Vote(vote) => Some((product, vote)),
                Kept::Missing | Kept::List(_) => None,
            })
            .unzip();
        let missing = found.filter(|(_, entry)| matches!(entry.kept, Kept::Missing));
        let missing = missing.map(|(product, _)| product.clone()).collect();
        let stock = ask.stock(market);
        let ballot_box = BallotBox {
            counted: Votes::of(ask, &stock, products),
            votes,
            basket: basket.iter().map(ProductId::as_str).collect(),
            ask,
        };
        let fused = ballot_box.fused();
        let mut page = ballot_box.page(&fused, &[], &stock);
        if !page.more && !ballot_box.votes.is_empty() {
            let categories = categories_of(ballot_box.counting().map(|(_, vote)| &vote.category));
            let bestsellers = self.bestsellers(edition, ask, &[categories]).await?.concat();
            page = ballot_box.page(&fused, &bestsellers, &stock);
        }
        if ballot_box.counted.is_hidden() {
            page.hold_back(DropReason::AnchorLow);
        }
        Ok(Some(KeptBasket {
            generation,
            items: page.items,
            drops: page.drops,
            missing,
        }))
    }
}

/// The votes of a basket, and what holds for the answer.
struct BallotBox<'a> {
    votes: Vec<&'a Vote>,
    counted: Votes,
    basket: FxHashSet<&'a str>,
    ask: &'a Ask,
}

struct BasketPage {
    items: Vec<Item>,
    more: bool,
    drops: Drops,
}

impl BasketPage {
    fn hold_back(&mut self, reason: DropReason) {
        self.drops.add(reason, count(self.items.len()));
        self.items.clear();
        self.more = false;
    }
}

impl<'a> BallotBox<'a> {
    fn counting(&self) -> impl DoubleEndedIterator<Item = (usize, &'a Vote)> {
        let votes = self.votes.iter().copied().enumerate();
        votes.filter(|(at, _)| self.counted.counts(*at))
    }

    fn fused(&self) -> Vec<Ranked<'a>> {
        let ballots = self.counting().map(|(at, vote)| Ballot {
            slate: match (&vote.leading, self.counted.lead(at)) {
                (Some(leading), Some(_)) => leading,
                _ => &vote.usual,
            },
            weight: recency_weight(self.votes.len() - 1 - at),
        });
        let ballots: Vec<Ballot<'_>> = ballots.collect();
        fuse(&ballots, self.ask.relations.listed(&self.ask.surface))
    }

    /// The page of what was voted for, with `bestsellers` behind it. Links, and a relation that leads, may reach for any.
    fn page(&self, fused: &[Ranked<'_>], bestsellers: &[Offer], stock: &Reading) -> BasketPage {
        let marks = self.counted.marks(self.votes.iter().map(|vote| &vote.marks));
        let lead = self.counted.leading();
        let of_step = |step: &Source| {
            let step = *step;
            fused.iter().filter(move |ranked| ranked.source == step)
        };
        let chain: Vec<&Ranked<'_>> = self.ask.surface.fallback.iter().flat_map(of_step).collect();
        if marks.is_empty()
            && lead.is_none()
            && let Some(page) = self.filled(&chain, stock)
        {
            return page;
        }
        let offers = chain.into_iter().map(Offer::from);
        let offers: Vec<Offer> = offers.chain(bestsellers.iter().cloned()).collect();
        page(
            &offers,
            &marks,
            |product| self.excludes(product),
            lead,
            self.ask,
            stock,
        )
    }

    /// The page where votes alone place companions and the first of them fill it, which is most often so. Those behind are
    /// counted, not looked at, and an id is read of none but those shown.
    fn filled(&self, chain: &[&Ranked<'_>], stock: &Reading) -> Option<BasketPage> {
        let (surface, window) = (&self.ask.surface, self.ask.window);
        let end = window.offset.saturating_add(window.size);
        let mut page = BasketPage {
            items: Vec::with_capacity(window.size),
            more: true,
            drops: Drops::default(),
        };
        let mut seen = FxHashSet::with_capacity_and_hasher(chain.len().min(2 * end), Default::default());
        let (mut passed, mut demoted) = (0, 0);
        for (looked, ranked) in chain.iter().enumerate() {
            let vouched = if self.excludes(ranked.product()) {
                Err(DropReason::ExcludedByRequest)
            } else if !seen.insert(ranked.print()) {
                Err(DropReason::Duplicate)
            } else {
                vouch(stock.at(ranked.print()), surface)
            };
            let vouched = match vouched {
                Ok(vouched) => vouched,
                Err(reason) => {
                    page.drops.add(reason, 1);
                    continue;
                }
            };
            let adjusted = vouched.adjustment(surface, false);
            if adjusted == Some(Adjustment::Demoted) {
                demoted += 1;
                continue;
            }
            if passed == end {
                page.drops
                    .add(DropReason::BelowLimit, count(chain.len() - looked + demoted));
                return Some(page);
            }
            passed += 1;
            if passed > window.offset {
                page.items.push(Item {
                    offer: Offer::from(*ranked),
                    vouched,
                    adjusted,
                    explored: None,
                });
            }
        }
        None
    }

    /// Whether this product is never an answer: it is in the basket, or the caller does not want it.
    fn excludes(&self, product: &str) -> bool {
        self.basket.contains(product) || !self.ask.excluded.is_empty() && self.ask.excluded.contains(product)
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn page(
    offers: &[Offer],
    marks: &Marks,
    excludes: impl Fn(&str) -> bool,
    lead: Option<Relation>,
    ask: &Ask,
    stock: &Reading,
) -> BasketPage {
    let rules = Rules {
        surface: &ask.surface,
        relations: ask.relations.listed(&ask.surface),
        order: Order::Score,
        lead,
        window: ask.window,
        attach: None,
        explore: None,
        terms: None,
    };
    let line = Line::of(offers.to_vec(), marks, &rules, excludes);
    let mut drops = Drops::default();
    line.refused
        .iter()
        .for_each(|(reason, count)| drops.add(*reason, *count));
    let mut pass = |offer: &Offer| match vouch(stock.state(&offer.product), &ask.surface) {
        Ok(vouched) => Some(Item {
            offer: offer.clone(),
            vouched,
            adjusted: vouched.adjustment(&ask.surface, rules.leads(offer)),
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
    drops.add(DropReason::BelowLimit, count(below));
    items.truncate(end);
    items.drain(..ask.window.offset.min(items.len()));
    BasketPage { items, more, drops }
}
