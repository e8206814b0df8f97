//! Lists of one anchor or of many.

use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Attach, Explore, Footing, Offer, Order, Overlaid, Rules, overlay, vouch};
use tandem_domain::relation::Relation;

use super::fallback::categories_of;
use super::gather::{Anchor, Gathered};
use super::lens::{Lens, proposed};
use super::{Ask, Detail, Related, freshness, held_back};
use crate::availability::Reading;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::read::{Edition, Result};

/// Lists, one per anchor found.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Generation that was read; 0 before the first.
    pub(crate) generation: u64,
    /// How far the stock behind it can be trusted.
    pub(crate) freshness: Freshness,
    /// In the order of the request.
    pub(crate) lists: Vec<AnchorAnswer>,
    /// Anchors that no catalogue holds.
    pub(crate) missing: Vec<ProductId>,
}

/// The list of one anchor.
#[derive(Debug)]
pub(crate) struct AnchorAnswer {
    /// The anchor.
    pub(crate) anchor: ProductId,
    /// Items and what was dropped.
    pub(crate) overlaid: Overlaid,
    /// In the order of the items; empty in a basic view.
    pub(crate) details: Vec<Detail>,
    /// What the anchor's stock did to it.
    pub(crate) footing: Footing,
}

impl Related {
    /// The companions of each anchor.
    ///
    /// # Errors
    /// When the cache does not answer.
    pub(crate) async fn list(&self, market: &Market, anchors: &[ProductId], ask: &Ask) -> Result<Answer> {
        let manifest = market.manifest();
        let edition = Edition::of(market.id(), manifest.as_deref());
        self.list_in(market, edition, anchors, ask).await
    }

    /// The same from a generation that the caller has taken.
    pub(super) async fn list_in(
        &self,
        market: &Market,
        edition: Edition<'_>,
        anchors: &[ProductId],
        ask: &Ask,
    ) -> Result<Answer> {
        let Gathered { found, missing } = self.gather(edition, anchors, ask).await?;
        let stock = ask.stock(market);
        let footings: Vec<Footing> = found
            .iter()
            .map(|anchor| ask.footing(stock.state(anchor.id())))
            .collect();
        let overlaid = self
            .overlaid(market, edition, &stock, &found, &footings, ask)
            .await?;
        let judged = freshness(market, &ask.surface);
        let mut overlaid: Vec<Overlaid> = overlaid
            .into_iter()
            .zip(&footings)
            .map(|(list, footing)| held_back(list, judged, *footing))
            .collect();
        let shown = overlaid.iter().flat_map(|list| &list.items);
        let details = self.details(market, edition, ask, &found, shown).await?;
        let mut freshness = judged;
        if details.is_some() {
            // Stock moved while details were read.
            freshness = super::freshness(market, &ask.surface);
            let stock = ask.stock(market);
            for (list, footing) in overlaid.iter_mut().zip(&footings) {
                list.vouch_again(|product| vouch(stock.state(product), &ask.surface));
                *list = held_back(std::mem::take(list), freshness, *footing);
            }
        }
        let lists = overlaid.into_iter().enumerate().map(|(at, overlaid)| {
            let of = |details: &super::detail::Details| {
                overlaid
                    .items
                    .iter()
                    .map(|item| details.of(item, &found, at))
                    .collect()
            };
            AnchorAnswer {
                anchor: found[at].id().clone(),
                details: details.as_ref().map(of).unwrap_or_default(),
                footing: footings[at],
                overlaid,
            }
        });
        Ok(Answer {
            generation: edition.generation(),
            freshness,
            lists: lists.collect(),
            missing,
        })
    }

    /// The overlaid list of each anchor. Only where the graph's own lists do not reach past the page are bestsellers
    /// read, so that warm anchors cost one round of reads.
    async fn overlaid(
        &self,
        market: &Market,
        edition: Edition<'_>,
        stock: &Reading,
        anchors: &[Anchor],
        footings: &[Footing],
        ask: &Ask,
    ) -> Result<Vec<Overlaid>> {
        let own = |at: usize| {
            let offers = anchors[at].offers(ask, footings[at].lead);
            offers.map(|offer| offer.identified()).collect()
        };
        let mut lens = self.lens(market, edition, ask).await?;
        let mut offers: Vec<Vec<Offer>> = (0..anchors.len()).map(own).collect();
        let known = anchors.iter().zip(&offers);
        let known = known.flat_map(|(anchor, offers)| proposed(offers, &anchor.marks));
        self.look(&mut lens, market, ask, known).await?;
        let day = self.clock.now().day();
        let laid = |at: usize, offers: &[Offer], lens: &Lens| {
            let anchor = &anchors[at];
            let places = Places {
                lead: footings[at].lead,
                attach: ask.attach(day, anchor, footings[at]),
                explore: ask.explore(day, anchor.id()),
            };
            laid_over(stock, anchor, places, ask, offers, lens)
        };
        let mut lists: Vec<Overlaid> = (0..anchors.len())
            .map(|at| laid(at, &offers[at], &lens))
            .collect();
        let short: Vec<usize> = (0..lists.len()).filter(|at| !lists[*at].more).collect();
        let groups: Vec<_> = short
            .iter()
            .map(|at| categories_of([&anchors[*at].card.category].into_iter()))
            .collect();
        let bestsellers = self.bestsellers(edition, ask, &groups).await?;
        let known = bestsellers.iter().flatten().map(|offer| &offer.product);
        self.look(&mut lens, market, ask, known).await?;
        for (at, bestsellers) in short.into_iter().zip(bestsellers) {
            if !bestsellers.is_empty() {
                offers[at].extend(bestsellers);
                lists[at] = laid(at, &offers[at], &lens);
            }
        }
        Ok(lists)
    }
}

/// What gives places to companions besides their scores.
struct Places<'a> {
    lead: Option<Relation>,
    attach: Option<Attach<'a>>,
    explore: Option<Explore<'a>>,
}

fn laid_over(
    stock: &Reading,
    anchor: &Anchor,
    places: Places<'_>,
    ask: &Ask,
    offers: &[Offer],
    lens: &Lens,
) -> Overlaid {
    let cards = [&anchor.card];
    let rules = Rules {
        surface: &ask.surface,
        relations: ask.relations.listed(&ask.surface),
        order: Order::Relations,
        lead: places.lead,
        window: ask.window,
        attach: places.attach,
        explore: places.explore,
        terms: lens.terms(ask, &cards),
    };
    overlay(
        &lens.shaped(offers),
        &anchor.marks,
        &rules,
        |product| product == anchor.id() || ask.excluded.contains(product),
        |product| stock.state(product),
    )
}
