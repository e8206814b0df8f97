use tandem_domain::edge::Source;

use super::candidate::{Gathering, first_seen};
use super::fit::{Gauge, Price};
use super::gate::{self, Habit, Refusal};
use super::index;
use super::likeness::likeness;
use crate::rank::stored;
use crate::row::{Chosen, Row};
use crate::signals::{CategoryGate, Factor, IndexGate, Input, Proposal, Recipe};

/// The gates of a recipe beside one anchor.
pub(super) struct Judge<'r> {
    row: &'r Row<'r>,
    recipe: &'r Recipe,
    gauge: Gauge<'r>,
    /// What category shares are normalised by.
    largest_share: f64,
}

/// A candidate that passed; its vote is a share of the row's largest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed {
    pub(super) item: u32,
    pub(super) score: f32,
    pub(super) vote: f32,
    /// The input that vouches for it; `None` where attributes alone propose it.
    seen: Option<Input>,
    /// Whether views spoke on it.
    indexed: bool,
}

impl<'r> Judge<'r> {
    pub(super) fn new(row: &'r Row<'r>, recipe: &'r Recipe, gathering: &Gathering) -> Self {
        Self {
            row,
            recipe,
            gauge: Gauge::new(recipe.price, &row.frame.epoch.params.prices),
            largest_share: largest_share(row, recipe, gathering),
        }
    }

    /// Runs one candidate through the gates and scores it.
    pub(super) fn judge(
        &self,
        item: u32,
        is_proposed: bool,
        habit: Result<Habit, Refusal>,
    ) -> Result<Passed, Refusal> {
        let (row, recipe) = (self.row, self.recipe);
        let habit = habit?;
        let seen = learned(row, recipe, item);
        if let (Err(refusal), false) = (seen, is_proposed) {
            return Err(refusal);
        }
        let seen = seen.ok();
        let odds = if recipe.index == IndexGate::Off {
            None
        } else {
            index::odds(row, item)
        };
        let rather = gate::relation(row, recipe.index, odds, seen)?;
        let ratio = row.frame.ln_ratio(row.anchor, item);
        let Price::Fits(price) = self.gauge.price(ratio, habit.band) else {
            return Err(Refusal::Price);
        };
        let factor = gate::factor(row, recipe.factor, item)?;
        let fits = rather * price * factor;
        let (mut sum, mut vote) = (recipe.base, recipe.base);
        for &(input, weight) in &recipe.weights {
            let (single, many) = match input {
                Input::Attributes => twice(likeness(row.frame, row.anchor, item)),
                Input::CategoryShare => twice(ratio_of(category_share(row, habit, item), self.largest_share)),
                _ if seen.is_none() => (0.0, 0.0),
                _ => (row.normal(input, item), row.normal_vote(input, item)),
            };
            sum += weight * single;
            vote += weight * many;
        }
        Ok(Passed {
            item,
            score: stored(sum * fits),
            vote: stored(vote * fits),
            seen,
            indexed: odds.is_some(),
        })
    }

    /// One who passed, with what its edge says of itself.
    pub(super) fn chosen(&self, passed: Passed) -> Chosen {
        let seen = passed.seen;
        Chosen {
            item: passed.item,
            score: passed.score,
            vote: passed.vote,
            input: seen
                .filter(|_| self.recipe.factor != Factor::Family)
                .unwrap_or(Input::Attributes),
            source: source(self.recipe, seen),
            generated: is_generated(self.row, self.recipe, passed),
        }
    }
}

/// The input that vouches for the pair.
fn learned(row: &Row<'_>, recipe: &Recipe, item: u32) -> Result<Input, Refusal> {
    let seen = first_seen(row, recipe, item).ok_or(Refusal::Support)?;
    if recipe.significant.is_empty() {
        let least = row.frame.epoch.params.gates.least_support;
        return if row.support(seen, item) < least {
            Err(Refusal::Support)
        } else {
            Ok(seen)
        };
    }
    let vouching = recipe
        .significant
        .iter()
        .copied()
        .find(|&input| row.is_significant(input, item));
    vouching.ok_or(Refusal::Significance)
}

/// μ · P(cat_j | cat_i) · q(j | cat_j), in common baskets.
fn category_share(row: &Row<'_>, habit: Habit, item: u32) -> f64 {
    row.frame.epoch.params.cold_start.mu * habit.share * row.frame.leaves.share_of(item)
}

/// What category shares are normalised by: the row's most common baskets, or the largest share proposed where that is
/// more.
fn largest_share(row: &Row<'_>, recipe: &Recipe, gathering: &Gathering) -> f64 {
    let counted = f64::from(row.strengths().most_support(Input::CoPurchase));
    if recipe.proposal != Proposal::Related {
        return counted;
    }
    let proposed = gathering.proposed(row);
    let shares = proposed.map(|(item, habit)| category_share(row, habit, item));
    shares.fold(counted, f64::max)
}

fn twice(value: f64) -> (f64, f64) {
    (value, value)
}

fn ratio_of(value: f64, largest: f64) -> f64 {
    if largest > 0.0 {
        (value / largest).min(1.0)
    } else {
        0.0
    }
}

fn source(recipe: &Recipe, seen: Option<Input>) -> Source {
    match (recipe.factor, seen) {
        (Factor::Family, _) | (_, None) => Source::Attribute,
        (_, Some(_)) => Source::Learned,
    }
}

/// Whether anything generated carries the edge: baskets that hold both, views behind the relation index, or
/// attributes behind a gate or factor.
fn is_generated(row: &Row<'_>, recipe: &Recipe, passed: Passed) -> bool {
    let Passed {
        item, seen, indexed, ..
    } = passed;
    let frame = row.frame;
    let products = &frame.facts.products;
    let baskets = seen.is_some()
        && recipe
            .weights
            .iter()
            .filter_map(|&(input, _)| row.input(input))
            .any(|(c, _)| c.is_generated(item));
    let views = indexed
        && frame
            .signal(Input::CoView)
            .is_some_and(|views| views.is_tainted(row.anchor) || views.is_tainted(item));
    let reads_attributes = recipe.factor != Factor::None
        || (recipe.category != CategoryGate::Any && frame.leaves.are_known())
        || frame.ln_ratio(row.anchor, item).is_some();
    let attributes =
        reads_attributes && (products.generated[row.anchor as usize] || products.generated[item as usize]);
    baskets || views || attributes
}
