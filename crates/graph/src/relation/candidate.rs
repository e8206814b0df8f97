use tandem_domain::edge::STORED_COMPANIONS;

use super::funnel::STEP;
use super::gate::Habits;
use super::judge::Judge;
use super::selection::{BY_SCORE, Most};
use crate::facts::{NONE, dense};
use crate::frame::Card;
use crate::row::Row;
use crate::signals::{Proposal, Recipe};

/// Scratch of one worker: who is a candidate, and whether by behaviour or by proposal.
#[derive(Debug)]
pub(crate) struct Gathering {
    marks: Vec<u8>,
    items: Vec<u32>,
    /// The first so many are candidates whose category is where it must be.
    fitting: Vec<Candidate>,
    many: usize,
    /// Beside them, what each is worth at most.
    mosts: Vec<Most>,
    scratch: Vec<u32>,
}

/// Somebody whose category is where it must be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Candidate {
    pub(super) item: u32,
    /// Whether attributes propose it.
    pub(super) is_proposed: bool,
}

const SEEN: u8 = 1;
const PROPOSED: u8 = 2;

impl Gathering {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            marks: vec![0; products],
            items: Vec::new(),
            fitting: Vec::new(),
            many: 0,
            mosts: Vec::new(),
            scratch: Vec::new(),
        }
    }

    fn add(&mut self, item: u32, mark: u8) {
        let seen = &mut self.marks[item as usize];
        if *seen == 0 {
            self.items.push(item);
        }
        *seen |= mark;
    }

    /// Everybody whom the recipe's signals touch or its attributes propose; how many of them have a category that is not
    /// where it must be.
    pub(super) fn gather(&mut self, row: &Row<'_>, recipe: &Recipe, habits: &Habits<'_>) -> u32 {
        for &item in &self.items {
            self.marks[item as usize] = 0;
        }
        self.items.clear();
        if recipe.proposal != Proposal::Family {
            for &(input, _) in &recipe.weights {
                let touched = row.input(input).map_or(&[][..], |(counter, _)| counter.touched());
                touched.iter().for_each(|&item| self.add(item, SEEN));
            }
        }
        self.propose(row, recipe.proposal);
        self.fit(row, habits)
    }

    /// Whose category is where it must be is a coin that no branch foretells: each is written, only those are counted.
    fn fit(&mut self, row: &Row<'_>, habits: &Habits<'_>) -> u32 {
        let leaf = &row.frame.facts.products.leaf;
        let most = self.items.len().max(self.fitting.len());
        self.fitting.resize(most, Candidate::default());
        let mut refused = 0;
        self.many = 0;
        for &item in &self.items {
            self.fitting[self.many] = Candidate {
                item,
                is_proposed: self.marks[item as usize] & PROPOSED != 0,
            };
            let (stands, fits) = (row.is_companion(item), habits.has(leaf[item as usize]));
            self.many += usize::from(stands & fits);
            refused += usize::from(stands & !fits);
        }
        dense(refused)
    }

    fn propose(&mut self, row: &Row<'_>, proposal: Proposal) {
        let (frame, products, cold) = (
            row.frame,
            &row.frame.facts.products,
            &row.frame.epoch.params.cold_start,
        );
        let anchor = row.anchor as usize;
        let is_open = !frame.settled.get(row.anchor);
        let mut take = |items: &[u32], most: usize| {
            let items = items
                .iter()
                .copied()
                .filter(|&item| is_open || frame.settled.get(item));
            items.take(most).for_each(|item| self.add(item, PROPOSED));
        };
        match proposal {
            Proposal::Related => {
                for &other in frame.leaves.closest(row.shop(), products.leaf[anchor]) {
                    take(frame.by_leaf.of(other), cold.per_category);
                }
            }
            Proposal::Leaf => take(frame.by_leaf.of(products.leaf[anchor]), cold.per_family),
            Proposal::Family => {
                take(frame.by_series.of(products.series[anchor]), cold.per_family);
                take(frame.by_brand.of(products.brand[anchor]), cold.per_family);
            }
        }
    }

    /// Puts those first who may be worth most, by score and by vote; how many they are. Behind them `bounds` stand beside the
    /// others.
    pub(super) fn promising_first(&mut self, judge: &Judge<'_>) -> usize {
        self.mosts.clear();
        for some in self.fitting[..self.many].chunks(STEP) {
            std::hint::black_box(judge.fetch_most(some));
            self.mosts.extend(some.iter().map(|one| judge.most(one.item)));
        }
        let mut floor = |of: fn(&Most) -> f32, places: usize| {
            self.scratch.clear();
            self.scratch
                .extend(self.mosts.iter().map(|most| of(most).to_bits()));
            let at = self.scratch.len().saturating_sub(2 * places);
            f32::from_bits(*self.scratch.select_nth_unstable(at).1)
        };
        let floors = Most {
            score: floor(|most| most.score, BY_SCORE),
            vote: floor(|most| most.vote, STORED_COMPANIONS),
        };
        let mut first = 0;
        for at in 0..self.many {
            if self.mosts[at].reaches(&floors) {
                self.fitting.swap(first, at);
                self.mosts.swap(first, at);
                first += 1;
            }
        }
        first
    }

    /// Of those from place `from` on, whoever may reach these floors, and perhaps others.
    pub(super) fn reaching(&self, from: usize, floors: Most) -> impl Iterator<Item = (Candidate, Most)> {
        let others = self.candidates()[from..].iter().zip(&self.mosts[from..]);
        let others = others.map(|(one, most)| (*one, *most));
        others.filter(move |(_, most)| most.reaches(&floors))
    }

    /// Every candidate whose category is where it must be.
    pub(super) fn candidates(&self) -> &[Candidate] {
        &self.fitting[..self.many]
    }
}

/// Whether two products share a series, and else a brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinship {
    Series,
    Brand,
    None,
}

pub(super) fn kinship(a: &Card, b: &Card) -> Kinship {
    if a.series != NONE && a.series == b.series {
        Kinship::Series
    } else if a.brand != NONE && a.brand == b.brand {
        Kinship::Brand
    } else {
        Kinship::None
    }
}
