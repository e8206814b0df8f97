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

mod answer;
mod attach;
mod basket;
mod explore;
mod footing;
mod line;
mod marks;
mod personal;
mod proposal;
mod reason;
mod rules;
mod sieve;
mod terms;

pub use answer::{Adjustment, Dropped, Item, Named, Offer, Overlaid};
pub use attach::Attach;
pub use basket::{Ballot, RECENCY, Ranked, Slate, fuse, recency_weight};
pub use explore::{Deal, Explore};
pub use footing::{Footing, Vouched, sells, supply_of, vouch};
pub use line::{Line, arrange};
pub use marks::{Marks, Pin, Span};
pub use personal::{Recent, Segment, Taste, personalise};
use proposal::{lined_up, pinned};
pub use reason::DropReason;
pub use rules::{Order, Rules, Window};
use sieve::Sieve;
pub use terms::{Cards, Filter, Terms};

use crate::id::ProductId;
use crate::stock::Availability;

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
    let mut sieve = Sieve::new(marks, rules, excluded, stock);
    let pins: Vec<(u32, Item)> = rules
        .served_pins(marks)
        .filter_map(|pin| Some((pin.position, in_place(sieve.pass(pinned(pin, offers))?))))
        .collect();
    let mut items: Vec<Item> = lined_up(offers.to_vec(), marks, rules)
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
    cut(items, sieve.dropped, rules.window)
}

/// A merchant's pin stands where it was put, whatever stock would do.
fn in_place(item: Item) -> Item {
    Item {
        adjusted: None,
        ..item
    }
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
