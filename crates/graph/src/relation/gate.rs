//! The gates of the table, one by one.

use tandem_domain::edge::GateCounts;

use super::candidate::{Kinship, kinship};
use super::index;
use super::likeness::likeness;
use crate::epoch::Limits;
use crate::facts::NONE;
use crate::frame::{Card, Kin};
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

/// Where a companion's category must be, beside one anchor.
#[derive(Debug)]
pub(super) enum Habits<'r> {
    /// Anywhere.
    Open,
    /// In this leaf.
    Same(u32),
    /// In one of the leaves that go with the anchor's; that does not go with itself.
    Related(&'r Kin),
    /// Nowhere: the anchor's own is not known.
    Closed,
}

impl<'r> Habits<'r> {
    pub(super) fn of(row: &Row<'r>, recipe: &Recipe) -> Self {
        let leaves = &row.frame.leaves;
        let own = row.frame.facts.products.leaf[row.anchor as usize];
        match recipe.category {
            CategoryGate::Any => Self::Open,
            _ if !leaves.are_known() => Self::Open,
            _ if own == NONE => Self::Closed,
            CategoryGate::Same => Self::Same(own),
            CategoryGate::Related => leaves.kin(row.shop(), own).map_or(Self::Closed, Self::Related),
        }
    }

    /// P(leaf | anchor's leaf). Once it was read, [`Self::habit`] is near.
    #[inline]
    pub(super) fn share(&self, leaf: u32) -> f64 {
        match self {
            Self::Related(kin) => kin.share(leaf),
            _ => 0.0,
        }
    }

    /// The largest share, in common baskets, of those whom attributes propose to an anchor that the record knows.
    pub(super) const fn proposed(&self) -> f64 {
        match self {
            Self::Related(kin) => kin.proposed,
            _ => 0.0,
        }
    }

    /// What is known of the leaf beside the anchor's.
    pub(super) fn habit(&self, leaf: u32) -> Habit {
        match self {
            Self::Related(kin) => kin.pair(leaf).map_or_else(Habit::default, |pair| Habit {
                share: pair.share,
                band: pair.band,
            }),
            _ => Habit::default(),
        }
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
pub(super) fn factor(row: &Row<'_>, factor: Factor, own: &Card, item: u32) -> Result<f64, Refusal> {
    let cards = &row.frame.cards;
    match factor {
        Factor::None => Ok(1.0),
        Factor::Quality => quality(row, own, item),
        Factor::Family => match kinship(own, cards.of(item)) {
            Kinship::Series => Ok(0.9 + 0.1 * likeness(cards, own, cards.of(item))),
            // At most a third of a series' factor, so that no behaviour (at most threefold) lifts it above one.
            Kinship::Brand => Ok(0.15 + 0.15 * likeness(cards, own, cards.of(item))),
            Kinship::None => Err(Refusal::Category),
        },
    }
}

fn quality(row: &Row<'_>, own: &Card, item: u32) -> Result<f64, Refusal> {
    let (own, other) = (own.quality(), row.frame.cards.of(item).quality());
    let is_lower = own.zip(other).is_some_and(|(own, other)| other < own);
    if is_lower || row.frame.returns.is_worse(item, row.anchor) {
        return Err(Refusal::Relation);
    }
    Ok(other.unwrap_or(0.5))
}
