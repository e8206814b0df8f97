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

/// What is written again and again, each with the comma or line break behind it.
#[derive(Debug)]
pub struct Names {
    /// Every product's, quoted once.
    ids: Fields,
    /// Relation and rank: by relation, then rank from 1.
    places: Fields,
    /// The numbers that most supports are.
    numbers: Fields,
    /// How the line of an edge ends that was never published: by source, in the order of [`Source::ALL`].
    ends: Fields,
}

/// Numbers from 0 that are printed beforehand.
const NUMBERS: usize = 256;

impl Names {
    pub(super) fn of(ids: &[ProductId]) -> Self {
        let place = |relation: Relation, rank| format!("{},{rank},", relation.as_str());
        let places = Relation::ALL
            .into_iter()
            .flat_map(|relation| (1..=STORED_COMPANIONS).map(move |rank| place(relation, rank)));
        let numbers = (0..NUMBERS).map(|number| format!("{number},"));
        let ends = Source::ALL.map(|source| end(source, 0));
        let plain = |text: &mut Vec<u8>, piece: String| text.extend_from_slice(piece.as_bytes());
        Self {
            ids: Fields::of(ids.iter(), |text, id| {
                field(text, id.as_str());
                text.push(b',');
            }),
            places: Fields::of(places, plain),
            numbers: Fields::of(numbers, plain),
            ends: Fields::of(ends.into_iter(), plain),
        }
    }

    fn place(&self, edge: &EdgeRef) -> Slot {
        let relation = usize::from(edge.relation.code() - Relation::ALL[0].code());
        self.places
            .get(relation * STORED_COMPANIONS + edge.rank as usize - 1)
    }
}

/// A piece of a line in as many bytes whatever its length: one look finds it, and what copies it need not know how much
/// there is to copy. The last byte is the length, or [`Slot::LONG`]. One integer, so that it goes from place to place in
/// one piece.
#[derive(Debug, Clone, Copy)]
struct Slot(u128);

impl Slot {
    const BYTES: usize = size_of::<u128>();
    /// The piece lies elsewhere; the rest is its number there.
    const LONG: u8 = u8::MAX;

    fn of(text: &[u8]) -> Self {
        let mut bytes = [0; Self::BYTES];
        bytes[..text.len()].copy_from_slice(text);
        bytes[Self::BYTES - 1] = text.len() as u8;
        Self(u128::from_le_bytes(bytes))
    }

    const fn long(number: usize) -> Self {
        Self(number as u128 | (Self::LONG as u128) << (8 * (Self::BYTES - 1)))
    }

    const fn length(self) -> u8 {
        (self.0 >> (8 * (Self::BYTES - 1))) as u8
    }
}

/// Pieces of lines by number.
#[derive(Debug)]
struct Fields {
    slots: Vec<Slot>,
    /// What no slot holds.
    long: Vec<Box<[u8]>>,
}

impl Fields {
    /// One for each, as `write` appends it to an empty text.
    fn of<T>(all: impl Iterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) -> Self {
        let (mut text, mut long) = (Vec::new(), Vec::new());
        let slot = |one: T| {
            text.clear();
            write(&mut text, one);
            if text.len() < Slot::BYTES {
                return Slot::of(&text);
            }
            long.push(text.as_slice().into());
            Slot::long(long.len() - 1)
        };
        Self {
            slots: all.map(slot).collect(),
            long,
        }
    }

    #[inline]
    fn get(&self, at: usize) -> Slot {
        self.slots[at]
    }

    /// Appends what is in a slot.
    #[inline]
    fn write(&self, text: &mut Vec<u8>, slot: Slot) {
        let end = text.len();
        match slot.length() {
            Slot::LONG => text.extend_from_slice(&self.long[slot.0 as u64 as usize]),
            length => {
                text.extend_from_slice(&slot.0.to_le_bytes());
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
        let mut float = zmij::Buffer::new();
        for (edge, companion) in edges.iter().zip(companions) {
            names.ids.write(text, names.ids.get(edge.anchor as usize));
            names.ids.write(text, *companion);
            names.places.write(text, names.place(edge));
            number(text, float.format(edge.score));
            number(text, float.format(edge.basket_score));
            match edge.evidence.support as usize {
                support if support < NUMBERS => names.numbers.write(text, names.numbers.get(support)),
                _ => whole(text, edge.evidence.support),
            }
            number(text, float.format(edge.evidence.lift));
            number(text, float.format(edge.evidence.llr));
            names.ends.write(text, names.ends.get(edge.source as usize));
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
    whole(text, rank);
    let mut float = zmij::Buffer::new();
    number(text, float.format(of.score));
    number(text, float.format(of.basket_score));
    whole(text, of.support);
    number(text, float.format(of.lift));
    number(text, float.format(of.llr));
    text.extend_from_slice(end(of.source, of.generation).as_bytes());
}

#[inline]
fn number(text: &mut Vec<u8>, digits: &str) {
    short(text, digits.as_bytes());
    text.push(b',');
}

fn whole(text: &mut Vec<u8>, number: impl itoa::Integer) {
    short(text, itoa::Buffer::new().format(number).as_bytes());
    text.push(b',');
}

/// How a line ends.
fn end(source: Source, generation: u64) -> String {
    format!("{},{generation}\n", source.as_str())
}

/// Appends a few bytes: as two pieces of one size that overlap, which takes no call to copy so many bytes as there happen
/// to be.
#[inline]
fn short(text: &mut Vec<u8>, bytes: &[u8]) {
    let end = text.len() + bytes.len();
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) if bytes.len() <= 16 => {
            // As integers they go from place to place in one piece.
            let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
            text.extend_from_slice(&first.to_le_bytes());
            text.truncate(end - size_of::<u64>());
            text.extend_from_slice(&last.to_le_bytes());
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
