use super::gate::Habits;
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
    /// By leaf, P(leaf | anchor's leaf), nearly; [`ELSEWHERE`] where that is not where a category must be.
    shares: Vec<f32>,
    /// The leaves that have a share.
    shared: Vec<u32>,
}

/// Marks a leaf in which no companion may be.
const ELSEWHERE: f32 = -1.0;

/// Somebody whose category is where it must be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Candidate {
    pub(super) item: u32,
    /// Whether attributes propose it.
    pub(super) is_proposed: bool,
    /// P(leaf | anchor's leaf) · q(product | leaf), nearly; 0 where the recipe asks for no related leaf.
    pub(super) rough_share: f32,
}

impl Gathering {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            proposed: Vec::new(),
            is_proposed: Flags::none(products),
            fitting: Vec::new(),
            many: 0,
            refused: 0,
            shares: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// Everybody whom the recipe's signals touch or its attributes propose; how many of them have a category that is not
    /// where it must be.
    pub(super) fn gather(&mut self, row: &Row<'_>, recipe: &Recipe, habits: &Habits<'_>) -> u32 {
        self.propose(row, recipe.proposal);
        (self.many, self.refused) = (0, 0);
        self.lay_shares(row, habits);
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

    /// Lays out the shares of leaves beside the anchor's.
    fn lay_shares(&mut self, row: &Row<'_>, habits: &Habits<'_>) {
        for leaf in self.shared.drain(..) {
            self.shares[leaf as usize] = ELSEWHERE;
        }
        self.shares
            .resize(row.frame.facts.products.leaves.len(), ELSEWHERE);
        let mut share = |leaf: u32, share: f64| {
            self.shares[leaf as usize] = share as f32;
            self.shared.push(leaf);
        };
        match habits {
            Habits::Open | Habits::Closed => {}
            Habits::Same(own) => share(*own, 0.0),
            Habits::Related(kin) => kin.shares().for_each(|(leaf, of_leaf)| share(leaf, of_leaf)),
        }
    }

    /// Takes those who are new and whose category is where it must be.
    fn fit(&mut self, items: &[u32], is_new: impl Fn(u32) -> bool, row: &Row<'_>, habits: &Habits<'_>) {
        let (before, shares) = (self.many, std::mem::take(&mut self.shares));
        if let Habits::Open = habits {
            self.fit_by(|_| 0.0, items, is_new, row);
        } else {
            let share = |leaf: u32| shares.get(leaf as usize).copied().unwrap_or(ELSEWHERE);
            self.fit_by(share, items, is_new, row);
        }
        self.shares = shares;
        if let Habits::Related(_) = habits {
            for one in &mut self.fitting[before..self.many] {
                one.rough_share *= row.frame.cards.rough_share(one.item);
            }
        }
    }

    /// The same, by the shares of leaves. Whose category is where it must be is a coin that no branch foretells: each is
    /// written, only those are counted.
    #[inline]
    fn fit_by(
        &mut self,
        share: impl Fn(u32) -> f32,
        items: &[u32],
        is_new: impl Fn(u32) -> bool,
        row: &Row<'_>,
    ) {
        let leaf = &row.frame.facts.products.leaf;
        let most = self.fitting.len().max(self.many + items.len());
        self.fitting.resize(most, Candidate::default());
        let fitting = &mut self.fitting[self.many..];
        let (mut many, mut refused) = (0, 0);
        for &item in items {
            let rough_share = share(leaf[item as usize]);
            fitting[many] = Candidate {
                item,
                is_proposed: self.is_proposed.get(item),
                rough_share,
            };
            let stands = row.is_companion(item) & is_new(item);
            let fits = rough_share >= 0.0;
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
