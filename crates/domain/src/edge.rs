//! Companions of an anchor: what a build computes, what a list is served from, and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bundle::LearnedBundle;
use crate::id::ProductId;
use crate::pace::Pace;
use crate::relation::Relation;

/// The most companions stored per anchor and relation.
pub const STORED_COMPANIONS: usize = 50;

/// Which step of the serving chain an item comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A merchant's link.
    Manual,
    /// Learned from behaviour.
    Learned,
    /// Attributes and category statistics, before behaviour is known.
    Attribute,
    /// Bestsellers of the anchor's category.
    Bestseller,
}

impl Source {
    /// Every source, in the order of the steps.
    pub const ALL: [Self; 4] = [Self::Manual, Self::Learned, Self::Attribute, Self::Bestseller];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Learned => "learned",
            Self::Attribute => "attribute",
            Self::Bestseller => "bestseller",
        }
    }
}

/// What the counts of an [`Evidence`] count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Signal {
    /// Orders that hold both.
    CoPurchase = 1,
    /// Carts that hold both.
    CoCart = 2,
    /// Sessions that viewed both.
    CoView = 3,
    /// Users who viewed the anchor and bought the companion.
    ViewedThenBought = 4,
    /// Scenes in which viewers acted on both.
    Scene = 5,
    /// Shared attributes; the counts are 0.
    Attributes = 6,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 6] = [
        Self::CoPurchase,
        Self::CoCart,
        Self::CoView,
        Self::ViewedThenBought,
        Self::Scene,
        Self::Attributes,
    ];

    /// The number in records.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// From the number in records.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.code() == code)
    }
}

/// Why two products belong together, in counts: "57 % of 214 orders".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What is counted.
    pub signal: Signal,
    /// Baskets that hold both.
    pub support: u32,
    /// Baskets that hold the anchor.
    pub anchor_count: u32,
    /// Baskets that hold the companion.
    pub companion_count: u32,
    /// All baskets.
    pub total: u32,
    /// Observed ÷ expected under independence; 0 where nothing is expected.
    pub lift: f32,
    /// Dunning's log-likelihood ratio; above 3.84 the pair is unlikely to be chance (5 %).
    pub llr: f32,
    /// Days of events that the counts cover.
    pub window_days: u32,
}

impl Evidence {
    /// Share of the anchor's baskets that also hold the companion, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.anchor_count == 0 {
            0.0
        } else {
            f64::from(self.support) / f64::from(self.anchor_count)
        }
    }

    /// The same in words: "57 % of 214 orders".
    #[must_use]
    pub fn words(&self) -> String {
        let whole = match self.signal {
            Signal::Attributes => return "shared attributes".to_owned(),
            Signal::CoPurchase => "orders",
            Signal::CoCart => "carts",
            Signal::CoView => "sessions",
            Signal::ViewedThenBought => "viewers",
            Signal::Scene => "scenes",
        };
        format!("{} % of {} {whole}", percent(self.share()), self.anchor_count)
    }
}

/// Whole percents, with one decimal where a whole one would say little.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 9.95 || percent == 0.0 {
        format!("{percent:.0}")
    } else {
        format!("{percent:.1}")
    }
}

/// One companion of an anchor in one relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// The companion.
    pub companion: ProductId,
    /// Rank value for a single anchor; larger is better, never NaN.
    pub score: f32,
    /// Vote of this anchor when many anchors are summed; never NaN.
    pub basket_score: f32,
    /// Learned or from attributes.
    pub source: Source,
    /// Whether generated records carry it.
    pub generated: bool,
    /// Why.
    pub evidence: Evidence,
}

/// The companions of an anchor in one relation, best first, at most [`STORED_COMPANIONS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeList {
    /// The relation.
    pub relation: Relation,
    /// Best first by (score desc, popularity desc, id asc).
    pub edges: Vec<Edge>,
    /// Why others are not here.
    pub refused: GateCounts,
}

/// Candidates of a row that each gate turned away, and where the list was cut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct GateCounts {
    /// Too few common baskets.
    pub support: u32,
    /// Common baskets explainable by chance.
    pub significance: u32,
    /// Wrong category for the relation.
    pub category: u32,
    /// Wrong sign of "bought together minus viewed together".
    pub relation: u32,
    /// Price outside the band.
    pub price: u32,
    /// Passed every gate, but ranked below the stored length.
    pub rank: u32,
    /// Score of the last stored companion; 0 while the list is not full.
    pub cut_off: f32,
}

/// Everything that a build says of one anchor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnchorEdges {
    /// The anchor.
    pub anchor: ProductId,
    /// At most one list per relation, in the order of [`Relation::ALL`].
    pub lists: Vec<EdgeList>,
    /// What the scores of companions are multiplied by where a surface heeds feedback; those that are not here stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub feedback: BTreeMap<ProductId, f32>,
    /// How companions sell that a surface may attach, where the anchor is a bestseller.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paces: BTreeMap<ProductId, Pace>,
    /// Ranked sets, best first.
    pub bundles: Vec<LearnedBundle>,
}

impl<P> Candidate<P> {
    /// With its scores as feedback has them.
    #[must_use]
    pub fn with_feedback(self) -> Self {
        Self {
            score: self.score * self.feedback,
            basket_score: self.basket_score * self.feedback,
            feedback: 1.0,
            ..self
        }
    }
}

impl Candidate<&str> {
    /// The same, named by an id.
    ///
    /// # Panics
    /// When the text is no id.
    #[must_use]
    pub fn identified(&self) -> Candidate {
        Candidate {
            product: ProductId::new(self.product).expect("an edge leads to a product"),
            relation: self.relation,
            score: self.score,
            feedback: self.feedback,
            basket_score: self.basket_score,
            source: self.source,
            generated: self.generated,
        }
    }
}

/// A companion as the gateway holds it: an edge without its evidence. It is named by its id, or by the text of one that
/// stands in a record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<P = ProductId> {
    /// The companion.
    pub product: P,
    /// The relation it stands in.
    pub relation: Relation,
    /// Rank value for a single anchor.
    pub score: f32,
    /// What both are multiplied by where a surface heeds feedback; 1 where there is none.
    pub feedback: f32,
    /// Vote when many anchors are summed.
    pub basket_score: f32,
    /// The step it comes from.
    pub source: Source,
    /// Whether generated records carry it.
    pub generated: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(signal: Signal, support: u32, anchor_count: u32) -> Evidence {
        Evidence {
            signal,
            support,
            anchor_count,
            companion_count: 300,
            total: 20_000,
            lift: 12.0,
            llr: 99.0,
            window_days: 400,
        }
    }

    #[test]
    fn counts_are_told_as_a_share_of_what_was_counted() {
        assert_eq!(counts(Signal::CoPurchase, 122, 214).words(), "57 % of 214 orders");
        assert_eq!(counts(Signal::CoView, 3, 214).words(), "1.4 % of 214 sessions");
        assert_eq!(counts(Signal::ViewedThenBought, 0, 0).words(), "0 % of 0 viewers");
        assert_eq!(counts(Signal::Attributes, 0, 0).words(), "shared attributes");
    }
}
