//! What a surface and a request ask of a companion's card, beside its stock: the same at every step of the chain.

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::{DropReason, Offer};
use crate::catalog::ProductCard;
use crate::id::{CategoryId, ProductId, ShopId};
use crate::money::Money;
use crate::relation::Relation;
use crate::surface::{PriceBand, ShopScope, Surface};

/// Cards of companions by product.
pub type Cards = HashMap<ProductId, ProductCard>;

/// What a request asks of companions. What is empty asks nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// One of these categories, or one below.
    pub categories: Vec<CategoryId>,
    /// One of these brands.
    pub brands: Vec<String>,
    /// One of these shops.
    pub shops: Vec<ShopId>,
    /// At least this price; what has no price has no place.
    pub min_price: Option<Money>,
    /// At most this price.
    pub max_price: Option<Money>,
    /// Only what is known to be in stock, whatever the surface says of unknown stock.
    pub in_stock_only: bool,
}

/// What a card must be like.
type Rule = fn(&Filter, &ProductCard) -> bool;

impl Filter {
    /// A filter that asks nothing.
    pub const NONE: Self = Self {
        categories: Vec::new(),
        brands: Vec::new(),
        shops: Vec::new(),
        min_price: None,
        max_price: None,
        in_stock_only: false,
    };

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::NONE
    }

    /// Whether it asks something of the cards of companions.
    #[must_use]
    pub fn asks_of_cards(&self) -> bool {
        let open = Self {
            in_stock_only: self.in_stock_only,
            ..Self::NONE
        };
        *self != open
    }

    fn judge(&self, card: Option<&ProductCard>) -> Result<(), DropReason> {
        let suits = |asked: bool, holds: Rule| !asked || card.is_some_and(|card| holds(self, card));
        let rules: [(bool, Rule, DropReason); 4] = [
            (
                !self.categories.is_empty(),
                Self::has_category,
                DropReason::FilteredCategory,
            ),
            (
                !self.brands.is_empty(),
                Self::has_brand,
                DropReason::FilteredBrand,
            ),
            (!self.shops.is_empty(), Self::has_shop, DropReason::FilteredShop),
            (
                self.min_price.is_some() || self.max_price.is_some(),
                Self::has_price,
                DropReason::FilteredPrice,
            ),
        ];
        match rules.into_iter().find(|(asked, holds, _)| !suits(*asked, *holds)) {
            Some((_, _, reason)) => Err(reason),
            None => Ok(()),
        }
    }

    fn has_category(&self, card: &ProductCard) -> bool {
        let mut path = card.category.iter().chain(&card.ancestors);
        path.any(|category| self.categories.contains(category))
    }

    fn has_brand(&self, card: &ProductCard) -> bool {
        card.brand
            .as_ref()
            .is_some_and(|brand| self.brands.contains(brand))
    }

    fn has_shop(&self, card: &ProductCard) -> bool {
        self.shops.contains(&card.shop)
    }

    fn has_price(&self, card: &ProductCard) -> bool {
        card.price.is_some_and(|price| {
            self.min_price.is_none_or(|min| min <= price) && self.max_price.is_none_or(|max| price <= max)
        })
    }
}

/// What is asked of companions, and what is known of them.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// What the request asks.
    pub filter: &'a Filter,
    /// The anchors: what a surface asks in relation to them, one of them has to allow.
    pub anchors: &'a [&'a ProductCard],
    /// The cards of the companions; nothing that is asked of a card is true of a companion that has none here.
    pub cards: &'a Cards,
}

impl Terms<'_> {
    pub(super) fn judge(&self, surface: &Surface, product: &ProductId) -> Result<(), DropReason> {
        let card = self.cards.get(product);
        self.filter.judge(card)?;
        if surface.shops == ShopScope::SameShop && !self.any(card, |anchor, card| anchor.shop == card.shop) {
            return Err(DropReason::ShopScope);
        }
        if !surface.price_band.is_open()
            && !self.any(card, |anchor, card| {
                suits(surface.price_band, anchor.price, card.price)
            })
        {
            return Err(DropReason::PriceBand);
        }
        Ok(())
    }

    fn any(&self, card: Option<&ProductCard>, allows: impl Fn(&ProductCard, &ProductCard) -> bool) -> bool {
        card.is_some_and(|card| self.anchors.iter().any(|anchor| allows(anchor, card)))
    }
}

/// An anchor without a price is suited by every price; what has no price suits no anchor that has one.
fn suits(band: PriceBand, anchor: Option<Money>, companion: Option<Money>) -> bool {
    let Some(anchor) = anchor.map(|price| i128::from(price.minor())) else {
        return true;
    };
    let Some(companion) = companion.map(|price| i128::from(price.minor()) * 100) else {
        return false;
    };
    band.min_percent
        .is_none_or(|min| anchor * i128::from(min) <= companion)
        && band
            .max_percent
            .is_none_or(|max| companion <= anchor * i128::from(max))
}

/// What the items taken so far leave room for.
#[derive(Debug, Default)]
pub(super) struct Room<'a> {
    brands: FxHashMap<&'a str, u32>,
    categories: FxHashMap<&'a CategoryId, u32>,
    shops: FxHashMap<&'a ShopId, u32>,
    relations: FxHashMap<Relation, u32>,
}

impl<'a> Room<'a> {
    /// Whether another item fits.
    pub(super) fn judge(
        &self,
        surface: &Surface,
        offer: &Offer,
        card: Option<&ProductCard>,
    ) -> Result<(), DropReason> {
        let caps = &surface.caps;
        let brand = card.and_then(|card| card.brand.as_deref());
        let category = card.and_then(|card| card.category.as_ref());
        let quota = offer
            .relation
            .and_then(|relation| surface.quotas.get(&relation).copied());
        let taken = offer.relation.and_then(|relation| self.relations.get(&relation));
        let full =
            |taken: Option<&u32>, cap: Option<u32>| cap.zip(taken).is_some_and(|(cap, taken)| *taken >= cap);
        if full(taken, quota) {
            return Err(DropReason::RelationQuota);
        }
        if full(brand.and_then(|brand| self.brands.get(brand)), caps.per_brand) {
            return Err(DropReason::BrandCap);
        }
        if full(
            category.and_then(|category| self.categories.get(category)),
            caps.per_category,
        ) {
            return Err(DropReason::CategoryCap);
        }
        if full(card.and_then(|card| self.shops.get(&card.shop)), caps.per_shop) {
            return Err(DropReason::ShopCap);
        }
        Ok(())
    }

    /// Takes an item in.
    pub(super) fn take(&mut self, offer: &Offer, card: Option<&'a ProductCard>) {
        if let Some(relation) = offer.relation {
            *self.relations.entry(relation).or_default() += 1;
        }
        let Some(card) = card else { return };
        *self.shops.entry(&card.shop).or_default() += 1;
        if let Some(brand) = &card.brand {
            *self.brands.entry(brand).or_default() += 1;
        }
        if let Some(category) = &card.category {
            *self.categories.entry(category).or_default() += 1;
        }
    }
}
