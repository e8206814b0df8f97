//! Lists of an anchor. They share one table of companions, since most companions stand in several lists.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use tandem_domain::edge::{AnchorEdges, Candidate, Edge, EdgeList, Source};
use tandem_domain::id::{ProductId, check};
use tandem_domain::pace::Pace;
use tandem_domain::relation::Relation;
use tandem_proto::cache::v1::{AnchorRecord, CompanionPace, RelationList};

use super::{frame, product, rank, unframe, unreadable};
use crate::port::Result;

const WHAT: &str = "lists";
const GENERATED: u32 = 1;
const ATTRIBUTE: u32 = 1 << 1;

/// The lists of an anchor: its record as it was read, every part of it checked. Nothing is copied out of it before it is
/// asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnchorLists {
    record: AnchorRecord,
    /// How companions sell that a surface may attach; empty where the anchor is no bestseller.
    pub paces: BTreeMap<ProductId, Pace>,
}

impl AnchorLists {
    /// The relations that have a list, in their order.
    pub fn relations(&self) -> impl Iterator<Item = Relation> {
        self.record.lists.iter().filter_map(relation)
    }

    /// The companions of all lists.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate<&str>> {
        self.relations().flat_map(|relation| self.list(relation))
    }

    /// The list of a relation, best first; empty where there is none.
    pub fn list(&self, wanted: Relation) -> impl Iterator<Item = Candidate<&str>> {
        let mut lists = self.record.lists.iter();
        let list = lists.find(|list| relation(list) == Some(wanted));
        let rows = list.into_iter().flat_map(|list| {
            let rows = 0..list.companion.len();
            rows.map(move |at| (list, at))
        });
        rows.map(move |(list, at)| self.candidate(wanted, list, at))
    }

    fn candidate(&self, relation: Relation, list: &RelationList, at: usize) -> Candidate<&str> {
        let companion = list.companion[at] as usize;
        let flags = list.flags.get(at).copied().unwrap_or(0);
        Candidate {
            product: std::str::from_utf8(&self.record.companions[companion]).unwrap_or_default(),
            relation,
            score: list.score[at],
            feedback: self.record.feedback.get(companion).copied().unwrap_or(1.0),
            basket_score: list.basket_score.get(at).copied().unwrap_or(list.score[at]),
            source: if flags & ATTRIBUTE == 0 {
                Source::Learned
            } else {
                Source::Attribute
            },
            generated: flags & GENERATED != 0,
        }
    }
}

/// None of a list that this build does not know.
fn relation(list: &RelationList) -> Option<Relation> {
    Relation::from_code(u8::try_from(list.relation).ok()?)
}

pub(super) fn encode_lists(anchor: &AnchorEdges) -> Bytes {
    let mut companions = Companions::default();
    let lists = anchor.lists.iter().filter(|list| !list.edges.is_empty());
    let lists = lists.map(|list| encode_list(&mut companions, list)).collect();
    let mut factors = vec![1.0; companions.names.len()];
    for (companion, factor) in &anchor.feedback {
        if let Some(&at) = companions.positions.get(companion) {
            factors[at as usize] = *factor;
        }
    }
    if factors.iter().all(|factor| *factor == 1.0) {
        factors.clear();
    }
    let paces = anchor.paces.iter();
    let paces =
        paces.filter_map(|(companion, pace)| Some(encode_pace(*companions.positions.get(companion)?, pace)));
    frame(&AnchorRecord {
        paces: paces.collect(),
        companions: companions.names,
        lists,
        feedback: factors,
    })
}

fn encode_pace(companion: u32, pace: &Pace) -> CompanionPace {
    CompanionPace {
        companion,
        since: pace.since,
        sold_and_one: pace.sold.map_or(0, |units| u64::from(units) + 1),
        clearance: pace.clearance,
    }
}

#[derive(Default)]
struct Companions {
    names: Vec<Bytes>,
    positions: HashMap<ProductId, u32>,
}

impl Companions {
    fn position(&mut self, id: &ProductId) -> u32 {
        if let Some(&known) = self.positions.get(id) {
            return known;
        }
        let position =
            u32::try_from(self.names.len()).expect("an anchor has at most a few hundred companions");
        self.names.push(Bytes::copy_from_slice(id.as_str().as_bytes()));
        self.positions.insert(id.clone(), position);
        position
    }
}

fn encode_list(companions: &mut Companions, list: &EdgeList) -> RelationList {
    let edges = &list.edges;
    RelationList {
        relation: list.relation.code().into(),
        companion: edges
            .iter()
            .map(|edge| companions.position(&edge.companion))
            .collect(),
        score: edges.iter().map(|edge| edge.score).collect(),
        basket_score: column_unless(edges, |e| e.basket_score, |e| e.basket_score == e.score),
        flags: column_unless(edges, flags, |e| flags(e) == 0),
    }
}

/// A column, left out where every edge is `plain`.
fn column_unless<T>(edges: &[Edge], value: impl Fn(&Edge) -> T, plain: impl Fn(&Edge) -> bool) -> Vec<T> {
    if edges.iter().all(plain) {
        return Vec::new();
    }
    edges.iter().map(value).collect()
}

fn flags(edge: &Edge) -> u32 {
    let generated = if edge.generated { GENERATED } else { 0 };
    let attribute = if edge.source == Source::Attribute {
        ATTRIBUTE
    } else {
        0
    };
    generated | attribute
}

/// Reads the lists of an anchor. A relation that this build does not know is left out.
///
/// # Errors
/// [`CacheError::Unreadable`](crate::error::CacheError::Unreadable) when the bytes are of another codec or damaged.
pub fn decode_lists(bytes: &Bytes) -> Result<AnchorLists> {
    let record: AnchorRecord = unframe(WHAT, bytes.clone())?;
    record.companions.iter().try_for_each(|id| name(id).map(|_| ()))?;
    let fits = |column: usize, length: usize| column == 0 || column == length;
    if !fits(record.feedback.len(), record.companions.len()) {
        return Err(unreadable(WHAT, "its columns differ in length"));
    }
    record.feedback.iter().try_for_each(rankable)?;
    for list in &record.lists {
        let length = list.companion.len();
        let columns = [list.basket_score.len(), list.flags.len()];
        if list.score.len() != length || columns.iter().any(|column| !fits(*column, length)) {
            return Err(unreadable(WHAT, "its columns differ in length"));
        }
        list.score
            .iter()
            .chain(&list.basket_score)
            .try_for_each(rankable)?;
        let known = |companion: &u32| (*companion as usize) < record.companions.len();
        if !list.companion.iter().all(known) {
            return Err(unreadable(WHAT, "a companion is not in its table"));
        }
    }
    let paces = record
        .paces
        .iter()
        .map(|pace| decode_pace(&record.companions, pace));
    let paces = paces.collect::<Result<_>>()?;
    Ok(AnchorLists { record, paces })
}

fn rankable(value: &f32) -> Result<()> {
    rank(WHAT, *value).map(|_| ())
}

fn decode_pace(companions: &[Bytes], pace: &CompanionPace) -> Result<(ProductId, Pace)> {
    let sold = pace.sold_and_one.checked_sub(1).map(u32::try_from).transpose();
    let own = Pace {
        since: pace.since,
        sold: sold.map_err(|_| unreadable(WHAT, "a companion sold more than can be"))?,
        clearance: pace.clearance,
    };
    let companion = companions.get(pace.companion as usize);
    let companion = companion.ok_or_else(|| unreadable(WHAT, "a companion is not in its table"))?;
    Ok((product(WHAT, name(companion)?)?, own))
}

fn name(id: &[u8]) -> Result<&str> {
    let id = std::str::from_utf8(id).map_err(|why| unreadable(WHAT, why))?;
    check(id).map_err(|why| unreadable(WHAT, format!("product id {why}")))?;
    Ok(id)
}
