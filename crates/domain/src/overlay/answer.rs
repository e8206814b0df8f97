//! What goes into an answer and what comes out of it.

use std::borrow::Borrow;
use std::hash::Hash;

use super::{DropReason, Vouched};
use crate::edge::{Candidate, Source};
use crate::id::ProductId;
use crate::pace::Attached;
use crate::relation::Relation;

/// How a product is named where lists are lined up: by an id of its own, or by the text of one that stands elsewhere.
pub trait Named<'a>: Clone + Eq + Hash + Borrow<str> + From<&'a ProductId> {}

impl<'a, P: Clone + Eq + Hash + Borrow<str> + From<&'a ProductId>> Named<'a> for P {}

/// A product that a step of the chain proposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer<P = ProductId> {
    /// The companion.
    pub product: P,
    /// The relation it stands in; `None` for what no relation carries: bestsellers, and links for all relations.
    pub relation: Option<Relation>,
    /// Rank value inside its step and relation; never NaN.
    pub score: f32,
    /// The step.
    pub source: Source,
    /// Whether generated records carry it.
    pub generated: bool,
}

impl<P> From<Candidate<P>> for Offer<P> {
    fn from(candidate: Candidate<P>) -> Self {
        Self {
            product: candidate.product,
            relation: Some(candidate.relation),
            score: candidate.score,
            source: candidate.source,
            generated: candidate.generated,
        }
    }
}

impl Offer {
    /// The same, named by its text.
    #[must_use]
    pub fn named(&self) -> Offer<&str> {
        Offer {
            product: self.product.as_str(),
            relation: self.relation,
            score: self.score,
            source: self.source,
            generated: self.generated,
        }
    }
}

impl Offer<&str> {
    /// The same, named by an id.
    ///
    /// # Panics
    /// When the text is no id.
    #[must_use]
    pub fn identified(&self) -> Offer {
        Offer {
            product: ProductId::new(self.product).expect("a proposal names a product"),
            relation: self.relation,
            score: self.score,
            source: self.source,
            generated: self.generated,
        }
    }
}

/// What moved a companion from the place that its score gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Adjustment {
    /// It runs low and stands behind all others.
    Demoted,
    /// It stands in front because the anchor runs low.
    Leads,
    /// It was lent a place that it has not earned.
    Attached(Attached),
}

/// A companion in the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The proposal; its score after boosts.
    pub offer: Offer,
    /// What may be sold of it.
    pub vouched: Vouched,
    /// What moved it from the place that its score gives it.
    pub adjusted: Option<Adjustment>,
    /// Of how many it was dealt its place, where things are tried there.
    pub explored: Option<u32>,
}

/// A proposal that is not in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The companion.
    pub product: ProductId,
    /// The relation it stood in.
    pub relation: Option<Relation>,
    /// Why.
    pub reason: DropReason,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlaid {
    /// Companions that can be bought, best first.
    pub items: Vec<Item>,
    /// Whether another page follows.
    pub more: bool,
    /// Every other proposal that is not on an earlier page.
    pub dropped: Vec<Dropped>,
}

impl Overlaid {
    /// The same answer with every item held back, because nobody can vouch for its stock.
    #[must_use]
    pub fn withheld(self) -> Self {
        self.held_back(DropReason::StaleStock)
    }

    /// Drops what `vouch` says cannot be shown any more.
    pub fn vouch_again(&mut self, vouch: impl Fn(&ProductId) -> Result<Vouched, DropReason>) {
        let dropped = self
            .items
            .extract_if(.., |item| vouch(&item.offer.product).is_err());
        let dropped = dropped.map(|item| Dropped {
            reason: vouch(&item.offer.product).err().unwrap_or(DropReason::OutOfStock),
            product: item.offer.product,
            relation: item.offer.relation,
        });
        self.dropped.extend(dropped);
    }

    /// The same answer with every item held back for this reason.
    #[must_use]
    pub fn held_back(mut self, reason: DropReason) -> Self {
        let held_back = self.items.drain(..).map(|item| Dropped {
            product: item.offer.product,
            relation: item.offer.relation,
            reason,
        });
        self.dropped.extend(held_back);
        self.more = false;
        self
    }
}
