//! The order of an answer, and what is left out of it.

use tandem_domain::id::ProductId;
use tandem_domain::link::LinkEffect;
use tandem_domain::overlay::{DropReason, Marks, Vouched, Window, overlay, vouch};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Availability, SellableCount};

use crate::samples::{
    ALL, RELATIONS, ids, link, lists, marks, nobody, plenty, reason, rules, sold_out, surface,
};

#[test]
fn relations_follow_each_other_as_asked_and_the_fallback_follows_them() {
    let surface = surface();
    let answer = overlay(
        &lists(),
        &Marks::default(),
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["c1", "c2", "c3", "t1", "b1"]);
    assert_eq!(
        reason(&answer, "t1"),
        Some(DropReason::Duplicate),
        "as a bestseller"
    );
    assert!(!answer.more);
    let swapped = [Relation::Together, Relation::Complement];
    let answer = overlay(
        &lists(),
        &Marks::default(),
        &rules(&surface, &swapped, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["t1", "c1", "c2", "c3", "b1"]);
}

#[test]
fn a_sold_out_companion_is_replaced_by_the_next_and_returns_with_its_stock() {
    let surface = surface();
    let rules = rules(&surface, &RELATIONS, Window { offset: 0, size: 2 });
    let before = overlay(&lists(), &Marks::default(), &rules, nobody, plenty);
    assert_eq!(ids(&before), ["c1", "c2"]);
    assert!(before.more);
    assert_eq!(reason(&before, "c3"), Some(DropReason::BelowLimit));
    let without = overlay(&lists(), &Marks::default(), &rules, nobody, sold_out(&["c1"]));
    assert_eq!(ids(&without), ["c2", "c3"]);
    assert_eq!(reason(&without, "c1"), Some(DropReason::OutOfStock));
    assert_eq!(
        overlay(&lists(), &Marks::default(), &rules, nobody, plenty),
        before
    );
}

#[test]
fn a_withheld_answer_says_so_of_every_item() {
    let surface = surface();
    let rules = rules(&surface, &RELATIONS, Window { offset: 0, size: 2 });
    let answer = overlay(&lists(), &Marks::default(), &rules, nobody, plenty).withheld();
    assert!(answer.items.is_empty() && !answer.more);
    assert_eq!(reason(&answer, "c2"), Some(DropReason::StaleStock));
    assert_eq!(reason(&answer, "c3"), Some(DropReason::BelowLimit));
}

#[test]
fn every_hard_filter_names_itself() {
    let surface = surface();
    let states = |product: &ProductId| match product.as_str() {
        "c1" => Availability::Unknown,
        "c2" => Availability::Delisted,
        _ => Availability::of(SellableCount::MANY),
    };
    let unwanted = |product: &ProductId| product.as_str() == "c3";
    let marks = marks(vec![link("b1", LinkEffect::Exclude)]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        unwanted,
        states,
    );
    assert_eq!(ids(&answer), ["t1"]);
    assert_eq!(reason(&answer, "c1"), Some(DropReason::UnknownStock));
    assert_eq!(reason(&answer, "c2"), Some(DropReason::Delisted));
    assert_eq!(reason(&answer, "c3"), Some(DropReason::ExcludedByRequest));
    assert_eq!(reason(&answer, "b1"), Some(DropReason::ExcludedByMerchant));
}

#[test]
fn a_surface_may_show_unknown_stock_but_no_count_of_it() {
    let mut surface = surface();
    assert_eq!(
        vouch(Availability::Unknown, &surface),
        Err(DropReason::UnknownStock)
    );
    surface.show_unknown_stock = true;
    assert_eq!(
        vouch(Availability::Unknown, &surface),
        Ok(Vouched {
            sellable: SellableCount::NONE,
            supply: None
        })
    );
    let none_left = Availability::of(SellableCount::NONE);
    assert_eq!(vouch(none_left, &surface), Err(DropReason::OutOfStock));
}
