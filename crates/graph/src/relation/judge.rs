use tandem_domain::edge::Source;

use super::candidate::{Candidate, Gathering};
use super::fit::{Gauge, Price};
use super::gate::{self, Habits, Refusal};
use super::index;
use super::likeness::likeness;
use super::selection::Bounds;
use crate::count::Counter;
use crate::frame::{Card, Most, SignalFrame};
use crate::rank::stored;
use crate::row::{Chosen, Row, Threshold, Verdict, ratio};
use crate::signals::{CategoryGate, Factor, IndexGate, Input, Proposal, Recipe};

/// The gates of a recipe beside one anchor.
pub(super) struct Judge<'r> {
    row: &'r Row<'r>,
    recipe: &'r Recipe,
    own: &'r Card,
    habits: Habits<'r>,
    gauge: Gauge<'r>,
    /// What the recipe weighs, as far as the row counted anything.
    weighed: Vec<Weighed<'r>>,
    /// Of what must be more than chance the same.
    significant: Vec<Witness<'r>>,
    /// What category shares are normalised by.
    largest_share: f64,
    /// What all but counted inputs and category shares add up to at most.
    uncounted: f64,
    /// What category shares add, over P(leaf | anchor's leaf) · q(product | leaf), and in all.
    share_scale: f64,
    most_share: f64,
}

/// What a row counted of one input.
struct Witness<'r> {
    input: Input,
    counter: &'r Counter,
    signal: &'r SignalFrame,
    threshold: Threshold<'r>,
}

/// The same, and what it adds to score and vote.
struct Weighed<'r> {
    witness: Witness<'r>,
    /// Its weight over the row's largest value of one anchor, and over the largest vote.
    scale: (f64, f64),
    /// What it adds at most.
    most_single: Most,
    most_many: Most,
}

/// A candidate with the input that vouches for it; `None` where attributes alone propose it.
pub(super) type Seen = (Candidate, Option<Input>);

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
    pub(super) fn new(
        row: &'r Row<'r>,
        recipe: &'r Recipe,
        habits: Habits<'r>,
        gathering: &Gathering,
    ) -> Self {
        let witness = |input: Input| {
            let (counter, signal) = row.counted(input)?;
            Some(Witness {
                input,
                counter,
                signal,
                threshold: row.threshold(input),
            })
        };
        let significant = recipe.significant.iter().copied();
        let weighed = recipe.weights.iter().filter_map(|&(input, weight)| {
            let witness = witness(input)?;
            let scale = (row.share(input, weight), row.vote_share(input, weight));
            let (single, many) = (&witness.signal.single, &witness.signal.many);
            Some(Weighed {
                most_single: single.most().times(scale.0),
                most_many: many.most().times(scale.1),
                scale,
                witness,
            })
        });
        let largest_share = largest_share(row, recipe, &habits, gathering);
        let weight_of = |one: Input| -> f64 {
            let weights = recipe.weights.iter().filter(|(input, _)| *input == one);
            weights.map(|(_, weight)| weight).sum()
        };
        let share_scale = row.cold_start().mu * ratio(weight_of(Input::CategoryShare), largest_share);
        Self {
            row,
            recipe,
            own: row.frame.cards.of(row.anchor),
            gauge: Gauge::new(recipe.price, &row.frame.epoch.params.prices),
            weighed: weighed.collect(),
            significant: significant.filter_map(witness).collect(),
            uncounted: recipe.base + weight_of(Input::Attributes),
            share_scale,
            most_share: weight_of(Input::CategoryShare),
            largest_share,
            habits,
        }
    }

    /// Reads what [`Self::most`] is made of, so that it is near when it is needed. The value means nothing.
    pub(super) fn fetch_most(&self, items: impl Iterator<Item = u32> + Clone) -> u32 {
        let weighed = self.weighed.iter().map(|one| one.witness.signal);
        weighed.fold(0, |sum, signal| sum ^ signal.fetch(items.clone()))
    }

    /// What score and vote of a candidate are no larger than, since no gate and no factor lifts what behaviour and
    /// attributes say.
    #[inline]
    pub(super) fn most(&self, one: &Candidate) -> Bounds {
        let uncounted = self.most_uncounted(one);
        let (mut score, mut vote) = (uncounted, uncounted);
        for Weighed { witness, scale, .. } in &self.weighed {
            let Witness { counter, signal, .. } = witness;
            let most = signal.most(one.item, counter);
            score += scale.0 * most.0;
            vote += scale.1 * most.1;
        }
        bounds(score, vote)
    }

    /// The same, less close: by what it has in common with the anchor, whoever it is.
    #[inline]
    pub(super) fn most_by_weight(&self, one: &Candidate) -> Bounds {
        let uncounted = self.most_uncounted(one);
        let (mut score, mut vote) = (uncounted, uncounted);
        for weighed in &self.weighed {
            let counter = weighed.witness.counter;
            score += weighed.most_single.of(counter.single_weight(one.item));
            vote += weighed.most_many.of(counter.weight(one.item));
        }
        bounds(score, vote)
    }

    /// Whether both bounds hold of one who passed.
    pub(super) fn is_bounded(&self, one: &Candidate, passed: Passed) -> bool {
        let bounds = [self.most(one), self.most_by_weight(one)];
        bounds
            .iter()
            .all(|most| passed.score <= most.score && passed.vote <= most.vote)
    }

    /// What all but counted inputs add up to at most.
    #[inline]
    fn most_uncounted(&self, one: &Candidate) -> f64 {
        // Shares may be smaller than those of nearly the same size that 32 bits hold.
        let share = f64::from(one.rough_share) + f64::from(f32::MIN_POSITIVE);
        self.uncounted + (self.share_scale * share).min(self.most_share)
    }

    /// Reads what is known of these leaves beside the anchor's.
    fn fetch_habits(&self, leaves: impl Iterator<Item = u32>) -> u32 {
        leaves.fold(0, |sum, leaf| sum ^ self.habits.share(leaf).to_bits() as u32)
    }

    /// The input that vouches for the pair.
    pub(super) fn witness(&self, item: u32) -> Result<Input, Refusal> {
        let mut weighed = self.weighed.iter().map(|one| &one.witness);
        let first = weighed.find(|one| one.counter.support(item) > 0);
        let first = first.ok_or(Refusal::Support)?;
        if self.recipe.significant.is_empty() {
            let is_rare = first.threshold.is_rare(first.counter.support(item));
            return if is_rare {
                Err(Refusal::Support)
            } else {
                Ok(first.input)
            };
        }
        let vouching = self.significant.iter().find(|one| one.vouches(item));
        vouching.map(|one| one.input).ok_or(Refusal::Significance)
    }

    /// Brings near what [`Self::judge`] will ask for. The value means nothing.
    pub(super) fn fetch(&self, some: &[Seen]) -> u32 {
        let cards = &self.row.frame.cards;
        let items = || some.iter().map(|(candidate, _)| candidate.item);
        let fetched = cards.fetch(items()) ^ self.row.frame.standing.fetch(items());
        // What a card points at is asked for once all cards are under way.
        let habits = self.fetch_habits(items().map(|item| cards.of(item).leaf));
        let weighs_marks = self
            .recipe
            .weights
            .iter()
            .any(|(input, _)| *input == Input::Attributes);
        if weighs_marks || self.recipe.factor == Factor::Family {
            fetched ^ habits ^ cards.fetch_marks(items())
        } else {
            fetched ^ habits
        }
    }

    /// Runs one candidate through the other gates and scores it.
    ///
    /// Inlined: what it says would be written to memory in fields and read in larger pieces, for which the processor waits.
    #[inline(always)]
    pub(super) fn judge(&self, &(candidate, seen): &Seen) -> Result<Passed, Refusal> {
        let (row, recipe, item) = (self.row, self.recipe, candidate.item);
        let cards = &row.frame.cards;
        let card = cards.of(item);
        let habit = self.habits.habit(card.leaf);
        let odds = if recipe.index == IndexGate::Off {
            None
        } else {
            index::odds(row, item)
        };
        let rather = gate::relation(row, recipe.index, odds, seen)?;
        let Price::Fits(price) = self.gauge.price(self.own.ln_ratio(card), habit.band) else {
            return Err(Refusal::Price);
        };
        let factor = gate::factor(row, recipe.factor, self.own, item)?;
        let fits = rather * price * factor;
        let (mut sum, mut vote) = (recipe.base, recipe.base);
        for &(input, weight) in &recipe.weights {
            let (single, many) = match input {
                Input::Attributes => twice(likeness(cards, self.own, card)),
                Input::CategoryShare => {
                    twice(ratio(category_share(row, habit.share, item), self.largest_share).min(1.0))
                }
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

    /// What the edge of one who passed rests on.
    pub(super) const fn source(&self, passed: &Passed) -> Source {
        match (self.recipe.factor, passed.seen) {
            (Factor::Family, _) | (_, None) => Source::Attribute,
            (_, Some(_)) => Source::Learned,
        }
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
            source: self.source(&passed),
            generated: is_generated(self.row, self.recipe, passed),
        }
    }
}

/// What is added up in another order, and of nearly what it is made of, and stored, is rounded otherwise.
#[inline]
fn bounds(score: f64, vote: f64) -> Bounds {
    let most = |sum: f64| stored(sum * (1.0 + 1e-6));
    Bounds {
        score: most(score),
        vote: most(vote),
    }
}

impl Witness<'_> {
    /// Whether the common baskets with `item` are enough, and more than chance.
    fn vouches(&self, item: u32) -> bool {
        let support = self.counter.support(item);
        self.threshold
            .judge(support, self.signal.companion(item, support))
            == Verdict::Passes
    }
}

/// μ · P(cat_j | cat_i) · q(j | cat_j), in common baskets.
fn category_share(row: &Row<'_>, share: f64, item: u32) -> f64 {
    row.cold_start().mu * share * row.frame.cards.of(item).share
}

/// What category shares are normalised by: the row's most common baskets, or the largest share proposed where that is
/// more.
fn largest_share(row: &Row<'_>, recipe: &Recipe, habits: &Habits<'_>, gathering: &Gathering) -> f64 {
    let counted = f64::from(row.strengths().most_support(Input::CoPurchase));
    if recipe.proposal != Proposal::Related {
        return counted;
    }
    if row.frame.settled.get(row.anchor) {
        return counted.max(habits.proposed());
    }
    // To a new anchor new products are proposed as well.
    let proposed = gathering.candidates().iter().filter(|one| one.is_proposed);
    let shares = proposed.map(|one| {
        let share = habits.share(row.frame.facts.products.leaf[one.item as usize]);
        category_share(row, share, one.item)
    });
    shares.fold(counted, f64::max)
}

fn twice(value: f64) -> (f64, f64) {
    (value, value)
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
            .filter_map(|&(input, _)| row.counted(input))
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
