use super::gate::{Habit, Habits, Refusal};
use crate::facts::NONE;
use crate::row::Row;
use crate::signals::{Input, Proposal, Recipe};

/// Scratch of one worker: who is a candidate, and whether by behaviour or by proposal.
#[derive(Debug)]
pub(crate) struct Gathering {
    marks: Vec<u8>,
    items: Vec<u32>,
    habits: Habits,
}

const SEEN: u8 = 1;
const PROPOSED: u8 = 2;

impl Gathering {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            marks: vec![0; products],
            items: Vec::new(),
            habits: Habits::default(),
        }
    }

    fn add(&mut self, item: u32, mark: u8) {
        let seen = &mut self.marks[item as usize];
        if *seen == 0 {
            self.items.push(item);
        }
        *seen |= mark;
    }

    /// Everybody whom the recipe's signals touch or its attributes propose.
    pub(super) fn gather(&mut self, row: &Row<'_>, recipe: &Recipe) {
        for &item in &self.items {
            self.marks[item as usize] = 0;
        }
        self.items.clear();
        self.habits.begin(row, recipe);
        if recipe.proposal != Proposal::Family {
            for &(input, _) in &recipe.weights {
                let touched = row.input(input).map_or(&[][..], |(counter, _)| counter.touched());
                touched.iter().for_each(|&item| self.add(item, SEEN));
            }
        }
        self.propose(row, recipe.proposal);
        let marks = &mut self.marks;
        self.items.retain(|&item| {
            let stays = row.is_companion(item);
            if !stays {
                marks[item as usize] = 0;
            }
            stays
        });
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

    /// Every candidate, whether attributes propose it, and what its category says.
    pub(super) fn candidates<'g>(
        &'g self,
        row: &'g Row<'_>,
    ) -> impl Iterator<Item = (u32, bool, Result<Habit, Refusal>)> + 'g {
        let all = self.items.iter();
        all.map(|&item| (item, self.is_proposed(item), self.habits.of(row, item)))
    }

    /// Those whom attributes propose and whose category is where it must be.
    pub(super) fn proposed<'g>(&'g self, row: &'g Row<'_>) -> impl Iterator<Item = (u32, Habit)> + 'g {
        let items = self.items.iter().filter(|&&item| self.is_proposed(item));
        items.filter_map(|&item| Some((item, self.habits.of(row, item).ok()?)))
    }

    fn is_proposed(&self, item: u32) -> bool {
        self.marks[item as usize] & PROPOSED != 0
    }
}

/// Whether two products share a series, and else a brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinship {
    Series,
    Brand,
    None,
}

pub(super) fn kinship(row: &Row<'_>, item: u32) -> Kinship {
    let products = &row.frame.facts.products;
    let (a, b) = (row.anchor as usize, item as usize);
    if products.series[a] != NONE && products.series[a] == products.series[b] {
        Kinship::Series
    } else if products.brand[a] != NONE && products.brand[a] == products.brand[b] {
        Kinship::Brand
    } else {
        Kinship::None
    }
}

/// The first input of a recipe that saw the pair.
pub(super) fn first_seen(row: &Row<'_>, recipe: &Recipe, item: u32) -> Option<Input> {
    let inputs = recipe.weights.iter().map(|&(input, _)| input);
    inputs.into_iter().find(|&input| row.support(input, item) > 0)
}
