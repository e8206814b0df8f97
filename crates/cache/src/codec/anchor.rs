//! All records of one anchor.

use bytes::Bytes;
use tandem_domain::edge::AnchorEdges;

use super::bundles::encode_bundles;
use super::evidence::encode_evidence;
use super::lists::encode_lists;
use crate::port::RecordKey;

/// The records of an anchor in a base segment; those with nothing in them are left out.
///
/// Evidence of one signal must agree on `anchor_count`, `total` and `window_days` throughout the anchor, and bundles on
/// `anchor_count`: the record holds each once.
#[must_use]
pub fn encode_anchor(anchor: &AnchorEdges) -> Vec<(RecordKey, Bytes)> {
    let mut records = encode_touched(anchor);
    let (lists, evidence) = (
        anchor.lists.iter().any(|list| !list.edges.is_empty()),
        anchor.lists.iter().any(super::evidence::says_something),
    );
    records.retain(|(key, _)| match key {
        RecordKey::Lists(_) => lists,
        RecordKey::Evidence(_) => evidence,
        RecordKey::Bundles(_) | RecordKey::Bestsellers(_) => !anchor.bundles.is_empty(),
    });
    records
}

/// The records of an anchor in a delta segment: all three, empty ones too, so that they hide what older segments say.
#[must_use]
pub fn encode_touched(anchor: &AnchorEdges) -> Vec<(RecordKey, Bytes)> {
    let id = &anchor.anchor;
    vec![
        (RecordKey::Lists(id.clone()), encode_lists(anchor)),
        (RecordKey::Evidence(id.clone()), encode_evidence(&anchor.lists)),
        (RecordKey::Bundles(id.clone()), encode_bundles(&anchor.bundles)),
    ]
}
