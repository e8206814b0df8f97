//! Why a companion is shown, or not.

use tandem_cache::codec::{AnchorEvidence, AnchorLists};
use tandem_domain::edge::{Candidate, Evidence, GateCounts};
use tandem_domain::id::{LinkId, ProductId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::overlay::{Adjustment, DropReason, Overlaid, supply_of};
use tandem_domain::pace::Pace;
use tandem_domain::relation::Relation;
use tandem_domain::stock::Supply;

use super::{Answer, Ask, Related};
use crate::failure::Failure;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::read::{Edition, Result};

/// What became of a companion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// At this place of the list, from 1.
    Shown(usize),
    /// Proposed, but not in the list.
    Dropped(DropReason),
    /// No edge of the generation leads there, and nothing else proposes it.
    NotInGraph,
}

/// An edge from the anchor to the companion.
#[derive(Debug, Clone)]
pub(crate) struct FoundEdge {
    /// As stored.
    pub(crate) candidate: Candidate,
    /// Place in the stored list, from 1.
    pub(crate) rank: usize,
    /// The counts behind it.
    pub(crate) evidence: Option<Evidence>,
}

/// A stored list of the anchor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// The relation.
    pub(crate) relation: Relation,
    /// Stored companions.
    pub(crate) length: usize,
    /// Candidates that each gate turned away.
    pub(crate) refused: GateCounts,
}

/// The whole story of a pair.
#[derive(Debug)]
pub(crate) struct Explanation {
    /// What became of the companion.
    pub(crate) verdict: Verdict,
    /// Every edge that leads there.
    pub(crate) edges: Vec<FoundEdge>,
    /// The anchor's lists.
    pub(crate) rows: Vec<Row>,
    /// Living links between the two.
    pub(crate) links: Vec<LinkId>,
    /// Generation that was read.
    pub(crate) generation: u64,
    /// How far the stock behind it can be trusted.
    pub(crate) freshness: Freshness,
    /// How much is left of the anchor.
    pub(crate) anchor_supply: Option<Supply>,
    /// How much is left of the companion.
    pub(crate) companion_supply: Option<Supply>,
    /// What moved the companion from the place that its score gives it.
    pub(crate) adjusted: Option<Adjustment>,
    /// How the companion sells, where that is known.
    pub(crate) pace: Option<Pace>,
}

impl Related {
    /// What the surface of `ask` does with `companion` in the list of `anchor`.
    ///
    /// # Errors
    /// When no catalogue holds one of them, or the cache does not answer.
    pub(crate) async fn explain(
        &self,
        market: &Market,
        anchor: &ProductId,
        companion: &ProductId,
        ask: &Ask,
    ) -> Result<Explanation> {
        let manifest = market.manifest();
        let edition = Edition::of(market.id(), manifest.as_deref());
        let anchors = std::slice::from_ref(anchor);
        let pair = [anchor.clone(), companion.clone()];
        let (answer, cards, lists, evidence, links) = futures::try_join!(
            self.list_in(market, edition, anchors, ask),
            self.reader.named_cards(market.id(), &pair),
            self.reader.lists(edition, anchors),
            self.reader.evidence(edition, anchors),
            self.reader.links(market.id(), anchors),
        )?;
        if let Some((missing, _)) = pair.iter().zip(cards).find(|(_, card)| card.is_none()) {
            return Err(Failure::UnknownProduct(missing.clone()));
        }
        let lists = lists.into_iter().next().unwrap_or_default();
        let evidence = evidence.into_iter().next().unwrap_or_default();
        let edges = edges(companion, &lists, &evidence);
        let stock = ask.stock(market);
        let shown = answer.lists.iter().flat_map(|list| &list.overlaid.items);
        let shown = shown.filter(|item| item.offer.product == *companion);
        Ok(Explanation {
            anchor_supply: answer.lists.first().and_then(|list| list.footing.supply),
            companion_supply: supply_of(stock.state(companion), &ask.surface),
            adjusted: shown.filter_map(|item| item.adjusted).next(),
            pace: lists.paces.get(companion).copied(),
            verdict: verdict(companion, &answer, &edges),
            edges,
            rows: rows(&lists, &evidence),
            links: between(companion, links.into_iter().flatten().next()),
            generation: answer.generation,
            freshness: answer.freshness,
        })
    }
}

fn verdict(companion: &ProductId, answer: &Answer, edges: &[FoundEdge]) -> Verdict {
    let served = answer
        .lists
        .first()
        .and_then(|list| placed(companion, &list.overlaid));
    match (served, edges.is_empty()) {
        (Some(verdict), _) => verdict,
        (None, false) => Verdict::Dropped(DropReason::NotListed),
        (None, true) => Verdict::NotInGraph,
    }
}

/// A companion that stands in several lists is dropped from each; that one of them doubles another says nothing.
fn placed(companion: &ProductId, list: &Overlaid) -> Option<Verdict> {
    let shown = list
        .items
        .iter()
        .position(|item| item.offer.product == *companion);
    let dropped = || {
        let reasons = list
            .dropped
            .iter()
            .filter(|dropped| dropped.product == *companion);
        reasons
            .map(|dropped| dropped.reason)
            .min_by_key(|reason| *reason == DropReason::Duplicate)
    };
    shown
        .map(|at| Verdict::Shown(at + 1))
        .or_else(|| dropped().map(Verdict::Dropped))
}

fn edges(companion: &ProductId, lists: &AnchorLists, evidence: &AnchorEvidence) -> Vec<FoundEdge> {
    let found = lists.relations().filter_map(|relation| {
        let mut list = lists.list(relation).enumerate();
        let (at, candidate) = list.find(|(_, candidate)| candidate.product == companion.as_str())?;
        Some(FoundEdge {
            candidate: candidate.identified(),
            rank: at + 1,
            evidence: evidence.of(relation, at).copied(),
        })
    });
    found.collect()
}

fn rows(lists: &AnchorLists, evidence: &AnchorEvidence) -> Vec<Row> {
    let row = |relation: Relation| {
        let length = lists.list(relation).count();
        let refused = evidence.list(relation).map(|list| list.refused);
        (length > 0 || refused.is_some()).then(|| Row {
            relation,
            length,
            refused: refused.unwrap_or_default(),
        })
    };
    Relation::ALL.into_iter().filter_map(row).collect()
}

fn between(companion: &ProductId, links: Option<AnchorLinks>) -> Vec<LinkId> {
    let links = links.map(|links| links.links).unwrap_or_default();
    let between = links
        .into_iter()
        .filter(|link| link.input.companion == *companion);
    between.map(|link| link.id).collect()
}
