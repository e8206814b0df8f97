use tandem_domain::edge::STORED_COMPANIONS;

use super::funnel::STEP;
use super::gate::Habits;
use super::judge::Judge;
use super::selection::{BY_SCORE, Bounds};
use crate::count::Counter;
use crate::facts::NONE;
use crate::flags::Flags;
use crate::frame::Card;
use crate::row::Row;
use crate::signals::{Proposal, Recipe};

/// Scratch of one worker: who is a candidate, and whether by behaviour or by proposal.
#[derive(Debug)]
pub(crate) struct Gathering {
    /// Whom attributes propose, each once.
    proposed: Vec<u32>,
    is_proposed: Flags,
    /// The first so many are candidates whose category is where it must be.
    fitting: Vec<Candidate>,
    many: usize,
    /// How many candidates have a category that is not where it must be.
    refused: u32,
    /// Beside those who fit, what each is worth at most.
    bounds: Vec<Bounds>,
    scratch: Vec<u32>,
}

/// Somebody whose category is where it must be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Candidate {
    pub(super) item: u32,
    /// Whether attributes propose it.
    pub(super) is_proposed: bool,
}

impl Gathering {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            proposed: Vec::new(),
            is_proposed: Flags::none(products),
            fitting: Vec::new(),
            many: 0,
            refused: 0,
            bounds: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Everybody whom the recipe's signals touch or its attributes propose; how many of them have a category that is not
    /// where it must be.
    pub(super) fn gather(&mut self, row: &Row<'_>, recipe: &Recipe, habits: &Habits<'_>) -> u32 {
        self.propose(row, recipe.proposal);
        (self.many, self.refused) = (0, 0);
        let mut counters: Vec<&Counter> = Vec::with_capacity(recipe.weights.len());
        if recipe.proposal != Proposal::Family {
            for &(input, _) in &recipe.weights {
                let Some((counter, _)) = row.counted(input) else {
                    continue;
                };
                if counters.is_empty() {
                    self.fit(counter.touched(), |_| true, row, habits);
                } else {
                    let is_new = |item| counters.iter().all(|before| before.support(item) == 0);
                    self.fit(counter.touched(), is_new, row, habits);
                }
                counters.push(counter);
            }
        }
        let proposed = std::mem::take(&mut self.proposed);
        let is_new = |item| counters.iter().all(|counter| counter.support(item) == 0);
        self.fit(&proposed, is_new, row, habits);
        self.proposed = proposed;
        self.refused
    }

    /// Takes those who are new. Whose category is where it must be is a coin that no branch foretells: each is written, only
    /// those are counted.
    #[inline]
    fn fit(&mut self, items: &[u32], is_new: impl Fn(u32) -> bool, row: &Row<'_>, habits: &Habits<'_>) {
        let leaf = &row.frame.facts.products.leaf;
        let most = self.fitting.len().max(self.many + items.len());
        self.fitting.resize(most, Candidate::default());
        let fitting = &mut self.fitting[self.many..];
        let (mut many, mut refused) = (0, 0);
        for &item in items {
            fitting[many] = Candidate {
                item,
                is_proposed: self.is_proposed.get(item),
            };
            let stands = row.is_companion(item) & is_new(item);
            let fits = habits.has(leaf[item as usize]);
            many += usize::from(stands & fits);
            refused += u32::from(stands & !fits);
        }
        self.many += many;
        self.refused += refused;
    }

    /// Whom attributes propose; `Leaves::bound` knows the largest share of those of related leaves.
    fn propose(&mut self, row: &Row<'_>, proposal: Proposal) {
        for &item in &self.proposed {
            self.is_proposed.set(item, false);
        }
        self.proposed.clear();
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
            for item in items.take(most) {
                if !self.is_proposed.get(item) {
                    self.is_proposed.set(item, true);
                    self.proposed.push(item);
                }
            }
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

    /// Puts those first who may be worth most, by score and by vote, and their bounds beside all; how many they are.
    pub(super) fn promising_first(&mut self, judge: &Judge<'_>) -> usize {
        self.bounds.clear();
        for some in self.fitting[..self.many].chunks(STEP) {
            std::hint::black_box(judge.fetch_most(some));
            self.bounds.extend(some.iter().map(|one| judge.most(one.item)));
        }
        let mut floor = |of: fn(&Bounds) -> f32, places: usize| {
            self.scratch.clear();
            self.scratch
                .extend(self.bounds.iter().map(|most| of(most).to_bits()));
            let at = self.scratch.len().saturating_sub(2 * places);
            f32::from_bits(*self.scratch.select_nth_unstable(at).1)
        };
        let floors = Bounds {
            score: floor(|most| most.score, BY_SCORE),
            vote: floor(|most| most.vote, STORED_COMPANIONS),
        };
        let mut first = 0;
        for at in 0..self.many {
            if self.bounds[at].reaches(&floors) {
                self.fitting.swap(first, at);
                self.bounds.swap(first, at);
                first += 1;
            }
        }
        first
    }

    /// Of those from place `from` on, whoever may reach these floors, and perhaps others.
    pub(super) fn reaching(&self, from: usize, floors: Bounds) -> impl Iterator<Item = (Candidate, Bounds)> {
        let others = self.candidates()[from..].iter().zip(&self.bounds[from..]);
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
