//! The gates of the table, one by one.

use tandem_domain::edge::GateCounts;

use super::candidate::{Kinship, kinship};
use super::index;
use super::likeness::likeness;
use crate::epoch::Limits;
use crate::facts::NONE;
use crate::row::Row;
use crate::signals::{CategoryGate, Factor, IndexGate, Input, Recipe};

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
pub(super) struct Habit {
    /// P(cat_j | cat_i).
    pub(super) share: f64,
    pub(super) band: Option<Limits>,
}

/// What the anchor's leaf has to do with other leaves, written down once for all companions: they are many more than the
/// leaves that go with one.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// Whether a companion's category may be any.
    are_open: bool,
    /// By leaf; `None` where the companion's category must not be.
    known: Vec<Option<Habit>>,
    /// Those that are something else.
    told: Vec<u32>,
}

impl Habits {
    /// Before another row or recipe.
    pub(super) fn begin(&mut self, row: &Row<'_>, recipe: &Recipe) {
        let leaves = &row.frame.leaves;
        for leaf in self.told.drain(..) {
            self.known[leaf as usize] = None;
        }
        self.known.resize(row.frame.facts.products.leaves.len(), None);
        self.are_open = recipe.category == CategoryGate::Any || !leaves.are_known();
        let own = row.frame.facts.products.leaf[row.anchor as usize];
        if self.are_open || own == NONE {
            return;
        }
        if recipe.category == CategoryGate::Same {
            self.tell(own, Habit::default());
            return;
        }
        let others = leaves.related(row.shop(), own).iter();
        for other in others.filter(|other| other.leaf != own) {
            let habit = Habit {
                share: other.share,
                band: other.band,
            };
            self.tell(other.leaf, habit);
        }
    }

    fn tell(&mut self, leaf: u32, habit: Habit) {
        self.known[leaf as usize] = Some(habit);
        self.told.push(leaf);
    }

    /// Whether the companion's category is where it must be.
    pub(super) fn of(&self, row: &Row<'_>, item: u32) -> Result<Habit, Refusal> {
        if self.are_open {
            return Ok(Habit::default());
        }
        let leaf = row.frame.facts.products.leaf[item as usize];
        let known = self.known.get(leaf as usize).copied().flatten();
        known.ok_or(Refusal::Category)
    }
}

/// The factor of the relation index; a pair that only attributes propose may fall a little short of its sign.
pub(super) fn relation(
    row: &Row<'_>,
    gate: IndexGate,
    odds: Option<f64>,
    seen: Option<Input>,
) -> Result<f64, Refusal> {
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

/// What else multiplies the score.
pub(super) fn factor(row: &Row<'_>, factor: Factor, item: u32) -> Result<f64, Refusal> {
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
