//! What a list shows: what the graph proposes, under a merchant's links, with the stock of this moment.
//!
//! Pure and total: the same arguments give the same answer, and every proposal ends either among the items, before
//! the window, or among the dropped with a reason. Nothing is cut before it was filtered, so a dropped companion is
//! replaced by the next one that can be bought for as long as the stored list has any.
//!
//! Order of an answer:
//! 1. the steps of the surface's chain, in its order (manual, learned, attribute, bestseller);
//! 2. inside a step the relations, each list whole, in the order in which they were asked for
//!    ([`Order::Relations`]); or all in one line where a basket has fused them ([`Order::Score`]);
//! 3. inside a relation by score after boosts, ties as stored.
//!
//! What a surface or a request asks of cards ([`Terms`]) holds at every step alike, for links too; so do caps and quotas,
//! which the best proposals fill first.
//! A surface may want more of stock than that it can be bought ([`StockRules`](crate::surface::StockRules)): companions
//! that run low are left out or stand behind all others, and when the anchor itself runs low one relation leads.
//!
//! In the list of a bestseller a surface may lend places to companions that sell too little ([`Attach`]).
//! At one place of a list a surface may try who has not earned it ([`Deal`]): a learned companion from there or from further
//! down takes it, and those between move down by one.
//!
//! Pins stand at their place in the finished answer. A companion that a merchant boosts and nothing has learned
//! stands at the end of the learned step, ahead of every fallback.

mod attach;
mod basket;
mod explore;
mod line;
mod marks;
mod personal;
mod terms;

use std::collections::HashSet;

pub use attach::Attach;
pub use basket::{Ballot, RECENCY, Ranked, Slate, fuse, recency_weight};
pub use explore::{Deal, Explore};
pub use line::{Line, arrange};
pub use marks::{Marks, Pin, Span};
pub use personal::{Recent, Segment, Taste, personalise};
use terms::Room;
pub use terms::{Cards, Filter, Terms};

use crate::catalog::ProductCard;
use crate::edge::{Candidate, Source};
use crate::id::ProductId;
use crate::pace::Attached;
use crate::relation::Relation;
use crate::stock::{Availability, SellableCount, Supply};
use crate::surface::{Surface, holds};

/// Why a proposal is not in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// No unit can be bought.
    OutOfStock,
    /// No stock was ever reported.
    UnknownStock,
    /// Taken off sale.
    Delisted,
    /// Excluded by a merchant's link.
    ExcludedByMerchant,
    /// The request excludes it, or it is an anchor itself.
    ExcludedByRequest,
    /// Listed already in a better place.
    Duplicate,
    /// Ranked below the size of the answer.
    BelowLimit,
    /// Withheld because the view of stock is too old.
    StaleStock,
    /// Stands only in relations that the surface does not list.
    NotListed,
    /// Not of a category that the request asks for.
    FilteredCategory,
    /// Not of a brand that the request asks for.
    FilteredBrand,
    /// Not of a shop that the request asks for.
    FilteredShop,
    /// Not of a price that the request asks for.
    FilteredPrice,
    /// Of another shop than the surface allows.
    ShopScope,
    /// Outside the surface's price band around the anchor.
    PriceBand,
    /// The surface's quota of the relation is full.
    RelationQuota,
    /// The surface's cap on the brand is reached.
    BrandCap,
    /// The surface's cap on the leaf category is reached.
    CategoryCap,
    /// The surface's cap on the shop is reached.
    ShopCap,
    /// Runs low, and the surface leaves out what does.
    LowStock,
    /// The anchor runs low, and the surface serves nothing around one that does.
    AnchorLow,
}

impl DropReason {
    /// The name in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::UnknownStock => "unknown_stock",
            Self::Delisted => "delisted",
            Self::ExcludedByMerchant => "excluded_by_merchant",
            Self::ExcludedByRequest => "excluded_by_request",
            Self::Duplicate => "duplicate",
            Self::BelowLimit => "below_limit",
            Self::StaleStock => "stale_stock",
            Self::NotListed => "not_listed",
            Self::FilteredCategory => "filtered_category",
            Self::FilteredBrand => "filtered_brand",
            Self::FilteredShop => "filtered_shop",
            Self::FilteredPrice => "filtered_price",
            Self::ShopScope => "shop_scope",
            Self::PriceBand => "price_band",
            Self::RelationQuota => "relation_quota",
            Self::BrandCap => "brand_cap",
            Self::CategoryCap => "category_cap",
            Self::ShopCap => "shop_cap",
            Self::LowStock => "low_stock",
            Self::AnchorLow => "anchor_low",
        }
    }
}

/// A product that a step of the chain proposes.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The companion.
    pub product: ProductId,
    /// The relation it stands in; `None` for what no relation carries: bestsellers, and links for all relations.
    pub relation: Option<Relation>,
    /// Rank value inside its step and relation; never NaN.
    pub score: f32,
    /// The step.
    pub source: Source,
    /// Whether generated records carry it.
    pub generated: bool,
}

impl From<&Candidate> for Offer {
    fn from(candidate: &Candidate) -> Self {
        Self {
            product: candidate.product.clone(),
            relation: Some(candidate.relation),
            score: candidate.score,
            source: candidate.source,
            generated: candidate.generated,
        }
    }
}

/// What a surface may sell of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// Units that may be sold; none for unknown stock that the surface shows.
    pub sellable: SellableCount,
    /// How much is left; `None` for unknown stock.
    pub supply: Option<Supply>,
}

/// What moved a companion from the place that its score gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Adjustment {
    /// It runs low and stands behind all others.
    Demoted,
    /// It stands in front because the anchor runs low.
    Leads,
    /// It was lent a place that it has not earned.
    Attached(Attached),
}

/// A companion in the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The proposal; its score after boosts.
    pub offer: Offer,
    /// What may be sold of it.
    pub vouched: Vouched,
    /// What moved it from the place that its score gives it.
    pub adjusted: Option<Adjustment>,
    /// Of how many it was dealt its place, where things are tried there.
    pub explored: Option<u32>,
}

/// A proposal that is not in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The companion.
    pub product: ProductId,
    /// The relation it stood in.
    pub relation: Option<Relation>,
    /// Why.
    pub reason: DropReason,
}

/// How proposals of one step are lined up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One relation's list after the other, as asked for.
    Relations,
    /// All by score: the relations were fused already.
    Score,
}

/// The part of the answer that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Items on earlier pages.
    pub offset: usize,
    /// Items on this page.
    pub size: usize,
}

/// How proposals become an answer.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The chain of sources and what unknown stock means.
    pub surface: &'a Surface,
    /// The relations asked for, in their order.
    pub relations: &'a [Relation],
    /// How a step is lined up.
    pub order: Order,
    /// The relation that stands in front of everything else, when the anchor runs low.
    pub lead: Option<Relation>,
    /// The page.
    pub window: Window,
    /// What is attached; `None` where nothing is.
    pub attach: Option<Attach<'a>>,
    /// What is tried, and on whom; `None` where nothing is.
    pub explore: Option<Explore<'a>>,
    /// What is asked of cards. `None` where neither the surface nor the request asks anything.
    pub terms: Option<Terms<'a>>,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlaid {
    /// Companions that can be bought, best first.
    pub items: Vec<Item>,
    /// Whether another page follows.
    pub more: bool,
    /// Every other proposal that is not on an earlier page.
    pub dropped: Vec<Dropped>,
}

impl Overlaid {
    /// The same answer with every item held back, because nobody can vouch for its stock.
    #[must_use]
    pub fn withheld(self) -> Self {
        self.held_back(DropReason::StaleStock)
    }

    /// Drops what `vouch` says cannot be shown any more.
    pub fn vouch_again(&mut self, vouch: impl Fn(&ProductId) -> Result<Vouched, DropReason>) {
        let dropped = self
            .items
            .extract_if(.., |item| vouch(&item.offer.product).is_err());
        let dropped = dropped.map(|item| Dropped {
            reason: vouch(&item.offer.product).err().unwrap_or(DropReason::OutOfStock),
            product: item.offer.product,
            relation: item.offer.relation,
        });
        self.dropped.extend(dropped);
    }

    /// The same answer with every item held back for this reason.
    #[must_use]
    pub fn held_back(mut self, reason: DropReason) -> Self {
        let held_back = self.items.drain(..).map(|item| Dropped {
            product: item.offer.product,
            relation: item.offer.relation,
            reason,
        });
        self.dropped.extend(held_back);
        self.more = false;
        self
    }
}

/// Lays links, exclusions and stock over what the chain proposes. `offers` stand as stored, best first inside each
/// relation of each source; `excluded` names the anchors and what the caller does not want to see.
#[must_use]
pub fn overlay(
    offers: &[Offer],
    marks: &Marks,
    rules: &Rules<'_>,
    excluded: impl Fn(&ProductId) -> bool,
    stock: impl Fn(&ProductId) -> Availability,
) -> Overlaid {
    let mut sieve = Sieve {
        marks,
        rules,
        terms: rules.terms,
        excluded,
        stock,
        seen: HashSet::new(),
        room: Room::default(),
        dropped: Vec::new(),
    };
    let pins: Vec<(u32, Item)> = rules
        .served_pins(marks)
        .filter_map(|pin| Some((pin.position, in_place(sieve.pass(pinned(pin, offers))?))))
        .collect();
    let mut items: Vec<Item> = lined_up(offers, marks, rules)
        .into_iter()
        .filter_map(|offer| sieve.pass(offer))
        .collect();
    items.sort_by_key(|item| item.adjusted == Some(Adjustment::Demoted));
    if let Some(attach) = rules.attach {
        attach.lend(&mut items, offers);
    }
    arrange(&mut items, pins);
    if let Some(explore) = rules.explore {
        explore.deal(&mut items);
    }
    let Sieve { dropped, .. } = sieve;
    cut(items, dropped, rules.window)
}

/// What a surface may sell of a product in this state.
///
/// # Errors
/// The reason why nothing.
pub fn sells(state: Availability, surface: &Surface) -> Result<Vouched, DropReason> {
    match state {
        Availability::Known(standing) => match standing.under(surface.stock.counts) {
            (sellable, supply) if sellable.can_be_bought() => Ok(Vouched {
                sellable,
                supply: Some(supply),
            }),
            _ => Err(DropReason::OutOfStock),
        },
        Availability::Unknown if surface.show_unknown_stock => Ok(Vouched {
            sellable: SellableCount::NONE,
            supply: None,
        }),
        Availability::Unknown => Err(DropReason::UnknownStock),
        Availability::Delisted => Err(DropReason::Delisted),
    }
}

/// Whether a companion in this state may be shown, and with how many units.
///
/// # Errors
/// The reason why not.
pub fn vouch(state: Availability, surface: &Surface) -> Result<Vouched, DropReason> {
    let vouched = sells(state, surface)?;
    if vouched.is(surface.stock.companion.drop) {
        return Err(DropReason::LowStock);
    }
    Ok(vouched)
}

/// How much is left of an anchor, as a surface counts; `None` while nothing is known of its stock.
#[must_use]
pub fn supply_of(state: Availability, surface: &Surface) -> Option<Supply> {
    match state {
        Availability::Known(standing) => Some(standing.under(surface.stock.counts).1),
        Availability::Unknown => None,
        Availability::Delisted => Some(Supply::Out),
    }
}

/// What an anchor's supply does to its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footing {
    /// How much is left of the anchor.
    pub supply: Option<Supply>,
    /// The relation that leads.
    pub lead: Option<Relation>,
    /// Whether nothing is shown around it.
    pub hidden: bool,
    /// Whether its sets are not served.
    pub suspended: bool,
}

impl Footing {
    /// Of an anchor in this state.
    #[must_use]
    pub fn of(state: Availability, surface: &Surface) -> Self {
        let supply = supply_of(state, surface);
        let rules = &surface.stock.anchor;
        let on = |rule| supply.is_some_and(|supply| holds(rule, supply));
        Self {
            supply,
            lead: on(rules.lead_with_substitutes).then_some(Relation::Substitute),
            hidden: on(rules.hide),
            suspended: on(rules.suspend_bundles),
        }
    }
}

impl Vouched {
    /// Whether a rule from some supply on holds for it. Of unknown stock none does.
    #[must_use]
    pub fn is(self, rule: Option<Supply>) -> bool {
        self.supply.is_some_and(|supply| holds(rule, supply))
    }

    /// What stock does to the place of a companion.
    #[must_use]
    pub fn adjustment(self, surface: &Surface, leads: bool) -> Option<Adjustment> {
        if self.is(surface.stock.companion.demote) {
            Some(Adjustment::Demoted)
        } else {
            leads.then_some(Adjustment::Leads)
        }
    }
}

/// A merchant's pin stands where it was put, whatever stock would do.
fn in_place(item: Item) -> Item {
    Item {
        adjusted: None,
        ..item
    }
}

impl Rules<'_> {
    fn step(&self, source: Source) -> Option<usize> {
        self.surface.fallback.iter().position(|step| *step == source)
    }

    /// Merchants' links add and move companions only where the chain has a manual step; they exclude everywhere.
    fn heeds_links(&self) -> bool {
        self.step(Source::Manual).is_some()
    }

    /// Whether an offer leads.
    #[must_use]
    pub fn leads(&self, offer: &Offer) -> bool {
        self.lead.is_some() && offer.relation == self.lead
    }

    fn serves(&self, relation: Option<Relation>) -> bool {
        relation.is_none_or(|relation| self.relations.contains(&relation))
    }

    fn served_pins<'m>(&self, marks: &'m Marks) -> impl Iterator<Item = &'m Pin> {
        marks
            .pins()
            .iter()
            .filter(|pin| self.heeds_links() && self.serves(pin.relation))
    }

    /// Place of a relation's list inside a step; relations that were not asked for (the fallback) come last.
    fn place(&self, relation: Option<Relation>) -> usize {
        match self.order {
            Order::Score => 0,
            Order::Relations => relation
                .and_then(|relation| self.relations.iter().position(|asked| *asked == relation))
                .unwrap_or(self.relations.len()),
        }
    }
}

/// What every proposal passes through, once.
struct Sieve<'a, E, S> {
    marks: &'a Marks,
    rules: &'a Rules<'a>,
    terms: Option<Terms<'a>>,
    excluded: E,
    stock: S,
    seen: HashSet<ProductId>,
    room: Room<'a>,
    dropped: Vec<Dropped>,
}

impl<'a, E: Fn(&ProductId) -> bool, S: Fn(&ProductId) -> Availability> Sieve<'a, E, S> {
    fn pass(&mut self, offer: Offer) -> Option<Item> {
        match self.judge(&offer) {
            Ok(vouched) => {
                self.seen.insert(offer.product.clone());
                self.room.take(&offer, self.card(&offer.product));
                let adjusted = vouched.adjustment(self.rules.surface, self.rules.leads(&offer));
                Some(Item {
                    offer,
                    vouched,
                    adjusted,
                    explored: None,
                })
            }
            Err(reason) => {
                self.dropped.push(Dropped {
                    product: offer.product,
                    relation: offer.relation,
                    reason,
                });
                None
            }
        }
    }

    fn judge(&self, offer: &Offer) -> Result<Vouched, DropReason> {
        if (self.excluded)(&offer.product) {
            return Err(DropReason::ExcludedByRequest);
        }
        if self.marks.excludes(&offer.product, offer.relation) {
            return Err(DropReason::ExcludedByMerchant);
        }
        if let Some(terms) = &self.terms {
            terms.judge(self.rules.surface, &offer.product)?;
        }
        let state = (self.stock)(&offer.product);
        if state == Availability::Unknown && self.terms.is_some_and(|terms| terms.filter.in_stock_only) {
            return Err(DropReason::UnknownStock);
        }
        let vouched = vouch(state, self.rules.surface)?;
        if self.seen.contains(&offer.product) {
            return Err(DropReason::Duplicate);
        }
        self.room
            .judge(self.rules.surface, offer, self.card(&offer.product))?;
        Ok(vouched)
    }

    fn card(&self, product: &ProductId) -> Option<&'a ProductCard> {
        self.terms.and_then(|terms| terms.cards.get(product))
    }
}

/// A pin keeps what is known of the companion where it was learned.
fn pinned(pin: &Pin, offers: &[Offer]) -> Offer {
    let known = offers
        .iter()
        .find(|offer| offer.product == pin.product && pin.relation.is_none_or(|r| offer.relation == Some(r)));
    Offer {
        product: pin.product.clone(),
        relation: pin.relation.or_else(|| known.and_then(|offer| offer.relation)),
        score: known.map_or(0.0, |offer| offer.score),
        source: Source::Manual,
        generated: known.is_some_and(|offer| offer.generated),
    }
}

fn lined_up(offers: &[Offer], marks: &Marks, rules: &Rules<'_>) -> Vec<Offer> {
    let boosted = |offer: &Offer| Offer {
        score: offer.score * marks.factor(&offer.product, offer.relation),
        ..offer.clone()
    };
    let mut line: Vec<((usize, usize), Offer)> = offers
        .iter()
        .filter_map(|offer| {
            let step = rules.step(offer.source)?;
            let key = match rules.leads(offer) {
                true => (0, 0),
                false => (step + 1, rules.place(offer.relation)),
            };
            let offer = if rules.heeds_links() {
                boosted(offer)
            } else {
                offer.clone()
            };
            Some((key, offer))
        })
        .collect();
    line.extend(additions(offers, marks, rules));
    line.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| y.score.total_cmp(&x.score)));
    line.into_iter().map(|(_, offer)| offer).collect()
}

/// Boosted companions that nothing has learned: at the end of the learned step.
fn additions<'a>(
    offers: &'a [Offer],
    marks: &'a Marks,
    rules: &'a Rules<'_>,
) -> impl Iterator<Item = ((usize, usize), Offer)> + 'a {
    let learned = |product: &ProductId| {
        offers
            .iter()
            .any(|offer| offer.product == *product && offer.source != Source::Bestseller)
    };
    let manual = rules.step(Source::Manual);
    let step = rules.step(Source::Learned).or(manual);
    marks
        .boosts()
        .filter(move |(product, relation)| manual.is_some() && rules.serves(*relation) && !learned(product))
        .filter_map(move |(product, relation)| {
            let offer = Offer {
                product: product.clone(),
                relation,
                score: 0.0,
                source: Source::Manual,
                generated: false,
            };
            Some(((step? + 1, usize::MAX), offer))
        })
}

fn cut(mut items: Vec<Item>, mut dropped: Vec<Dropped>, window: Window) -> Overlaid {
    let end = window.offset.saturating_add(window.size).min(items.len());
    let below = items.split_off(end);
    let more = !below.is_empty();
    dropped.extend(below.into_iter().map(|item| Dropped {
        product: item.offer.product,
        relation: item.offer.relation,
        reason: DropReason::BelowLimit,
    }));
    items.drain(..window.offset.min(end));
    Overlaid { items, more, dropped }
}
