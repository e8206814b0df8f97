//! Why the companions of an anchor are there, beside the lists, so that plain reads stay small.

use bytes::Bytes;
use tandem_domain::edge::{EdgeList, Evidence, GateCounts, Signal};
use tandem_domain::relation::Relation;
use tandem_proto::cache::v1::{EvidenceList, EvidenceRecord};

use super::{frame, unframe, unreadable};
use crate::port::Result;

const WHAT: &str = "evidence";

/// The evidence of an anchor's lists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnchorEvidence {
    /// At most one per relation. A relation without companions is here too when its gates turned candidates away.
    pub lists: Vec<ListEvidence>,
}

/// The evidence of one list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListEvidence {
    /// The relation.
    pub relation: Relation,
    /// In the order of the candidates of the relation in [`super::AnchorLists`].
    pub evidence: Vec<Evidence>,
    /// Why others are not in the list.
    pub refused: GateCounts,
}

impl AnchorEvidence {
    /// The evidence of a relation's list.
    #[must_use]
    pub fn list(&self, relation: Relation) -> Option<&ListEvidence> {
        self.lists.iter().find(|list| list.relation == relation)
    }

    /// The evidence of the companion at `position` (from 0) of a relation's list.
    #[must_use]
    pub fn of(&self, relation: Relation, position: usize) -> Option<&Evidence> {
        self.list(relation)?.evidence.get(position)
    }
}

pub(super) fn says_something(list: &EdgeList) -> bool {
    !list.edges.is_empty() || list.refused != GateCounts::default()
}

pub(super) fn encode_evidence(lists: &[EdgeList]) -> Bytes {
    let mut record = EvidenceRecord::default();
    for list in lists.iter().filter(|list| says_something(list)) {
        for evidence in list.edges.iter().map(|edge| &edge.evidence) {
            share(&mut record, evidence);
        }
        record.lists.push(encode_list(list));
    }
    frame(&record)
}

/// What all evidence of a signal has in common is stored once.
fn share(record: &mut EvidenceRecord, evidence: &Evidence) {
    let signal = u32::from(evidence.signal.code());
    let columns = [
        (&mut record.anchor_count, evidence.anchor_count),
        (&mut record.total, evidence.total),
        (&mut record.window_days, evidence.window_days),
    ];
    for (column, value) in columns {
        let stored = *column.entry(signal).or_insert(value);
        debug_assert_eq!(stored, value, "evidence of one signal disagrees within an anchor");
    }
}

fn encode_list(list: &EdgeList) -> EvidenceList {
    let evidence = || list.edges.iter().map(|edge| &edge.evidence);
    let GateCounts {
        support,
        significance,
        category,
        relation,
        price,
        rank,
        cut_off,
    } = list.refused;
    EvidenceList {
        relation: list.relation.code().into(),
        signal: evidence().map(|e| e.signal.code().into()).collect(),
        support: evidence().map(|e| e.support).collect(),
        companion_count: evidence().map(|e| e.companion_count).collect(),
        lift: evidence().map(|e| e.lift).collect(),
        llr: evidence().map(|e| e.llr).collect(),
        refused: vec![support, significance, category, relation, price, rank],
        cut_off,
    }
}

/// Reads the evidence of an anchor. A relation that this build does not know is left out.
///
/// # Errors
/// [`CacheError::Unreadable`](crate::error::CacheError::Unreadable) when the bytes are of another codec or damaged.
pub fn decode_evidence(bytes: &[u8]) -> Result<AnchorEvidence> {
    let record: EvidenceRecord = unframe(WHAT, bytes)?;
    let known = record.lists.iter().filter_map(|list| {
        let code = u8::try_from(list.relation).ok()?;
        Some((Relation::from_code(code)?, list))
    });
    let lists = known
        .map(|(relation, list)| {
            Ok(ListEvidence {
                relation,
                evidence: decode_rows(&record, list)?,
                refused: decode_refused(list)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(AnchorEvidence { lists })
}

fn decode_rows(record: &EvidenceRecord, list: &EvidenceList) -> Result<Vec<Evidence>> {
    let length = list.signal.len();
    let columns = [
        list.support.len(),
        list.companion_count.len(),
        list.lift.len(),
        list.llr.len(),
    ];
    if columns.iter().any(|&column| column != length) {
        return Err(unreadable(WHAT, "its columns differ in length"));
    }
    let row = |(at, &code): (usize, &u32)| {
        let signal = u8::try_from(code).ok().and_then(Signal::from_code);
        let signal = signal.ok_or_else(|| unreadable(WHAT, format!("signal {code} is not known")))?;
        let shared = |column: &std::collections::BTreeMap<u32, u32>| column.get(&code).copied().unwrap_or(0);
        Ok(Evidence {
            signal,
            support: list.support[at],
            anchor_count: shared(&record.anchor_count),
            companion_count: list.companion_count[at],
            total: shared(&record.total),
            lift: list.lift[at],
            llr: list.llr[at],
            window_days: shared(&record.window_days),
        })
    };
    list.signal.iter().enumerate().map(row).collect()
}

fn decode_refused(list: &EvidenceList) -> Result<GateCounts> {
    let &[support, significance, category, relation, price, rank] = list.refused.as_slice() else {
        return Err(unreadable(WHAT, "it does not count six gates"));
    };
    Ok(GateCounts {
        support,
        significance,
        category,
        relation,
        price,
        rank,
        cut_off: list.cut_off,
    })
}
