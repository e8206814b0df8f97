use tandem_domain::edge::Source;

use super::candidate::{Gathering, first_seen};
use super::fit::{self, Price};
use super::gate::{self, Habit, Refusal};
use super::index;
use super::likeness::likeness;
use crate::rank::stored;
use crate::row::{Chosen, Row};
use crate::signals::{CategoryGate, Factor, IndexGate, Input, Proposal, Recipe};

/// Runs one candidate through the gates of a recipe and scores it; its vote is a share of the row's largest.
pub(super) fn judge(
    row: &Row<'_>,
    recipe: &Recipe,
    item: u32,
    is_proposed: bool,
    largest_share: f64,
) -> Result<Chosen, Refusal> {
    let habit = gate::category(row, recipe, item)?;
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
    let prices = &row.frame.epoch.params.prices;
    let ratio = row.frame.ln_ratio(row.anchor, item);
    let Price::Fits(price) = fit::price(recipe.price, ratio, habit.band, prices) else {
        return Err(Refusal::Price);
    };
    let factor = gate::factor(row, recipe.factor, item)?;
    let fits = rather * price * factor;
    let (mut sum, mut vote) = (recipe.base, recipe.base);
    for &(input, weight) in &recipe.weights {
        let (single, many) = match input {
            Input::Attributes => twice(likeness(row.frame, row.anchor, item)),
            Input::CategoryShare => twice(ratio_of(category_share(row, habit, item), largest_share)),
            _ if seen.is_none() => (0.0, 0.0),
            _ => (row.normal(input, item), row.normal_vote(input, item)),
        };
        sum += weight * single;
        vote += weight * many;
    }
    Ok(Chosen {
        item,
        score: stored(sum * fits),
        vote: stored(vote * fits),
        input: seen
            .filter(|_| recipe.factor != Factor::Family)
            .unwrap_or(Input::Attributes),
        source: source(recipe, seen),
        generated: is_generated(row, recipe, item, seen, odds),
    })
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
pub(super) fn largest_share(row: &Row<'_>, recipe: &Recipe, gathering: &Gathering) -> f64 {
    let counted = f64::from(row.strengths().most_support(Input::CoPurchase));
    if recipe.proposal != Proposal::Related {
        return counted;
    }
    let share =
        |item| gate::category(row, recipe, item).map_or(0.0, |habit| category_share(row, habit, item));
    gathering.proposed().map(share).fold(counted, f64::max)
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
fn is_generated(row: &Row<'_>, recipe: &Recipe, item: u32, seen: Option<Input>, odds: Option<f64>) -> bool {
    let frame = row.frame;
    let products = &frame.facts.products;
    let baskets = seen.is_some()
        && recipe
            .weights
            .iter()
            .filter_map(|&(input, _)| row.input(input))
            .any(|(c, _)| c.is_generated(item));
    let views = odds.is_some()
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
