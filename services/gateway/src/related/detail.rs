//! What only a full view shows: cards and the counts behind each item.

use std::collections::HashMap;

use tandem_cache::codec::{AnchorEvidence, AnchorLists};
use tandem_domain::catalog::ProductCard;
use tandem_domain::edge::Evidence;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::Item;

use super::gather::Anchor;
use super::{Ask, Depth, Related};
use crate::market::Market;
use crate::read::{Edition, Result};

/// What a full view adds to an item.
#[derive(Debug, Clone, Default)]
pub(crate) struct Detail {
    /// Its card.
    pub(crate) card: Option<ProductCard>,
    /// The counts behind it.
    pub(crate) evidence: Option<Evidence>,
}

/// Cards and evidence, read for the items of a whole answer.
pub(super) struct Details {
    cards: HashMap<ProductId, ProductCard>,
    evidence: Vec<AnchorEvidence>,
}

impl Related {
    /// Details for the items of every list; `None` where the caller does not want them.
    pub(super) async fn details(
        &self,
        market: &Market,
        edition: Edition<'_>,
        ask: &Ask,
        anchors: &[Anchor],
        shown: impl Iterator<Item = &Item>,
    ) -> Result<Option<Details>> {
        if ask.depth == Depth::Basic {
            return Ok(None);
        }
        let products: Vec<ProductId> = shown.map(|item| item.offer.product.clone()).collect();
        let ids: Vec<ProductId> = anchors.iter().map(|anchor| anchor.id().clone()).collect();
        let (cards, evidence) = futures::try_join!(
            self.reader.cards(market.id(), &products),
            self.reader.evidence(edition, &ids),
        )?;
        let cards = cards
            .into_iter()
            .flatten()
            .map(|card| (card.id.clone(), card))
            .collect();
        Ok(Some(Details { cards, evidence }))
    }
}

impl Details {
    /// The detail of an item that comes from the anchor at `position`.
    pub(super) fn of(&self, item: &Item, anchors: &[Anchor], position: usize) -> Detail {
        let lists = anchors.get(position).map(|anchor| &anchor.lists);
        let evidence = self.evidence.get(position);
        Detail {
            card: self.cards.get(&item.offer.product).cloned(),
            evidence: lists
                .zip(evidence)
                .and_then(|(lists, evidence)| behind(item, lists, evidence)),
        }
    }

    /// The detail of an item that several anchors vote for: the counts of the most recent one that has an edge.
    pub(super) fn of_any(&self, item: &Item, anchors: &[Anchor]) -> Detail {
        let votes = (0..anchors.len())
            .rev()
            .map(|position| self.of(item, anchors, position));
        let mut best = Detail {
            card: self.cards.get(&item.offer.product).cloned(),
            evidence: None,
        };
        best.evidence = votes.filter_map(|detail| detail.evidence).next();
        best
    }
}

/// The counts behind an item; evidence runs in parallel with the list.
fn behind(item: &Item, lists: &AnchorLists, evidence: &AnchorEvidence) -> Option<Evidence> {
    let relation = item.offer.relation?;
    let companion = item.offer.product.as_str();
    let mut list = lists.list(relation);
    let position = list.position(|candidate| candidate.product == companion)?;
    evidence.of(relation, position).copied()
}
