//! What is known of the anchors of a request, in one round of reads.

use tandem_cache::codec::AnchorLists;
use tandem_domain::catalog::ProductCard;
use tandem_domain::edge::{Candidate, Source};
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Marks, Offer, Slate, Span};
use tandem_domain::relation::Relation;

use super::{Ask, Related, Relations};
use crate::availability::Reading;
use crate::read::{Edition, Found, Result};

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
        edition: Edition<'_>,
        anchors: &[ProductId],
        ask: &Ask,
    ) -> Result<Gathered> {
        let read = self.reader.anchors(edition, anchors).await?;
        let now = self.clock.now();
        let mut gathered = Gathered {
            found: Vec::with_capacity(anchors.len()),
            missing: Vec::new(),
        };
        for (id, Found { card, lists, links }) in anchors.iter().zip(read) {
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

    /// The candidates of the relations asked for, as feedback has them where the surface heeds it. Behind a surface's own
    /// relations stands the series, as the attribute step of its chain; in front of them what leads.
    fn candidates(&self, ask: &Ask, lead: Option<Relation>) -> impl Iterator<Item = Candidate<&str>> {
        let listed = ask.relations.listed(&ask.surface);
        let lead = lead.filter(|lead| !listed.contains(lead));
        let falls_back = ask.relations == Relations::OfSurface
            && ask.surface.fallback.contains(&Source::Attribute)
            && !listed.contains(&Relation::Series);
        let series = falls_back.then_some(Relation::Series);
        let relations = lead.into_iter().chain(listed.iter().copied()).chain(series);
        let candidates = relations.flat_map(|relation| self.lists.list(relation));
        let heeds_feedback = ask.surface.feedback.rank;
        candidates.map(move |candidate| match heeds_feedback {
            true => candidate.with_feedback(),
            false => candidate,
        })
    }

    /// Their votes.
    pub(super) fn slate(&self, ask: &Ask, lead: Option<Relation>, stock: &Reading) -> Slate {
        let candidates = self.candidates(ask, lead);
        Slate::of(candidates, &self.marks, |product| stock.print(product))
    }

    /// The same as proposals.
    pub(super) fn offers(&self, ask: &Ask, lead: Option<Relation>) -> impl Iterator<Item = Offer<&str>> {
        self.candidates(ask, lead).map(Offer::from)
    }
}
