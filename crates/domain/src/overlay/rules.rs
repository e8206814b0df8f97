//! How proposals become an answer.

use super::{Attach, Explore, Marks, Offer, Pin, Terms};
use crate::edge::Source;
use crate::relation::Relation;
use crate::surface::Surface;

/// How proposals of one step are lined up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One relation's list after the other, as asked for.
    Relations,
    /// All by score: the relations were fused already.
    Score,
}

/// The part of the answer that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Items on earlier pages.
    pub offset: usize,
    /// Items on this page.
    pub size: usize,
}

/// How proposals become an answer.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The chain of sources and what unknown stock means.
    pub surface: &'a Surface,
    /// The relations asked for, in their order.
    pub relations: &'a [Relation],
    /// How a step is lined up.
    pub order: Order,
    /// The relation that stands in front of everything else, when the anchor runs low.
    pub lead: Option<Relation>,
    /// The page.
    pub window: Window,
    /// What is attached; `None` where nothing is.
    pub attach: Option<Attach<'a>>,
    /// What is tried, and on whom; `None` where nothing is.
    pub explore: Option<Explore<'a>>,
    /// What is asked of cards. `None` where neither the surface nor the request asks anything.
    pub terms: Option<Terms<'a>>,
}

impl Rules<'_> {
    pub(super) fn step(&self, source: Source) -> Option<usize> {
        self.surface.fallback.iter().position(|step| *step == source)
    }

    /// Merchants' links add and move companions only where the chain has a manual step; they exclude everywhere.
    pub(super) fn heeds_links(&self) -> bool {
        self.step(Source::Manual).is_some()
    }

    /// Whether an offer leads.
    #[must_use]
    pub fn leads<P>(&self, offer: &Offer<P>) -> bool {
        self.lead.is_some() && offer.relation == self.lead
    }

    pub(super) fn serves(&self, relation: Option<Relation>) -> bool {
        relation.is_none_or(|relation| self.relations.contains(&relation))
    }

    pub(super) fn served_pins<'m>(&self, marks: &'m Marks) -> impl Iterator<Item = &'m Pin> {
        marks
            .pins()
            .iter()
            .filter(|pin| self.heeds_links() && self.serves(pin.relation))
    }

    /// Place of a relation's list inside a step; relations that were not asked for (the fallback) come last.
    pub(super) fn place(&self, relation: Option<Relation>) -> usize {
        match self.order {
            Order::Score => 0,
            Order::Relations => relation
                .and_then(|relation| self.relations.iter().position(|asked| *asked == relation))
                .unwrap_or(self.relations.len()),
        }
    }
}
