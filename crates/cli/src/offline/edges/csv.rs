use tandem_domain::edge::STORED_COMPANIONS;
use tandem_domain::id::ProductId;
use tandem_domain::relation::Relation;
use tandem_graph::EdgeRef;

/// The header row.
pub(super) const HEADER: &str =
    "anchor,companion,relation,rank,score,basket_score,support,lift,llr,source,generation\n";

/// What is written again and again, with its commas: every product's id, quoted once; every relation with every rank.
#[derive(Debug)]
pub struct Names {
    ids: Fields,
    /// By relation, then rank from 1.
    places: Fields,
}

impl Names {
    pub(super) fn of(ids: &[ProductId]) -> Self {
        let ranks = |relation: Relation| (1..=STORED_COMPANIONS).map(move |rank| (relation, rank));
        Self {
            ids: Fields::of(ids.iter(), |text, id| field(text, id.as_str())),
            places: Fields::of(
                Relation::ALL.into_iter().flat_map(ranks),
                |text, (relation, rank)| {
                    text.extend_from_slice(format!("{},{rank}", relation.as_str()).as_bytes());
                },
            ),
        }
    }

    fn id(&self, product: u32) -> &[u8] {
        self.ids.get(product as usize)
    }

    fn place(&self, edge: &EdgeRef) -> &[u8] {
        let relation = usize::from(edge.relation.code() - Relation::ALL[0].code());
        self.places
            .get(relation * STORED_COMPANIONS + edge.rank as usize - 1)
    }
}

/// Fields end to end, each with its comma.
#[derive(Debug)]
struct Fields {
    text: Vec<u8>,
    /// Where each field begins; one more than there are fields.
    starts: Vec<usize>,
}

impl Fields {
    fn of<T>(values: impl Iterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) -> Self {
        let (mut text, mut starts) = (Vec::new(), vec![0]);
        for value in values {
            write(&mut text, value);
            text.push(b',');
            starts.push(text.len());
        }
        Self { text, starts }
    }

    fn get(&self, at: usize) -> &[u8] {
        &self.text[self.starts[at]..self.starts[at + 1]]
    }
}

/// Writes an edge in few pieces: what is the same in many rows is written out once.
pub(super) fn print(text: &mut Vec<u8>, names: &Names, edge: &EdgeRef) {
    let (mut whole, mut float) = (itoa::Buffer::new(), zmij::Buffer::new());
    text.extend_from_slice(names.id(edge.anchor));
    text.extend_from_slice(names.id(edge.companion));
    text.extend_from_slice(names.place(edge));
    let mut number = |digits: &str| {
        text.extend_from_slice(digits.as_bytes());
        text.push(b',');
    };
    number(float.format(edge.score));
    number(float.format(edge.basket_score));
    number(whole.format(edge.evidence.support));
    number(float.format(edge.evidence.lift));
    number(float.format(edge.evidence.llr));
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
