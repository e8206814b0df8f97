use tandem_domain::edge::{AnchorEdges, Edge};

/// The header row.
pub(super) const HEADER: &str =
    "anchor,companion,relation,rank,score,basket_score,support,lift,llr,source,generation\n";

pub(super) fn print(anchors: &[AnchorEdges]) -> Vec<u8> {
    let (mut text, mut anchor_text) = (Vec::new(), Vec::new());
    for anchor in anchors {
        anchor_text.clear();
        field(&mut anchor_text, anchor.anchor.as_str());
        for list in &anchor.lists {
            for (place, edge) in list.edges.iter().enumerate() {
                text.extend_from_slice(&anchor_text);
                row(&mut text, edge, list.relation.as_str(), place + 1);
            }
        }
    }
    text
}

fn row(text: &mut Vec<u8>, edge: &Edge, relation: &str, rank: usize) {
    let (mut whole, mut float) = (itoa::Buffer::new(), ryu::Buffer::new());
    text.push(b',');
    field(text, edge.companion.as_str());
    text.push(b',');
    text.extend_from_slice(relation.as_bytes());
    text.push(b',');
    text.extend_from_slice(whole.format(rank).as_bytes());
    for score in [edge.score, edge.basket_score] {
        text.push(b',');
        text.extend_from_slice(float.format(score).as_bytes());
    }
    text.push(b',');
    text.extend_from_slice(whole.format(edge.evidence.support).as_bytes());
    for evidence in [edge.evidence.lift, edge.evidence.llr] {
        text.push(b',');
        text.extend_from_slice(float.format(evidence).as_bytes());
    }
    text.push(b',');
    text.extend_from_slice(edge.source.as_str().as_bytes());
    text.extend_from_slice(b",0\n");
}

/// Quotes what must be quoted.
fn field(text: &mut Vec<u8>, value: &str) {
    let is_plain = |byte: u8| !matches!(byte, b',' | b'"' | b'\n' | b'\r');
    if value.bytes().all(is_plain) {
        text.extend_from_slice(value.as_bytes());
        return;
    }
    text.push(b'"');
    text.extend_from_slice(value.replace('"', "\"\"").as_bytes());
    text.push(b'"');
}
