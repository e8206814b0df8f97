//! Lists of an anchor. They share one table of companions, since most companions stand in several lists.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use tandem_domain::edge::{AnchorEdges, Candidate, Edge, EdgeList, Source};
use tandem_domain::id::ProductId;
use tandem_domain::pace::Pace;
use tandem_domain::relation::Relation;
use tandem_proto::cache::v1::{AnchorRecord, CompanionPace, RelationList};

use super::{frame, product, rank, unframe, unreadable};
use crate::port::Result;

const WHAT: &str = "lists";
const GENERATED: u32 = 1;
const ATTRIBUTE: u32 = 1 << 1;

/// The lists of an anchor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnchorLists {
    /// At most one list per relation, each best first and not empty.
    pub lists: Vec<(Relation, Vec<Candidate>)>,
    /// How companions sell that a surface may attach; empty where the anchor is no bestseller.
    pub paces: BTreeMap<ProductId, Pace>,
}

impl AnchorLists {
    /// The list of a relation, best first; empty where there is none.
    #[must_use]
    pub fn list(&self, relation: Relation) -> &[Candidate] {
        self.lists
            .iter()
            .find(|(own, _)| *own == relation)
            .map_or(&[], |(_, list)| list)
    }
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
    if !record.feedback.is_empty() && record.feedback.len() != record.companions.len() {
        return Err(unreadable(WHAT, "its columns differ in length"));
    }
    let factor = |at: usize| match record.feedback.get(at) {
        Some(factor) => rank(WHAT, *factor),
        None => Ok(1.0),
    };
    let companions = record.companions.iter().enumerate();
    let companions = companions.map(|(at, id)| Ok((companion(id)?, factor(at)?)));
    let companions = companions.collect::<Result<Vec<_>>>()?;
    let known = record.lists.iter().filter_map(|list| {
        let code = u8::try_from(list.relation).ok()?;
        Some((Relation::from_code(code)?, list))
    });
    let lists = known
        .map(|(relation, list)| Ok((relation, decode_list(&companions, relation, list)?)))
        .collect::<Result<_>>()?;
    let paces = record.paces.iter().map(|pace| decode_pace(&companions, pace));
    let paces = paces.collect::<Result<_>>()?;
    Ok(AnchorLists { lists, paces })
}

fn companion(id: &[u8]) -> Result<ProductId> {
    let id = std::str::from_utf8(id).map_err(|why| unreadable(WHAT, why))?;
    product(WHAT, id)
}

fn decode_pace(companions: &[(ProductId, f32)], pace: &CompanionPace) -> Result<(ProductId, Pace)> {
    let sold = pace.sold_and_one.checked_sub(1).map(u32::try_from).transpose();
    let own = Pace {
        since: pace.since,
        sold: sold.map_err(|_| unreadable(WHAT, "a companion sold more than can be"))?,
        clearance: pace.clearance,
    };
    Ok((named(companions, pace.companion)?.0.clone(), own))
}

fn named(companions: &[(ProductId, f32)], position: u32) -> Result<&(ProductId, f32)> {
    let companion = usize::try_from(position).ok().and_then(|at| companions.get(at));
    companion.ok_or_else(|| unreadable(WHAT, "a companion is not in its table"))
}

fn decode_list(
    companions: &[(ProductId, f32)],
    relation: Relation,
    list: &RelationList,
) -> Result<Vec<Candidate>> {
    let length = list.companion.len();
    let fits = |column: usize| column == 0 || column == length;
    if list.score.len() != length || !fits(list.basket_score.len()) || !fits(list.flags.len()) {
        return Err(unreadable(WHAT, "its columns differ in length"));
    }
    let row = |(at, &companion): (usize, &u32)| {
        let (product, feedback) = named(companions, companion)?;
        let score = rank(WHAT, list.score[at])?;
        let flags = list.flags.get(at).copied().unwrap_or(0);
        Ok(Candidate {
            product: product.clone(),
            relation,
            score,
            feedback: *feedback,
            basket_score: rank(WHAT, list.basket_score.get(at).copied().unwrap_or(score))?,
            source: if flags & ATTRIBUTE == 0 {
                Source::Learned
            } else {
                Source::Attribute
            },
            generated: flags & GENERATED != 0,
        })
    };
    list.companion.iter().enumerate().map(row).collect()
}
