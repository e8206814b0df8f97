use tandem_domain::edge::{GateCounts, Source};

use super::candidate::{Gathering, Kinship, first_seen, kinship};
use super::fit::{self, Price};
use super::index;
use super::likeness::likeness;
use crate::epoch::Band;
use crate::facts::NONE;
use crate::rank::stored;
use crate::row::{Chosen, Row};
use crate::signals::{CategoryGate, Factor, IndexGate, Input, Proposal, Recipe};

/// The gate that turned a candidate away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Support,
    Significance,
    Category,
    Relation,
    Price,
}

impl Refusal {
    pub(super) fn count(self, counts: &mut GateCounts) {
        let count = match self {
            Self::Support => &mut counts.support,
            Self::Significance => &mut counts.significance,
            Self::Category => &mut counts.category,
            Self::Relation => &mut counts.relation,
            Self::Price => &mut counts.price,
        };
        *count += 1;
    }
}

/// What a pair of categories says of a pair of products.
#[derive(Debug, Clone, Copy, Default)]
struct Habit {
    /// P(cat_j | cat_i).
    share: f64,
    band: Option<Band>,
}

/// Runs one candidate through the gates of a recipe and scores it.
pub(super) fn judge(
    row: &Row<'_>,
    recipe: &Recipe,
    item: u32,
    is_proposed: bool,
    largest_share: f64,
) -> Result<Chosen, Refusal> {
    let habit = category(row, recipe, item)?;
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
    let rather = relation(row, recipe.index, odds, seen)?;
    let prices = &row.frame.epoch.params.prices;
    let ratio = row.frame.ln_ratio(row.anchor, item);
    let Price::Fits(price) = fit::price(recipe.price, ratio, habit.band, prices) else {
        return Err(Refusal::Price);
    };
    let factor = factor(row, recipe.factor, item)?;
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
        vote: stored(denormalised(row, recipe, vote * fits)),
        input: seen
            .filter(|_| recipe.factor != Factor::Family)
            .unwrap_or(Input::Attributes),
        source: source(recipe, seen),
        generated: is_generated(row, recipe, item, seen, odds),
    })
}

fn category(row: &Row<'_>, recipe: &Recipe, item: u32) -> Result<Habit, Refusal> {
    let products = &row.frame.facts.products;
    let (own, other) = (products.leaf[row.anchor as usize], products.leaf[item as usize]);
    let leaves = &row.frame.leaves;
    if recipe.category == CategoryGate::Any || !leaves.are_known() {
        return Ok(Habit::default());
    }
    if own == NONE || other == NONE {
        return Err(Refusal::Category);
    }
    match recipe.category {
        CategoryGate::Same if own == other => Ok(Habit::default()),
        CategoryGate::Related if own != other => {
            let pair = leaves.pair(own, other).ok_or(Refusal::Category)?;
            Ok(Habit {
                share: pair.share,
                band: pair.band,
            })
        }
        _ => Err(Refusal::Category),
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

/// The factor of the relation index; a pair that only attributes propose may fall a little short of its sign.
fn relation(row: &Row<'_>, gate: IndexGate, odds: Option<f64>, seen: Option<Input>) -> Result<f64, Refusal> {
    let Some(odds) = odds else {
        // Half way between certainty and refusal, unless nothing in the catalogue was ever viewed.
        let views_known = row
            .frame
            .signal(Input::CoView)
            .is_some_and(|views| views.total > 0);
        return Ok(if gate != IndexGate::Off && views_known {
            0.5
        } else {
            1.0
        });
    };
    let slack = if seen.is_some() {
        0.0
    } else {
        row.frame.epoch.params.gates.index_slack
    };
    match gate {
        IndexGate::Bought if odds.ln() > -slack => Ok(index::bought_rather(odds)),
        IndexGate::Viewed if odds.ln() < slack => Ok(index::viewed_rather(odds)),
        IndexGate::Off => Ok(1.0),
        _ => Err(Refusal::Relation),
    }
}

fn factor(row: &Row<'_>, factor: Factor, item: u32) -> Result<f64, Refusal> {
    match factor {
        Factor::None => Ok(1.0),
        Factor::Quality => quality(row, item),
        Factor::Family => match kinship(row, item) {
            Kinship::Series => Ok(0.9 + 0.1 * likeness(row.frame, row.anchor, item)),
            // At most a third of a series' factor, so that no behaviour (at most threefold) lifts it above one.
            Kinship::Brand => Ok(0.15 + 0.15 * likeness(row.frame, row.anchor, item)),
            Kinship::None => Err(Refusal::Category),
        },
    }
}

fn quality(row: &Row<'_>, item: u32) -> Result<f64, Refusal> {
    let quality = &row.frame.facts.products.quality;
    let (own, other) = (quality[row.anchor as usize], quality[item as usize]);
    let is_lower = own.zip(other).is_some_and(|(own, other)| other < own);
    if is_lower || row.frame.returns.is_worse(item, row.anchor) {
        return Err(Refusal::Relation);
    }
    Ok(other.unwrap_or(0.5))
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
    let share = |item| category(row, recipe, item).map_or(0.0, |habit| category_share(row, habit, item));
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

/// A vote in the row's own size, so that votes of different anchors add up: the largest of its leading input, or that
/// of one lone basket where the row has none.
fn denormalised(row: &Row<'_>, recipe: &Recipe, vote: f64) -> f64 {
    let lead = recipe
        .weights
        .first()
        .map_or(Input::CoPurchase, |&(input, _)| input);
    let params = &row.frame.epoch.params.together;
    let largest = row.strengths().largest_vote(lead);
    let size = if largest > 0.0 {
        largest
    } else {
        row.anchor_part(lead) * params.lambda.powf(-params.beta)
    };
    if lead == Input::CoPurchase {
        (vote * size).powf(params.power)
    } else {
        vote * size
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
