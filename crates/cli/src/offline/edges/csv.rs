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

/// What is written again and again, with its comma: every product's id, quoted once; every relation with every rank.
#[derive(Debug)]
pub struct Names {
    ids: Fields,
    /// By relation, then rank from 1.
    places: Fields,
}

impl Names {
    pub(super) fn of(ids: &[ProductId]) -> Self {
        let mut names = Self {
            ids: Fields::default(),
            places: Fields::default(),
        };
        for id in ids {
            names.ids.push(|text| field(text, id.as_str()));
        }
        for relation in Relation::ALL {
            for rank in 1..=STORED_COMPANIONS {
                let place = format!("{},{rank}", relation.as_str());
                names.places.push(|text| text.extend_from_slice(place.as_bytes()));
            }
        }
        names
    }

    fn place(&self, edge: &EdgeRef) -> Slot {
        let relation = usize::from(edge.relation.code() - Relation::ALL[0].code());
        self.places
            .get(relation * STORED_COMPANIONS + edge.rank as usize - 1)
    }
}

/// A field with its comma, in as many bytes whatever its length: one look finds it, and what copies it need not know how
/// much there is to copy. The last byte is the length, or [`Slot::LONG`].
#[derive(Debug, Clone, Copy)]
struct Slot([u8; Slot::BYTES]);

impl Slot {
    const BYTES: usize = 16;
    /// The field lies elsewhere; its number there is in the first bytes.
    const LONG: u8 = u8::MAX;
}

/// Fields by number.
#[derive(Debug, Default)]
struct Fields {
    slots: Vec<Slot>,
    /// What no slot holds.
    long: Vec<Box<[u8]>>,
}

impl Fields {
    /// The next field is what `write` writes.
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut text = Vec::with_capacity(Slot::BYTES);
        write(&mut text);
        text.push(b',');
        let mut slot = [0; Slot::BYTES];
        if text.len() < Slot::BYTES {
            slot[..text.len()].copy_from_slice(&text);
            slot[Slot::BYTES - 1] = text.len() as u8;
        } else {
            slot[..8].copy_from_slice(&self.long.len().to_le_bytes());
            slot[Slot::BYTES - 1] = Slot::LONG;
            self.long.push(text.into_boxed_slice());
        }
        self.slots.push(Slot(slot));
    }

    #[inline]
    fn get(&self, at: usize) -> Slot {
        self.slots[at]
    }

    /// Appends the field of a slot.
    #[inline]
    fn write(&self, text: &mut Vec<u8>, Slot(slot): Slot) {
        let end = text.len();
        match slot[Slot::BYTES - 1] {
            Slot::LONG => {
                let [a, b, c, d, e, f, g, h, ..] = slot;
                text.extend_from_slice(&self.long[usize::from_le_bytes([a, b, c, d, e, f, g, h])]);
            }
            length => {
                text.extend_from_slice(&slot);
                text.truncate(end + usize::from(length));
            }
        }
    }
}

/// Prints lists of edges in few pieces: what is the same in many rows is written out once.
#[derive(Debug)]
pub struct Printer<'a> {
    names: &'a Names,
    /// Of the companions of a list. They lie anywhere in memory, so they are gathered before the first is printed: reads
    /// that do not depend on each other are under way together.
    companions: Vec<Slot>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(names: &'a Names) -> Self {
        Self {
            names,
            companions: Vec::with_capacity(STORED_COMPANIONS),
        }
    }

    /// Appends the rows of a list.
    pub(super) fn print(&mut self, text: &mut Vec<u8>, edges: &[EdgeRef]) {
        let Self { names, companions } = self;
        companions.clear();
        companions.extend(edges.iter().map(|edge| names.ids.get(edge.companion as usize)));
        for (edge, companion) in edges.iter().zip(companions) {
            names.ids.write(text, names.ids.get(edge.anchor as usize));
            names.ids.write(text, *companion);
            names.places.write(text, names.place(edge));
            let of = Figures {
                score: edge.score,
                basket_score: edge.basket_score,
                support: edge.evidence.support,
                lift: edge.evidence.lift,
                llr: edge.evidence.llr,
                source: edge.source,
                generation: 0,
            };
            figures(text, &of);
        }
    }
}

/// Writes an edge whose names are not known beforehand.
pub fn line(
    text: &mut Vec<u8>,
    (anchor, companion): (&str, &str),
    (relation, rank): (Relation, usize),
    of: &Figures,
) {
    for id in [anchor, companion] {
        field(text, id);
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
        short(text, digits.as_bytes());
        text.push(b',');
    };
    number(float.format(of.score));
    number(float.format(of.basket_score));
    number(whole.format(of.support));
    number(float.format(of.lift));
    number(float.format(of.llr));
    number(of.source.as_str());
    short(text, whole.format(of.generation).as_bytes());
    text.push(b'\n');
}

/// Appends a few bytes: as two pieces of one size that overlap, which takes no call to copy so many bytes as there happen
/// to be.
#[inline]
fn short(text: &mut Vec<u8>, bytes: &[u8]) {
    let end = text.len() + bytes.len();
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) if bytes.len() <= 16 => {
            text.extend_from_slice(first);
            text.truncate(end - last.len());
            text.extend_from_slice(last);
        }
        _ if bytes.len() < 4 => bytes.iter().for_each(|&byte| text.push(byte)),
        _ => text.extend_from_slice(bytes),
    }
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
