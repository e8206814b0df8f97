//! What the stock of a basket's products does to their votes.

use std::borrow::Cow;

use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Footing, Marks};
use tandem_domain::relation::Relation;

use super::Ask;
use crate::availability::Reading;

/// The footings of a basket's products, in their order. One around which the surface shows nothing casts no vote; when
/// that is so of all, nothing is shown.
#[derive(Debug)]
pub(super) struct Votes {
    footings: Vec<Footing>,
    is_hidden: bool,
}

impl Votes {
    /// Of products with this stock.
    pub(super) fn of<'p>(
        ask: &Ask,
        stock: &Reading,
        products: impl IntoIterator<Item = &'p ProductId>,
    ) -> Self {
        let footings = products
            .into_iter()
            .map(|product| ask.footing(stock.state(product)));
        let footings: Vec<Footing> = footings.collect();
        Self {
            is_hidden: !footings.is_empty() && footings.iter().all(|footing| footing.hidden),
            footings,
        }
    }

    /// Whether nothing is shown: then every vote is counted, for what is held back to be told.
    pub(super) const fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    /// Whether the vote of a product counts.
    pub(super) fn counts(&self, at: usize) -> bool {
        self.is_hidden || !self.footings[at].hidden
    }

    /// What leads the vote of a product.
    pub(super) fn lead(&self, at: usize) -> Option<Relation> {
        self.footings[at].lead.filter(|_| self.counts(at))
    }

    /// What leads the answer.
    pub(super) fn leading(&self) -> Option<Relation> {
        (0..self.footings.len()).find_map(|at| self.lead(at))
    }

    /// The links of all products, the most recent first. Of one that casts no vote what is excluded stays excluded.
    pub(super) fn marks<'m>(&self, marks: impl IntoIterator<Item = &'m Marks>) -> Marks {
        let heeded = marks.into_iter().enumerate().map(|(at, marks)| {
            if self.counts(at) {
                Cow::Borrowed(marks)
            } else {
                Cow::Owned(marks.exclusions())
            }
        });
        let heeded: Vec<Cow<'_, Marks>> = heeded.collect();
        Marks::joined(heeded.iter().rev().map(Cow::as_ref))
    }
}
