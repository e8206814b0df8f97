//! Edges as rows of CSV.

mod decimal;
mod piece;

use decimal::decimal;
use piece::{Piece, Pieces, Room};
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
    ids: Pieces,
    /// Relation and rank: by relation, then rank from 1.
    places: Pieces,
    /// The numbers that most supports are.
    numbers: Pieces,
    /// How the line of an edge ends that was never published: by source, in the order of [`Source::ALL`].
    ends: Pieces,
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
        let plain =
            |texts: Vec<String>| Pieces::of(&texts, |text, piece| text.extend_from_slice(piece.as_bytes()));
        Self {
            ids: Pieces::of(ids, |text, id| {
                field(text, id.as_str());
                text.push(b',');
            }),
            places: plain(places.collect()),
            numbers: plain(numbers.collect()),
            ends: plain(ends.to_vec()),
        }
    }

    fn place(&self, edge: &EdgeRef) -> Piece {
        let relation = usize::from(edge.relation.code() - Relation::ALL[0].code());
        self.places
            .get(relation * STORED_COMPANIONS + edge.rank as usize - 1)
    }
}

/// Prints lists of edges in few pieces: what is the same in many rows is written out once.
#[derive(Debug)]
pub struct Printer<'a> {
    names: &'a Names,
    /// Of the companions of a list. They lie anywhere in memory, so they are gathered before the first is printed: reads
    /// that do not depend on each other are under way together.
    companions: Vec<Piece>,
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
        let beyond = 2 * names.ids.beyond + names.places.beyond + names.ends.beyond;
        let room = edges.len() * (PIECES * Piece::BYTES + beyond);
        append(text, room, |room| {
            for (edge, companion) in edges.iter().zip(companions.iter()) {
                room.put_of(&names.ids, names.ids.get(edge.anchor as usize));
                room.put_of(&names.ids, *companion);
                room.put_of(&names.places, names.place(edge));
                room.value(decimal(edge.score));
                room.value(decimal(edge.basket_score));
                match edge.evidence.support as usize {
                    support if support < NUMBERS => room.put(names.numbers.get(support)),
                    _ => room.whole(edge.evidence.support),
                }
                room.value(decimal(edge.evidence.lift));
                room.value(decimal(edge.evidence.llr));
                room.put_of(&names.ends, names.ends.get(edge.source as usize));
            }
        });
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
    append(text, PIECES * Piece::BYTES, |room| {
        room.whole(rank);
        room.value(decimal(of.score));
        room.value(decimal(of.basket_score));
        room.whole(of.support);
        room.value(decimal(of.lift));
        room.value(decimal(of.llr));
        room.text(end(of.source, of.generation).as_bytes());
    });
}

/// The most pieces of a line. One whose names are not known beforehand has seven in as much room, so its end may be longer.
const PIECES: usize = 9;

/// Appends what `write` writes, in room for so many bytes.
fn append(text: &mut Vec<u8>, bytes: usize, write: impl FnOnce(&mut Room<'_>)) {
    let end = text.len();
    text.resize(end + bytes, 0);
    let mut room = Room::new(&mut text[end..]);
    write(&mut room);
    let written = room.written();
    text.truncate(end + written);
}

/// How a line ends.
fn end(source: Source, generation: u64) -> String {
    format!("{},{generation}\n", source.as_str())
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

#[cfg(test)]
mod tests {
    use tandem_domain::edge::{Evidence, Signal};

    use super::*;

    #[test]
    fn a_list_is_printed_as_its_edges_are_one_by_one() {
        let texts = [
            "a".to_owned(),
            "b".repeat(13),
            "c".repeat(14),
            "d".repeat(15),
            "e".repeat(16),
            "f".repeat(128),
            "g,h".to_owned(),
            "\"".repeat(128),
        ];
        let ids: Vec<ProductId> = texts.iter().map(|text| ProductId::new(text).unwrap()).collect();
        let names = Names::of(&ids);
        let mut printer = Printer::new(&names);
        let numbers = [0.0, f32::MAX, 1.234_567_8, -1e12, 0.000_123_456_78, 1e-30];
        for anchor in 0..ids.len() {
            for relation in Relation::ALL {
                let edge = |place: usize| EdgeRef {
                    anchor: anchor as u32,
                    companion: (place % ids.len()) as u32,
                    relation,
                    rank: place as u32 + 1,
                    score: numbers[place % 6],
                    basket_score: numbers[(place + 1) % 6],
                    source: Source::ALL[place % Source::ALL.len()],
                    evidence: Evidence {
                        signal: Signal::CoPurchase,
                        support: [0, 255, 256, u32::MAX][place % 4],
                        anchor_count: 0,
                        companion_count: 0,
                        total: 0,
                        lift: numbers[(place + 2) % 6],
                        llr: numbers[(place + 3) % 6],
                        window_days: 0,
                    },
                };
                let edges: Vec<EdgeRef> = (0..STORED_COMPANIONS).map(edge).collect();
                let (mut printed, mut lines) = (b"before".to_vec(), b"before".to_vec());
                printer.print(&mut printed, &edges);
                for edge in &edges {
                    let figures = Figures {
                        score: edge.score,
                        basket_score: edge.basket_score,
                        support: edge.evidence.support,
                        lift: edge.evidence.lift,
                        llr: edge.evidence.llr,
                        source: edge.source,
                        generation: 0,
                    };
                    let named = (texts[anchor].as_str(), texts[edge.companion as usize].as_str());
                    line(&mut lines, named, (relation, edge.rank as usize), &figures);
                }
                assert_eq!(String::from_utf8(printed), String::from_utf8(lines));
            }
        }
    }
}
