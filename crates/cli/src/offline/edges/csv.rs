//! Edges as rows of CSV.

use tandem_domain::edge::{STORED_COMPANIONS, Source};
use tandem_domain::id::ProductId;
use tandem_domain::relation::Relation;
use tandem_graph::EdgeRef;

use super::column::COLUMNS;

/// The header row.
#[must_use]
pub fn header() -> String {
    COLUMNS.map(|(name, _)| name).join(",") + "\n"
}

/// What is told of an edge behind its names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Score of one anchor.
    pub score: f32,
    /// Score of many anchors.
    pub basket_score: f32,
    /// Baskets that hold both.
    pub support: u32,
    /// Observed ÷ expected.
    pub lift: f32,
    /// Log-likelihood ratio.
    pub llr: f32,
    /// Where the edge comes from.
    pub source: Source,
    /// The generation; 0 for one that was never published.
    pub generation: u64,
}

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
    text.extend_from_slice(names.id(edge.anchor));
    text.extend_from_slice(names.id(edge.companion));
    text.extend_from_slice(names.place(edge));
    figures(
        text,
        &Figures {
            score: edge.score,
            basket_score: edge.basket_score,
            support: edge.evidence.support,
            lift: edge.evidence.lift,
            llr: edge.evidence.llr,
            source: edge.source,
            generation: 0,
        },
    );
}

/// Writes an edge whose names are not known beforehand.
pub fn line(
    text: &mut Vec<u8>,
    (anchor, companion): (&ProductId, &ProductId),
    (relation, rank): (Relation, usize),
    of: &Figures,
) {
    for id in [anchor, companion] {
        field(text, id.as_str());
        text.push(b',');
    }
    text.extend_from_slice(relation.as_str().as_bytes());
    text.push(b',');
    text.extend_from_slice(itoa::Buffer::new().format(rank).as_bytes());
    text.push(b',');
    figures(text, of);
}

fn figures(text: &mut Vec<u8>, of: &Figures) {
    let (mut whole, mut float) = (itoa::Buffer::new(), zmij::Buffer::new());
    let mut number = |digits: &str| {
        text.extend_from_slice(digits.as_bytes());
        text.push(b',');
    };
    number(float.format(of.score));
    number(float.format(of.basket_score));
    number(whole.format(of.support));
    number(float.format(of.lift));
    number(float.format(of.llr));
    number(of.source.as_str());
    text.extend_from_slice(whole.format(of.generation).as_bytes());
    text.push(b'\n');
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
