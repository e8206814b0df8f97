use std::collections::BTreeMap;

use tandem_domain::edge::{Edge, EdgeList, Evidence, GateCounts, STORED_COMPANIONS, Signal, Source};
use tandem_domain::id::ProductId;
use tandem_domain::pace::Pace;
use tandem_domain::relation::Relation;

use super::Row;
use crate::rank::stored;
use crate::signals::Input;
use crate::significance;

/// A companion that passed every gate of a relation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen {
    pub(crate) item: u32,
    pub(crate) score: f32,
    pub(crate) vote: f32,
    /// What the evidence counts.
    pub(crate) input: Input,
    pub(crate) source: Source,
    pub(crate) generated: bool,
}

/// Whom a relation chose, best first.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) relation: Relation,
    pub(crate) chosen: Vec<Chosen>,
    pub(crate) refused: GateCounts,
}

impl Listing {
    /// Whether there is anything to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.chosen.is_empty() && self.refused == GateCounts::default()
    }
}

impl Row<'_> {
    /// The listing of a relation from what was chosen for it, best first.
    pub(crate) fn list(&self, relation: Relation, chosen: Vec<Chosen>, mut refused: GateCounts) -> Listing {
        if refused.rank > 0 || chosen.len() >= STORED_COMPANIONS {
            refused.cut_off = chosen.last().map_or(0.0, |last| last.score);
        }
        Listing {
            relation,
            chosen,
            refused,
        }
    }

    /// The listing with names and evidence.
    pub(crate) fn edges(&self, listing: &Listing) -> EdgeList {
        let edge = |one: &Chosen| Edge {
            companion: self.frame.facts.products.ids[one.item as usize].clone(),
            score: one.score,
            basket_score: one.vote,
            source: one.source,
            generated: one.generated,
            evidence: self.evidence(one.input, one.item),
        };
        EdgeList {
            relation: listing.relation,
            edges: listing.chosen.iter().map(edge).collect(),
            refused: listing.refused,
        }
    }

    /// What shoppers made of the companions of any listing, where it moves their scores.
    pub(crate) fn feedback(&self, listings: &[Listing]) -> BTreeMap<ProductId, f32> {
        let Some(feedback) = &self.frame.feedback else {
            return BTreeMap::new();
        };
        let known = feedback
            .of(self.anchor)
            .iter()
            .filter(|(_, factor)| *factor != 1.0);
        let listed = |item: u32| {
            let mut chosen = listings.iter().flat_map(|listing| &listing.chosen);
            chosen.any(|one| one.item == item)
        };
        let known = known.filter(|(item, _)| listed(*item));
        known
            .map(|(item, factor)| (self.frame.facts.products.ids[*item as usize].clone(), *factor))
            .collect()
    }

    /// How companions of any listing sell, where the anchor is a bestseller.
    pub(crate) fn paces(&self, listings: &[Listing]) -> BTreeMap<ProductId, Pace> {
        let Some(pace) = self.frame.pace.as_ref().filter(|pace| pace.leads(self.anchor)) else {
            return BTreeMap::new();
        };
        let chosen = listings.iter().flat_map(|listing| &listing.chosen);
        chosen
            .filter_map(|one| {
                let id = &self.frame.facts.products.ids[one.item as usize];
                Some((id.clone(), pace.of(one.item)?))
            })
            .collect()
    }

    /// Why `item` stands beside the anchor. In place: handed over through memory, it would be written in fields and read in
    /// larger pieces, for which the processor waits.
    #[inline(always)]
    pub(crate) fn evidence(&self, input: Input, item: u32) -> Evidence {
        let Some((counter, signal)) = self.input(input) else {
            return no_counts();
        };
        let support = counter.support(item);
        let (anchor, companion) = (signal.anchor(self.anchor), signal.companion(item, support));
        let total = signal.total(self.anchor).max(companion);
        let counts = (
            u64::from(support),
            u64::from(anchor),
            u64::from(companion),
            u64::from(total),
        );
        Evidence {
            signal: input.signal(),
            support,
            anchor_count: anchor,
            companion_count: companion,
            total,
            lift: stored(significance::lift(counts.0, counts.1, counts.2, counts.3)),
            // Rarer together than chance has it is no reason to stand in a list.
            llr: if support == 0 {
                0.0
            } else {
                stored(self.frame.table.llr(counts.0, counts.1, counts.2, counts.3))
            },
            window_days: signal.days,
        }
    }
}

fn no_counts() -> Evidence {
    Evidence {
        signal: Signal::Attributes,
        support: 0,
        anchor_count: 0,
        companion_count: 0,
        total: 0,
        lift: 0.0,
        llr: 0.0,
        window_days: 0,
    }
}
