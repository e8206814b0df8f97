//! What surfaces do when stock runs low.

use tandem_domain::catalog::StockPolicy;
use tandem_domain::edge::Source;
use tandem_domain::id::ProductId;
use tandem_domain::link::LinkEffect;
use tandem_domain::overlay::{Adjustment, DropReason, Footing, Marks, Offer, Rules, overlay, vouch};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Availability, PolicySet, SellableCount, Standing, Supply};
use tandem_domain::surface::{AnchorRules, CompanionRules, StockRules, Surface};

use crate::samples::{ALL, bestseller, link, marks, names, nobody, offer, plenty, rules, surface};

fn low(units: u64) -> Availability {
    let units = SellableCount::saturating(units);
    Availability::Known(Standing::new(units, Supply::Low, PolicySet::NONE))
}

fn when_low(stock: StockRules) -> Surface {
    Surface { stock, ..surface() }
}

#[test]
fn a_companion_that_runs_low_stands_behind_all_others_and_says_so() {
    let demote = CompanionRules {
        demote: Some(Supply::Low),
        ..CompanionRules::default()
    };
    let surface = when_low(StockRules {
        companion: demote,
        ..StockRules::default()
    });
    let offers = [
        offer("x", Relation::Together, 3.0),
        offer("y", Relation::Together, 2.0),
        bestseller("z", 1.0),
    ];
    let stock = |product: &ProductId| {
        if product.as_str() == "x" {
            low(2)
        } else {
            plenty(product)
        }
    };
    let relations = [Relation::Together];
    let rules = rules(&surface, &relations, ALL);
    let answer = overlay(&offers, &Marks::default(), &rules, nobody, stock);
    assert_eq!(names(&answer.items), ["y", "z", "x"]);
    let last = &answer.items[2];
    assert_eq!(
        (last.adjusted, last.vouched.supply),
        (Some(Adjustment::Demoted), Some(Supply::Low))
    );
    let pinned = marks(vec![link("x", LinkEffect::Pin { position: 1 })]);
    let answer = overlay(&offers, &pinned, &rules, nobody, stock);
    assert_eq!(names(&answer.items), ["x", "y", "z"], "a merchant's pin stays");
    assert_eq!(answer.items[0].adjusted, None);
}

#[test]
fn a_companion_that_runs_low_is_dropped_with_its_reason() {
    let drop = CompanionRules {
        drop: Some(Supply::Low),
        ..CompanionRules::default()
    };
    let surface = when_low(StockRules {
        companion: drop,
        ..StockRules::default()
    });
    let offers = [
        offer("x", Relation::Together, 3.0),
        offer("y", Relation::Together, 2.0),
    ];
    let stock = |product: &ProductId| {
        if product.as_str() == "x" {
            low(2)
        } else {
            plenty(product)
        }
    };
    let relations = [Relation::Together];
    let answer = overlay(
        &offers,
        &Marks::default(),
        &rules(&surface, &relations, ALL),
        nobody,
        stock,
    );
    assert_eq!(names(&answer.items), ["y"]);
    assert_eq!(answer.dropped[0].reason, DropReason::LowStock);
}

#[test]
fn substitutes_lead_whatever_step_they_come_from_when_the_anchor_runs_low() {
    let anchor = AnchorRules {
        lead_with_substitutes: Some(Supply::Low),
        hide: Some(Supply::Out),
        ..AnchorRules::default()
    };
    let surface = when_low(StockRules {
        anchor,
        ..StockRules::default()
    });
    let footing = Footing::of(low(3), &surface);
    assert_eq!(
        (footing.lead, footing.hidden),
        (Some(Relation::Substitute), false)
    );
    assert_eq!(
        Footing::of(Availability::of(SellableCount::MANY), &surface).lead,
        None
    );
    assert_eq!(
        Footing::of(Availability::Unknown, &surface).lead,
        None,
        "nothing is known"
    );
    assert!(Footing::of(Availability::of(SellableCount::NONE), &surface).hidden);
    let cold = Offer {
        source: Source::Attribute,
        ..offer("s", Relation::Substitute, 0.1)
    };
    let offers = [offer("x", Relation::Together, 3.0), cold];
    let relations = [Relation::Together];
    let rules = Rules {
        lead: footing.lead,
        ..rules(&surface, &relations, ALL)
    };
    let answer = overlay(&offers, &Marks::default(), &rules, nobody, plenty);
    assert_eq!(names(&answer.items), ["s", "x"]);
    assert_eq!(answer.items[0].adjusted, Some(Adjustment::Leads));
    let held = answer.held_back(DropReason::AnchorLow);
    assert!(
        held.items.is_empty()
            && held
                .dropped
                .iter()
                .all(|dropped| dropped.reason == DropReason::AnchorLow)
    );
}

#[test]
fn a_surface_shows_what_it_counts() {
    let only_now = PolicySet::of(StockPolicy::Tracked);
    let surface = when_low(StockRules {
        counts: only_now,
        ..StockRules::default()
    });
    let later = Standing::new(
        SellableCount::NONE,
        Supply::Out,
        PolicySet::of(StockPolicy::PreOrder),
    );
    let later = Availability::Known(later);
    assert_eq!(vouch(later, &surface), Err(DropReason::OutOfStock));
    let everywhere = vouch(later, &when_low(StockRules::default())).expect("a pre-order");
    assert_eq!(everywhere.sellable, SellableCount::MANY);
}
