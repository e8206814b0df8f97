//! Many anchors at once: each votes with its `basket_score`, recent ones more; relations are fused by rank.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxHashMap;

use super::{Marks, Offer};
use crate::edge::{Candidate, Source};
use crate::relation::Relation;

/// What a place further back in the basket weighs, relative to the one after it.
pub const RECENCY: f64 = 0.9;

/// Damps the lead of first places in reciprocal rank fusion (Cormack et al., SIGIR 2009).
const RANK_DAMPING: f64 = 60.0;

/// The weight of an anchor with `newer` anchors after it.
#[must_use]
pub fn recency_weight(newer: usize) -> f64 {
    RECENCY.powi(i32::try_from(newer).unwrap_or(i32::MAX))
}

/// An anchor's companions, ready to be voted for, in few bytes. What is summed stands apart from the ids, which are only
/// read of who is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slate {
    voices: Box<[Voice]>,
    names: Names,
}

/// A candidate's vote.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Voice {
    value: f32,
    /// The place of its product among the names.
    name: u16,
    relation: Relation,
    source: Source,
    generated: bool,
}

impl Slate {
    /// Of candidates, weighed by the boosts and buries among the anchor's `marks`. Each product is known by its `print`: a
    /// hash, the same in all ballots that are fused.
    #[must_use]
    pub fn of<'c>(
        candidates: impl IntoIterator<Item = Candidate<&'c str>>,
        marks: &Marks,
        print: impl Fn(&str) -> u64,
    ) -> Self {
        let (mut products, mut places) = (Vec::new(), FxHashMap::default());
        // Six relations of 50 companions: what lies beyond the last place cannot be stored.
        let candidates = candidates.into_iter().take(usize::from(u16::MAX));
        let voices = candidates.map(|candidate| {
            let product = candidate.product;
            let factor = marks.factor(product, Some(candidate.relation));
            Voice {
                value: candidate.basket_score * factor,
                name: *places.entry(product).or_insert_with(|| {
                    products.push(product);
                    u16::try_from(products.len() - 1).unwrap_or(u16::MAX)
                }),
                relation: candidate.relation,
                source: candidate.source,
                generated: candidate.generated,
            }
        });
        Self {
            voices: voices.collect(),
            names: Names::of(&products, print),
        }
    }

    /// Bytes that it takes besides itself.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of_val(&*self.voices) + self.names.size()
    }
}

/// Ids, one behind the other, and what each is known by.
#[derive(Debug, Clone, PartialEq, Default)]
struct Names {
    prints: Box<[u64]>,
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Names {
    fn of(products: &[&str], print: impl Fn(&str) -> u64) -> Self {
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(products.len()));
        for product in products {
            text.push_str(product);
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self {
            prints: products.iter().map(|product| print(product)).collect(),
            text: text.into(),
            ends: ends.into(),
        }
    }

    fn name(&self, at: usize) -> &str {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin as usize..self.ends[at] as usize]
    }

    fn size(&self) -> usize {
        size_of_val(&*self.prints) + self.text.len() + size_of_val(&*self.ends)
    }
}

/// One anchor's vote.
#[derive(Debug, Clone, Copy)]
pub struct Ballot<'a> {
    /// Its companions.
    pub slate: &'a Slate,
    /// What it counts.
    pub weight: f64,
}

/// A companion with the place that all votes together give it.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    product: Named<'a>,
    /// The relation in which it ranks best.
    pub relation: Relation,
    /// `Σ 1 / (60 + rank)` over relations.
    pub score: f32,
    /// The step of the chain.
    pub source: Source,
    /// Whether generated records carry it.
    pub generated: bool,
}

impl<'a> Ranked<'a> {
    /// The companion's id.
    #[must_use]
    pub fn product(&self) -> &'a str {
        self.product.name()
    }

    /// What the companion is known by in the ballots.
    #[must_use]
    pub fn print(&self) -> u64 {
        self.product.names.prints[self.product.at]
    }
}

/// An id among others, not read yet.
#[derive(Debug, Clone, Copy)]
struct Named<'a> {
    names: &'a Names,
    at: usize,
}

impl<'a> Named<'a> {
    fn name(self) -> &'a str {
        self.names.name(self.at)
    }
}

impl From<&Ranked<'_>> for Offer {
    fn from(ranked: &Ranked<'_>) -> Self {
        let named = Offer {
            product: ranked.product(),
            relation: Some(ranked.relation),
            score: ranked.score,
            source: ranked.source,
            generated: ranked.generated,
        };
        named.identified()
    }
}

/// Sums the votes per source and relation, ranks each sum, and fuses the ranks of `relations` inside each source, where
/// further relations come behind: best first inside each source, at equal values by id.
#[must_use]
pub fn fuse<'a>(ballots: &[Ballot<'a>], relations: &[Relation]) -> Vec<Ranked<'a>> {
    let tally = Tally::of(ballots, &Lists::of(ballots, relations));
    let mut fused = Vec::with_capacity(tally.products.len());
    for lists in tally.lists.chunk_by(|one, other| one.source == other.source) {
        fused.extend(tally.fused(lists));
    }
    fused
}

/// One sum per product: all votes in a relation of a source.
#[derive(Clone, Copy)]
struct List {
    /// The column of its sums.
    at: usize,
    source: Source,
    relation: Relation,
}

/// The lists that somebody votes in, by source, and then the relations asked for before those that only the fallback
/// brings.
struct Lists {
    lists: Vec<List>,
    /// Columns by source and relation.
    columns: [[u8; RELATIONS]; SOURCES.len()],
}

const SOURCES: [Source; 4] = [
    Source::Manual,
    Source::Learned,
    Source::Attribute,
    Source::Bestseller,
];
/// Codes of relations, from 0.
const RELATIONS: usize = Relation::ALL.len() + 1;

impl Lists {
    fn of(ballots: &[Ballot<'_>], asked: &[Relation]) -> Self {
        let mut voted = [[false; RELATIONS]; SOURCES.len()];
        for voice in ballots.iter().flat_map(|ballot| &ballot.slate.voices) {
            voted[voice.source as usize][usize::from(voice.relation.code())] = true;
        }
        let mut found = Self {
            lists: Vec::new(),
            columns: [[0; RELATIONS]; SOURCES.len()],
        };
        let others = Relation::ALL.iter().filter(|relation| !asked.contains(relation));
        let relations: Vec<Relation> = asked.iter().chain(others).copied().collect();
        let all = SOURCES.into_iter().flat_map(|source| {
            let relations = relations.iter();
            relations.map(move |relation| (source, *relation))
        });
        for (source, relation) in all {
            let (row, column) = (source as usize, usize::from(relation.code()));
            // A relation that is asked for twice has its first place.
            if std::mem::take(&mut voted[row][column]) {
                let at = found.lists.len();
                found.columns[row][column] = u8::try_from(at).unwrap_or(u8::MAX);
                found.lists.push(List { at, source, relation });
            }
        }
        found
    }

    fn column(&self, voice: &Voice) -> usize {
        let relation = usize::from(voice.relation.code());
        usize::from(self.columns[voice.source as usize][relation])
    }
}

/// All votes: a row per product, a column per list.
struct Tally<'a> {
    lists: Vec<List>,
    products: Vec<Product<'a>>,
    /// Row by row; NaN where nobody voted.
    votes: Vec<f64>,
}

struct Product<'a> {
    print: u64,
    name: Named<'a>,
    /// A bit per list in which generated records carry it.
    generated: u32,
}

impl<'a> Tally<'a> {
    fn of(ballots: &[Ballot<'a>], lists: &Lists) -> Self {
        let width = lists.lists.len();
        let most = ballots.iter().map(|ballot| ballot.slate.names.ends.len()).sum();
        let mut products: Vec<Product<'a>> = Vec::with_capacity(most);
        let mut rows: HashTable<u32> = HashTable::with_capacity(most);
        let mut row = |print: u64, name: Named<'a>| {
            let known = rows.entry(
                spread(print),
                |row| products[*row as usize].print == print,
                |row| spread(products[*row as usize].print),
            );
            match known {
                Entry::Occupied(row) => *row.get() as usize,
                Entry::Vacant(free) => {
                    free.insert(u32::try_from(products.len()).unwrap_or(u32::MAX));
                    let generated = 0;
                    products.push(Product {
                        print,
                        name,
                        generated,
                    });
                    products.len() - 1
                }
            }
        };
        // Each product is looked for once per ballot, however many lists it stands in.
        let mut places: Vec<usize> = Vec::with_capacity(most);
        for Ballot { slate, .. } in ballots {
            let names = &slate.names;
            let prints = names.prints.iter().enumerate();
            places.extend(prints.map(|(at, print)| row(*print, Named { names, at })));
        }
        let mut votes = vec![f64::NAN; products.len() * width];
        let mut places = places.as_slice();
        for Ballot { slate, weight } in ballots {
            let (own, others) = places.split_at(slate.names.prints.len());
            places = others;
            for voice in &slate.voices {
                let (row, column) = (own[usize::from(voice.name)], lists.column(voice));
                let sum = &mut votes[row * width + column];
                *sum = weight * f64::from(voice.value) + if sum.is_nan() { 0.0 } else { *sum };
                products[row].generated |= u32::from(voice.generated) << column;
            }
        }
        Self {
            lists: lists.lists.clone(),
            products,
            votes,
        }
    }

    /// What the lists of one source say together.
    fn fused(&self, lists: &[List]) -> Vec<Ranked<'a>> {
        let mut values = vec![0.0; self.products.len()];
        let mut best: Vec<(usize, Option<Relation>)> = vec![(usize::MAX, None); self.products.len()];
        let mut columns = 0;
        for list in lists {
            columns |= 1 << list.at;
            let sums = self.votes.iter().skip(list.at).step_by(self.lists.len());
            for (rank, row) in self.ranked(sums.copied()).into_iter().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
                let place = (rank + 1) as f64;
                values[row] += 1.0 / (RANK_DAMPING + place);
                if rank < best[row].0 {
                    best[row] = (rank, Some(list.relation));
                }
            }
        }
        let named = |row: usize| best[row].1;
        let of_source = values.iter().zip(&best);
        let sums = of_source.map(|(value, (_, named))| named.map_or(f64::NAN, |_| *value));
        let ranked = self.ranked(sums).into_iter().filter_map(|row| {
            let product = &self.products[row];
            #[expect(clippy::cast_possible_truncation, reason = "a rank value between 0 and 1")]
            let score = values[row] as f32;
            Some(Ranked {
                product: product.name,
                relation: named(row)?,
                score,
                source: lists.first()?.source,
                generated: product.generated & columns != 0,
            })
        });
        ranked.collect()
    }

    /// The rows that have a sum, the largest first, at equal sums by id. Numbers are sorted, not products: the sum upside
    /// down, then the row, in one.
    fn ranked(&self, sums: impl Iterator<Item = f64>) -> Vec<usize> {
        let keyed = (0_u32..).zip(sums).filter(|(_, sum)| !sum.is_nan());
        let keyed = keyed.map(|(row, sum)| u128::from(!ascending(sum)) << u32::BITS | u128::from(row));
        let mut keys: Vec<u128> = keyed.collect();
        keys.sort_unstable();
        #[expect(clippy::cast_possible_truncation, reason = "the row stands in the low bits")]
        let row = |key: &u128| *key as u32 as usize;
        for equal in keys.chunk_by_mut(|one, other| one >> u32::BITS == other >> u32::BITS) {
            if equal.len() > 1 {
                equal.sort_unstable_by_key(|key| self.products[row(key)].name.name());
            }
        }
        keys.iter().map(row).collect()
    }
}

/// Bits that grow as the number does, in the order of [`f64::total_cmp`].
const fn ascending(number: f64) -> u64 {
    let bits = number.to_bits();
    if number.is_sign_negative() {
        !bits
    } else {
        bits | 1 << (u64::BITS - 1)
    }
}

/// A print in all bits of a hash (Knuth's multiplicative hashing).
const fn spread(print: u64) -> u64 {
    print.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
