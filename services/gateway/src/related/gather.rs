//! What is known of the anchors of a request, in one round of reads.

use tandem_cache::codec::AnchorLists;
use tandem_domain::catalog::ProductCard;
use tandem_domain::edge::{Candidate, Source};
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Marks, Offer, Slate, Span};
use tandem_domain::relation::Relation;

use super::{Ask, Related, Relations};
use crate::availability::Reading;
use crate::market::Market;
use crate::read::{Edition, Result};

/// An anchor that a catalogue holds.
#[derive(Debug, Clone)]
pub(super) struct Anchor {
    pub(super) card: ProductCard,
    pub(super) lists: AnchorLists,
    pub(super) marks: Marks,
    /// When the same marks hold.
    pub(super) span: Span,
}

/// The anchors found, in the order of the request, and those that no catalogue holds.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) found: Vec<Anchor>,
    pub(super) missing: Vec<ProductId>,
}

impl Related {
    pub(super) async fn gather(
        &self,
        market: &Market,
        edition: Edition<'_>,
        anchors: &[ProductId],
        ask: &Ask,
    ) -> Result<Gathered> {
        let (cards, lists, links) = futures::try_join!(
            self.reader.named_cards(market.id(), anchors),
            self.reader.lists(edition, anchors),
            self.reader.links(market.id(), anchors),
        )?;
        let now = self.clock.now();
        let mut gathered = Gathered {
            found: Vec::with_capacity(anchors.len()),
            missing: Vec::new(),
        };
        for (((id, card), lists), links) in anchors.iter().zip(cards).zip(lists).zip(links) {
            let Some(card) = card else {
                gathered.missing.push(id.clone());
                continue;
            };
            let of = |links| {
                (
                    Marks::of(&links, &ask.surface.id, now),
                    Marks::span(&links, &ask.surface.id, now),
                )
            };
            let (marks, span) = links.map(of).unwrap_or_default();
            gathered.found.push(Anchor {
                card,
                lists,
                marks,
                span,
            });
        }
        Ok(gathered)
    }
}

impl Anchor {
    pub(super) fn id(&self) -> &ProductId {
        &self.card.id
    }

    /// The candidates of the relations asked for, with their scores as feedback has them where the surface heeds it. Behind
    /// a surface's own relations stands the series, as the attribute step of its chain; in front of them what leads.
    pub(super) fn candidates(&self, ask: &Ask, lead: Option<Relation>) -> Vec<Candidate> {
        let listed = ask.relations.listed(&ask.surface);
        let lead = lead.filter(|lead| !listed.contains(lead));
        let falls_back = ask.relations == Relations::OfSurface
            && ask.surface.fallback.contains(&Source::Attribute)
            && !listed.contains(&Relation::Series);
        let series = falls_back.then_some(&Relation::Series);
        lead.iter()
            .chain(listed)
            .chain(series)
            .flat_map(|relation| self.lists.list(*relation))
            .cloned()
            .map(|candidate| match ask.surface.feedback.rank {
                true => candidate.with_feedback(),
                false => candidate,
            })
            .collect()
    }

    /// The same, ready to be voted for.
    pub(super) fn slate(&self, ask: &Ask, lead: Option<Relation>, stock: &Reading) -> Slate {
        Slate::of(&self.candidates(ask, lead), &self.marks, |product| {
            stock.print(product)
        })
    }

    pub(super) fn offers(&self, ask: &Ask, lead: Option<Relation>) -> Vec<Offer> {
        self.candidates(ask, lead).iter().map(Offer::from).collect()
    }
}
