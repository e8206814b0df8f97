//! Events → signals → scores, in two tables. A new kind of event is a line of [`effects`]. A new signal is a line of
//! [`Input`] and its place in [`table`]; a new relation is a [`Recipe`].
//!
//! A recipe's score is `(base + Σ weight · S) · index · price · factor`. Every `S` is the closed form of its signal,
//! divided by its largest value in the anchor's row. `together` and `also_viewed` have no recipe: they are the closed
//! forms themselves, ungated.

use serde::{Deserialize, Serialize};
use tandem_domain::edge::Signal;
use tandem_domain::event::EventKind;
use tandem_domain::relation::Relation;

/// What events are put together as; products of one basket are beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basket {
    /// What somebody looked at, in its order.
    Session,
    /// What somebody put into a cart.
    Cart,
    /// What somebody bought.
    Order,
}

/// What an event does to a basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It puts its product in. Beside others the product counts half so many times over.
    Puts(u8),
    /// It takes its product out again, as far as its units go.
    Takes,
}

/// What an event does to its own basket, and to what its user did in the scene where it happened.
pub type Effects = (Option<(Basket, Effect)>, Option<Effect>);

/// Events → signals, the whole table. How long each is kept stand in [`Windows`](crate::Windows); an event that came from
/// a list of ours counts half once more, and one that looked only briefly as [`haste`] says. What shoppers do with lists, impressions among it, is [`crate::Feedback`]'s.
#[must_use]
pub const fn effects(kind: EventKind) -> Effects {
    use Basket::{Cart, Order, Session};
    use Effect::{Puts, Takes};
    match kind {
        EventKind::View | EventKind::Search => (Some((Session, Puts(0))), None),
        EventKind::Like => (Some((Session, Puts(0))), Some(Puts(1))),
        EventKind::Click => (Some((Session, Puts(1))), Some(Puts(2))),
        EventKind::Bounce => (Some((Session, Takes)), None),
        EventKind::Cart => (Some((Cart, Puts(0))), Some(Puts(0))),
        EventKind::Purchase => (Some((Order, Puts(0))), Some(Puts(0))),
        EventKind::Return => (Some((Order, Takes)), Some(Takes)),
        EventKind::Impression => (None, None),
    }
}

/// How often a look counts half because it was short. From ten seconds on a visit counts as engaged, as in the usual web
/// analytics (Google Analytics 4 sets that bar); within three a page has hardly been read. One that nobody measured counts
/// whole.
#[must_use]
pub const fn haste(kind: EventKind, dwell_ms: Option<u32>) -> u8 {
    match (kind, dwell_ms) {
        (EventKind::View | EventKind::Search | EventKind::Click, Some(0..3_000)) => 2,
        (EventKind::View | EventKind::Search | EventKind::Click, Some(3_000..10_000)) => 1,
        _ => 0,
    }
}

/// What a score can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Same order.
    CoPurchase,
    /// Same cart.
    CoCart,
    /// Same session, by direction and distance.
    CoView,
    /// Swing over sessions.
    Swing,
    /// Anchor viewed, companion bought.
    ViewedThenBought,
    /// The viewer of a scene acted on both.
    Scene,
    /// Likeness of attributes.
    Attributes,
    /// Habits of the anchor's category: μ · P(cat_j | cat_i) · q(j | cat_j).
    CategoryShare,
}

impl Input {
    /// The inputs that are counted, in the order of their counters: the first ones of all.
    pub(crate) const COUNTED: [Self; 6] = [
        Self::CoPurchase,
        Self::CoCart,
        Self::CoView,
        Self::Swing,
        Self::ViewedThenBought,
        Self::Scene,
    ];

    /// Place of its counter; `None` where nothing is counted.
    pub(crate) fn counter(self) -> Option<usize> {
        let place = self as usize;
        (place < Self::COUNTED.len()).then_some(place)
    }

    /// The input that the numbers of its closed form are fitted on.
    pub(crate) const fn fitted_on(self) -> Self {
        match self {
            Self::CoView | Self::Swing => Self::CoView,
            _ => Self::CoPurchase,
        }
    }

    /// What an edge's evidence counts when this input carries it.
    #[must_use]
    pub const fn signal(self) -> Signal {
        match self {
            Self::CoPurchase => Signal::CoPurchase,
            Self::CoCart => Signal::CoCart,
            Self::CoView | Self::Swing => Signal::CoView,
            Self::ViewedThenBought => Signal::ViewedThenBought,
            Self::Scene => Signal::Scene,
            Self::Attributes | Self::CategoryShare => Signal::Attributes,
        }
    }
}

/// Where a companion's category must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategoryGate {
    /// Anywhere.
    Any,
    /// In another leaf, related to the anchor's.
    Related,
    /// In the anchor's leaf.
    Same,
}

/// What "bought together minus viewed together" must say, where views are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexGate {
    /// Nothing.
    Off,
    /// Rather bought together: ρ > 0, factor σ(2ρ).
    Bought,
    /// Rather viewed together: ρ < 0, factor σ(−2ρ).
    Viewed,
}

/// What the companion's price may be, as a ratio to the anchor's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceFit {
    /// Anything.
    Off,
    /// Inside the band of the category pair.
    Band,
    /// Between `lowest` and `highest`, best at `centre`: exp(−ln²(r / centre) / (2 · spread²)).
    Around {
        /// Lowest ratio.
        lowest: f64,
        /// Highest ratio.
        highest: f64,
        /// The best ratio.
        centre: f64,
        /// Spread (ln).
        spread: f64,
        /// Whether a pair without prices is refused rather than taken at half.
        needed: PriceNeed,
    },
}

/// What becomes of a pair whose prices are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceNeed {
    /// It passes at half the fit.
    Wished,
    /// It is refused.
    Needed,
}

/// What else multiplies the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// Nothing.
    None,
    /// The companion's quality, which must not be lower than the anchor's; nor its return rate higher.
    Quality,
    /// Same series, else same brand, and likeness.
    Family,
}

/// Who is a candidate without any behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposal {
    /// Popular products of related categories.
    Related,
    /// Popular products of the same leaf.
    Leaf,
    /// The same series and brand.
    Family,
}

/// How one relation is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The relation.
    pub relation: Relation,
    /// What counts, and how much; the first one is the evidence where it has any.
    pub weights: Vec<(Input, f64)>,
    /// Added to the weighted sum.
    pub base: f64,
    /// Inputs of which one must be more than chance, for a pair to count as learned; empty: any behaviour will do.
    pub significant: Vec<Input>,
    /// Category gate.
    pub category: CategoryGate,
    /// Relation index gate.
    pub index: IndexGate,
    /// Price gate and fit.
    pub price: PriceFit,
    /// Further factor.
    pub factor: Factor,
    /// Candidates without behaviour.
    pub proposal: Proposal,
}

/// The table.
#[must_use]
pub fn table() -> Vec<Recipe> {
    use Input::{Attributes, CategoryShare, CoCart, CoPurchase, CoView, Scene, Swing, ViewedThenBought};
    vec![
        Recipe {
            relation: Relation::Complement,
            weights: vec![
                (CoPurchase, 0.7),
                (CoCart, 0.15),
                (Scene, 0.15),
                (CategoryShare, 0.7),
            ],
            base: 0.0,
            significant: vec![CoPurchase, CoCart, Scene],
            category: CategoryGate::Related,
            index: IndexGate::Bought,
            price: PriceFit::Band,
            factor: Factor::None,
            proposal: Proposal::Related,
        },
        Recipe {
            relation: Relation::Substitute,
            weights: vec![(CoView, 0.6), (Swing, 0.3), (Attributes, 0.1)],
            base: 0.0,
            significant: Vec::new(),
            category: CategoryGate::Same,
            index: IndexGate::Viewed,
            price: PriceFit::Around {
                lowest: 0.5,
                highest: 2.0,
                centre: 1.0,
                spread: 0.35,
                needed: PriceNeed::Wished,
            },
            factor: Factor::None,
            proposal: Proposal::Leaf,
        },
        Recipe {
            relation: Relation::Upsell,
            // The touch of attributes is what a product without behaviour has.
            weights: vec![(ViewedThenBought, 0.6), (CoView, 0.4), (Attributes, 0.05)],
            base: 0.0,
            significant: Vec::new(),
            category: CategoryGate::Same,
            index: IndexGate::Off,
            price: PriceFit::Around {
                lowest: 1.1,
                highest: 1.8,
                centre: 1.3,
                spread: 0.25,
                needed: PriceNeed::Needed,
            },
            factor: Factor::Quality,
            proposal: Proposal::Leaf,
        },
        Recipe {
            relation: Relation::Series,
            weights: vec![(CoView, 1.0), (CoPurchase, 1.0)],
            base: 1.0,
            significant: Vec::new(),
            category: CategoryGate::Any,
            index: IndexGate::Off,
            price: PriceFit::Off,
            factor: Factor::Family,
            proposal: Proposal::Family,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_counts_by_its_length() {
        let by = |kind, dwell_ms| haste(kind, dwell_ms);
        let looks = [
            None,
            Some(0),
            Some(2_999),
            Some(3_000),
            Some(9_999),
            Some(10_000),
            Some(u32::MAX),
        ];
        for kind in [EventKind::View, EventKind::Search, EventKind::Click] {
            assert_eq!(looks.map(|dwell_ms| by(kind, dwell_ms)), [0, 2, 2, 1, 1, 0, 0]);
        }
        // Whoever buys or likes has seen enough.
        for kind in [
            EventKind::Purchase,
            EventKind::Cart,
            EventKind::Like,
            EventKind::Bounce,
        ] {
            assert_eq!(by(kind, Some(0)), 0);
        }
    }

    #[test]
    fn counters_stand_in_the_order_of_the_counted_inputs() {
        for (place, input) in Input::COUNTED.into_iter().enumerate() {
            assert_eq!(input.counter(), Some(place));
        }
        assert_eq!(
            [Input::Attributes, Input::CategoryShare].map(Input::counter),
            [None; 2]
        );
    }
}
