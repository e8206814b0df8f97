//! Rank shaped by the shopper: what they looked at or bought a moment ago, and what their kind likes.
//!
//! Each offer's score is multiplied by
//!
//! ```text
//! factor = (1 + 0.5·companion + 0.2·category + 0.2·brand + 0.1·price) · (0.25 if bought lately, else 1)
//! ```
//!
//! where each trait is the strongest agreement with a recent product, `max 0.9^i` over the products that agree, the most
//! recent one being `i = 0`; agreement with the segment counts 1. `companion`: the graph has an edge from the recent
//! product to the offer. `category`: the same leaf. `brand`: the same brand. `price`: between half and twice the price.
//! So the factor lies between 0.25 and 2. Offers move inside their step and relation only: nothing learned about one
//! shopper lifts a bestseller over what belongs to the anchor, and nothing is added or taken away.

use std::collections::HashSet;

use super::{Cards, Offer, RECENCY};
use crate::catalog::ProductCard;
use crate::id::{CategoryId, ProductId};
use crate::money::Money;

/// Weights of the traits; they add up to 1.
const COMPANION: f64 = 0.5;
const CATEGORY: f64 = 0.2;
const BRAND: f64 = 0.2;
const PRICE: f64 = 0.1;
/// What a product that was bought lately keeps of its score.
const BOUGHT: f64 = 0.25;

/// What a group of shoppers likes, as the caller describes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Segment {
    /// Leaf categories.
    pub categories: HashSet<CategoryId>,
    /// Brands.
    pub brands: HashSet<String>,
    /// What they usually pay.
    pub price: Option<Money>,
}

impl Segment {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.categories.is_empty() && self.brands.is_empty() && self.price.is_none()
    }
}

/// A product that the shopper looked at.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    /// Its card; none when no catalogue holds it.
    pub card: Option<ProductCard>,
    /// What the graph says goes with it.
    pub companions: HashSet<ProductId>,
}

/// What is known of a shopper.
#[derive(Debug, Clone, Default)]
pub struct Taste {
    /// What they looked at, the most recent first.
    pub recent: Vec<Recent>,
    /// What they bought lately.
    pub bought: HashSet<ProductId>,
    /// What their kind likes.
    pub segment: Segment,
}

/// Shapes the scores of `offers`; see the module for the formula. `cards` holds what is known of them.
pub fn personalise(offers: &mut [Offer], taste: &Taste, cards: &Cards) {
    for offer in offers {
        let factor = taste.factor(&offer.product, cards.get(&offer.product));
        #[expect(clippy::cast_possible_truncation, reason = "a factor between 0.25 and 2")]
        let factor = factor as f32;
        offer.score *= factor;
    }
}

impl Taste {
    /// What the score of a companion is multiplied by: between 0.25 and 2.
    #[must_use]
    pub fn factor(&self, product: &ProductId, card: Option<&ProductCard>) -> f64 {
        let companion = self.strongest(|recent| recent.companions.contains(product));
        let of_card = card.map_or(0.0, |card| self.of_card(card));
        let bought = if self.bought.contains(product) {
            BOUGHT
        } else {
            1.0
        };
        (1.0 + COMPANION * companion + of_card) * bought
    }

    fn of_card(&self, card: &ProductCard) -> f64 {
        let trait_of = |liked: bool, agrees: fn(&ProductCard, &ProductCard) -> bool| {
            if liked {
                return 1.0;
            }
            self.strongest(|recent| recent.card.as_ref().is_some_and(|recent| agrees(recent, card)))
        };
        let Segment {
            categories,
            brands,
            price,
        } = &self.segment;
        let category = card
            .category
            .as_ref()
            .is_some_and(|leaf| categories.contains(leaf));
        let brand = card.brand.as_ref().is_some_and(|brand| brands.contains(brand));
        CATEGORY * trait_of(category, |a, b| a.category.is_some() && a.category == b.category)
            + BRAND * trait_of(brand, |a, b| a.brand.is_some() && a.brand == b.brand)
            + PRICE * trait_of(near(*price, card.price), |a, b| near(a.price, b.price))
    }

    /// The weight of the most recent product of which this is true; 0 when it is true of none.
    fn strongest(&self, holds: impl Fn(&Recent) -> bool) -> f64 {
        let at = self.recent.iter().position(holds);
        at.map_or(0.0, |at| RECENCY.powi(i32::try_from(at).unwrap_or(i32::MAX)))
    }
}

/// Between half and twice the other.
fn near(a: Option<Money>, b: Option<Money>) -> bool {
    a.zip(b).is_some_and(|(a, b)| {
        let (a, b) = (i128::from(a.minor()), i128::from(b.minor()));
        a <= 2 * b && b <= 2 * a
    })
}
