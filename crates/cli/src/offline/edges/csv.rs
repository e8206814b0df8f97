use tandem_domain::id::ProductId;
use tandem_graph::EdgeRef;

/// The header row.
pub(super) const HEADER: &str =
    "anchor,companion,relation,rank,score,basket_score,support,lift,llr,source,generation\n";

/// Every product's id as a field with its comma, end to end: an id is written fifty times and quoted once.
#[derive(Debug)]
pub struct Names {
    text: Vec<u8>,
    /// Where each field begins; one more than there are products.
    starts: Vec<usize>,
}

impl Names {
    pub(super) fn of(ids: &[ProductId]) -> Self {
        let (mut text, mut starts) = (Vec::new(), vec![0]);
        for id in ids {
            field(&mut text, id.as_str());
            text.push(b',');
            starts.push(text.len());
        }
        Self { text, starts }
    }

    fn get(&self, product: u32) -> &[u8] {
        let at = product as usize;
        &self.text[self.starts[at]..self.starts[at + 1]]
    }
}

pub(super) fn print(text: &mut Vec<u8>, names: &Names, edge: &EdgeRef) {
    let (mut whole, mut float) = (itoa::Buffer::new(), zmij::Buffer::new());
    text.extend_from_slice(names.get(edge.anchor));
    text.extend_from_slice(names.get(edge.companion));
    text.extend_from_slice(edge.relation.as_str().as_bytes());
    text.push(b',');
    text.extend_from_slice(whole.format(edge.rank).as_bytes());
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
