//! Many anchors at once: each votes with its `basket_score`, recent ones more; relations are fused by rank.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use super::{Marks, Offer};
use crate::edge::{Candidate, Source};
use crate::id::ProductId;
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
    /// What the product is known by.
    print: u64,
    value: f64,
    /// Its place among the names.
    name: u16,
    relation: Relation,
    source: Source,
    generated: bool,
}

impl Slate {
    /// Of candidates, weighed by the boosts and buries among the anchor's `marks`. Each product is known by its `print`: a
    /// hash, the same in all ballots that are fused.
    #[must_use]
    pub fn of(candidates: &[Candidate], marks: &Marks, print: impl Fn(&ProductId) -> u64) -> Self {
        let (mut names, mut places) = (Vec::new(), FxHashMap::default());
        // Six relations of 50 companions: what lies beyond the last place cannot be stored.
        let voices = candidates.iter().take(usize::from(u16::MAX)).map(|candidate| {
            let product = &candidate.product;
            let factor = marks.factor(product, Some(candidate.relation));
            Voice {
                print: print(product),
                value: f64::from(candidate.basket_score) * f64::from(factor),
                name: *places.entry(product).or_insert_with(|| {
                    names.push(product);
                    u16::try_from(names.len() - 1).unwrap_or(u16::MAX)
                }),
                relation: candidate.relation,
                source: candidate.source,
                generated: candidate.generated,
            }
        });
        Self {
            voices: voices.collect(),
            names: Names::of(&names),
        }
    }

    /// Bytes that it takes besides itself.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of_val(&*self.voices) + self.names.text.len() + size_of_val(&*self.names.ends)
    }
}

/// Ids, one behind the other.
#[derive(Debug, Clone, PartialEq, Default)]
struct Names {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Names {
    fn of(products: &[&ProductId]) -> Self {
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(products.len()));
        for product in products {
            text.push_str(product.as_str());
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self {
            text: text.into(),
            ends: ends.into(),
        }
    }

    fn name(&self, at: u16) -> &str {
        let at = usize::from(at);
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin as usize..self.ends[at] as usize]
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked<'a> {
    /// The companion's id.
    pub product: &'a str,
    /// The relation in which it ranks best.
    pub relation: Relation,
    /// `Σ 1 / (60 + rank)` over relations.
    pub score: f32,
    /// The step of the chain.
    pub source: Source,
    /// Whether generated records carry it.
    pub generated: bool,
}

impl From<&Ranked<'_>> for Offer {
    fn from(ranked: &Ranked<'_>) -> Self {
        Self {
            product: ProductId::new(ranked.product).expect("a slate is made of ids"),
            relation: Some(ranked.relation),
            score: ranked.score,
            source: ranked.source,
            generated: ranked.generated,
        }
    }
}

/// Sums the votes per source and relation, ranks each sum, and fuses the ranks of `relations` inside each source, where
/// further relations come behind: best first inside each source, at equal values by id.
#[must_use]
pub fn fuse<'a>(ballots: &[Ballot<'a>], relations: &[Relation]) -> Vec<Ranked<'a>> {
    let mut sums = tally(ballots, &Order::of(relations));
    sums.sort_unstable_by(|one, other| {
        let best_first = || other.votes.total_cmp(&one.votes).then_with(|| one.by_id(other));
        (one.group.cmp(&other.group)).then_with(best_first)
    });
    let mut fused: Vec<Fused<'a>> = Vec::with_capacity(sums.len());
    let mut places: FxHashMap<(u64, Source), usize> = FxHashMap::default();
    places.reserve(sums.len());
    for list in sums.chunk_by(|one, other| one.group == other.group) {
        for (rank, sum) in list.iter().enumerate() {
            let at = *places.entry((sum.print, sum.source)).or_insert_with(|| {
                fused.push(Fused::of(sum, rank));
                fused.len() - 1
            });
            fused[at].add(sum, rank);
        }
    }
    fused.sort_unstable_by(|one, other| {
        let best_first = || {
            let by_id = || one.ranked.product.cmp(other.ranked.product);
            other.value.total_cmp(&one.value).then_with(by_id)
        };
        (one.ranked.source.cmp(&other.ranked.source)).then_with(best_first)
    });
    fused.iter().map(Fused::ranked).collect()
}

/// The place of each relation's sums, by its code: those asked for, then those that only the fallback brings.
struct Order([u8; Relation::ALL.len() + 1]);

impl Order {
    fn of(asked: &[Relation]) -> Self {
        let mut places = [0; Relation::ALL.len() + 1];
        let others = Relation::ALL.iter().filter(|relation| !asked.contains(relation));
        for (place, relation) in (0..).zip(asked.iter().chain(others)) {
            places[usize::from(relation.code())] = place;
        }
        Self(places)
    }

    fn of_relation(&self, relation: Relation) -> u8 {
        self.0[usize::from(relation.code())]
    }
}

/// The votes for a product in one relation of one source.
struct Sum<'a> {
    group: (Source, u8),
    votes: f64,
    print: u64,
    product: &'a str,
    relation: Relation,
    source: Source,
    generated: bool,
}

impl Sum<'_> {
    fn by_id(&self, other: &Self) -> Ordering {
        self.product.cmp(other.product)
    }
}

fn tally<'a>(ballots: &[Ballot<'a>], order: &Order) -> Vec<Sum<'a>> {
    let most = ballots.iter().map(|ballot| ballot.slate.voices.len()).sum();
    let mut sums: Vec<Sum<'a>> = Vec::with_capacity(most);
    let mut places: FxHashMap<(u64, (Source, u8)), usize> = FxHashMap::default();
    places.reserve(most);
    for Ballot { slate, weight } in ballots {
        for voice in &slate.voices {
            let group = (voice.source, order.of_relation(voice.relation));
            let at = *places.entry((voice.print, group)).or_insert_with(|| {
                sums.push(Sum {
                    group,
                    votes: 0.0,
                    print: voice.print,
                    product: slate.names.name(voice.name),
                    relation: voice.relation,
                    source: voice.source,
                    generated: false,
                });
                sums.len() - 1
            });
            sums[at].votes += weight * voice.value;
            sums[at].generated |= voice.generated;
        }
    }
    sums
}

/// A product's ranks in the relations of one source.
struct Fused<'a> {
    value: f64,
    best: usize,
    ranked: Ranked<'a>,
}

impl<'a> Fused<'a> {
    fn of(sum: &Sum<'a>, rank: usize) -> Self {
        Self {
            value: 0.0,
            best: rank,
            ranked: Ranked {
                product: sum.product,
                relation: sum.relation,
                score: 0.0,
                source: sum.source,
                generated: false,
            },
        }
    }

    fn add(&mut self, sum: &Sum<'a>, rank: usize) {
        #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
        let place = (rank + 1) as f64;
        self.value += 1.0 / (RANK_DAMPING + place);
        self.ranked.generated |= sum.generated;
        if rank < self.best {
            self.best = rank;
            self.ranked.relation = sum.relation;
        }
    }

    fn ranked(&self) -> Ranked<'a> {
        #[expect(clippy::cast_possible_truncation, reason = "a rank value between 0 and 1")]
        let score = self.value as f32;
        Ranked { score, ..self.ranked }
    }
}
