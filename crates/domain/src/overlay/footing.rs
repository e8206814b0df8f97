//! What stock lets a surface show, of a companion and around an anchor.

use super::{Adjustment, DropReason};
use crate::relation::Relation;
use crate::stock::{Availability, SellableCount, Supply};
use crate::surface::{Surface, holds};

/// What a surface may sell of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// Units that may be sold; none for unknown stock that the surface shows.
    pub sellable: SellableCount,
    /// How much is left; `None` for unknown stock.
    pub supply: Option<Supply>,
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
