//! Companions of products: what the graph proposes, overlaid with what is true now.

mod basket;
mod detail;
mod explain;
mod fallback;
mod gather;
mod kept;
mod kept_basket;
mod lens;
mod list;
mod votes;

use std::collections::HashSet;
use std::sync::Arc;

use tandem_domain::clock::SharedClock;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Attach, Deal, DropReason, Explore, Filter, Footing, Overlaid, Window};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Availability, Pool, Supply};
use tandem_domain::surface::{AttachRules, Surface};

pub(crate) use detail::Detail;
pub(crate) use explain::{Explanation, FoundEdge, Row, Verdict};
use gather::Anchor;
use kept::UnderWay;
pub(crate) use kept::Want;
pub(crate) use kept_basket::KeptBasket;
pub(crate) use lens::Shopper;
pub(crate) use list::Answer;

use crate::availability::Reading;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::near::Near;
use crate::read::Reader;

/// Which relations are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Relations {
    /// Those of the surface, with the whole chain behind them.
    OfSurface,
    /// Those that the caller names and nothing else: who asks for substitutes wants no bestsellers.
    Named(Vec<Relation>),
}

impl Relations {
    fn listed<'a>(&'a self, surface: &'a Surface) -> &'a [Relation] {
        match self {
            Self::OfSurface => &surface.relations,
            Self::Named(relations) => relations,
        }
    }
}

/// How much of each item is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What ranks it.
    Basic,
    /// Its card and evidence too.
    Full,
}

/// What is asked of every list.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The serving configuration.
    pub(crate) surface: Arc<Surface>,
    /// Which relations.
    pub(crate) relations: Relations,
    /// Products that are not to be shown.
    pub(crate) excluded: HashSet<ProductId>,
    /// The page.
    pub(crate) window: Window,
    /// How much of each item.
    pub(crate) depth: Depth,
    /// What companions must be like.
    pub(crate) filter: Filter,
    /// Whose rank it is.
    pub(crate) shopper: Shopper,
    /// The pool to sell from besides the normal one.
    pub(crate) pool: Option<Pool>,
}

impl Ask {
    /// Whether the answer is what the chain proposes, less what is excluded or cannot be bought. Only such answers are
    /// kept: everything else hangs on the cards of companions, whose changes are not announced to those who keep the
    /// lists they stand in, or on a shopper, of whom there are too many.
    pub(crate) fn is_plain(&self) -> bool {
        let tries = self.surface.feedback.explore_at.is_some() && self.shopper.id.is_some();
        let attaches = self.attach_rules().is_some();
        self.surface.is_plain() && self.filter.is_open() && self.shopper.is_unknown() && !tries && !attaches
    }

    /// What is attached to bestsellers, if anything is. Who names relations gets those as they are ranked.
    fn attach_rules(&self) -> Option<&AttachRules> {
        let rules = Some(&self.surface.attach);
        rules.filter(|rules| rules.every().is_some() && self.relations == Relations::OfSurface)
    }

    /// What is attached to an anchor on this day; nothing to one that runs low.
    fn attach<'a>(&'a self, day: i32, anchor: &'a Anchor, footing: Footing) -> Option<Attach<'a>> {
        let has_enough = matches!(footing.supply, None | Some(Supply::Plenty));
        let rules = self.attach_rules().filter(|_| has_enough)?;
        Some(Attach {
            rules,
            paces: &anchor.lists.paces,
            today: day,
        })
    }

    /// What is tried in the list of an anchor on this day, if this surface tries anything on this shopper.
    fn explore<'a>(&'a self, day: i32, anchor: &'a ProductId) -> Option<Explore<'a>> {
        let (at, shopper) = self.surface.feedback.explore_at.zip(self.shopper.id.as_deref())?;
        let deal = Deal { shopper, day, anchor };
        Some(Explore { at, deal })
    }

    fn needs_cards(&self) -> bool {
        self.surface.asks_of_cards() || self.filter.asks_of_cards() || !self.shopper.is_unknown()
    }

    /// What can be bought, for one answer.
    pub(crate) fn stock(&self, market: &Market) -> Reading {
        market.shelf().reading(&self.surface.stock, self.pool.as_ref())
    }

    /// What the anchor's stock does to its list. Who names relations gets those, whatever the anchor's stock.
    pub(crate) fn footing(&self, anchor: Availability) -> Footing {
        let footing = Footing::of(anchor, &self.surface);
        Footing {
            lead: footing.lead.filter(|_| self.relations == Relations::OfSurface),
            ..footing
        }
    }

    /// What leads the list of an anchor that runs low, where the surface has it so.
    fn may_lead(&self) -> Option<Relation> {
        let asked = self.surface.stock.anchor.lead_with_substitutes.is_some();
        (asked && self.relations == Relations::OfSurface).then_some(Relation::Substitute)
    }
}

/// Answers RelatedProducts.
#[derive(Clone)]
pub(crate) struct Related {
    reader: Reader,
    clock: SharedClock,
    near: Option<Near>,
    under_way: Arc<UnderWay>,
}

impl Related {
    /// Reads through `reader` what `near` does not keep; the validity windows of links are judged by `clock`.
    #[must_use]
    pub(crate) fn new(reader: Reader, clock: SharedClock, near: Option<Near>) -> Self {
        Self {
            reader,
            clock,
            near,
            under_way: Arc::default(),
        }
    }
}

/// How far the view of stock can be trusted for a surface's lists.
pub(crate) fn freshness(market: &Market, surface: &Surface) -> Freshness {
    Freshness::judge(market.stock_age(), surface.max_stock_age(), surface.stale_lists)
}

fn held_back(answer: Overlaid, freshness: Freshness, footing: Footing) -> Overlaid {
    if freshness.suppressed {
        answer.withheld()
    } else if footing.hidden {
        answer.held_back(DropReason::AnchorLow)
    } else {
        answer
    }
}
