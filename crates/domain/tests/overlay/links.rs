//! What merchants' links do to an answer.

use tandem_domain::clock::Timestamp;
use tandem_domain::edge::Source;
use tandem_domain::id::SurfaceId;
use tandem_domain::link::{Link, LinkEffect};
use tandem_domain::overlay::{Marks, overlay};
use tandem_domain::relation::Relation;

use crate::samples::{
    ALL, NOW, RELATIONS, ids, link, links, lists, marks, nobody, plenty, rules, sold_out, surface,
};

#[test]
fn a_pin_stands_at_its_place_ahead_of_what_was_learned() {
    let surface = surface();
    let marks = marks(vec![
        link("c3", LinkEffect::Pin { position: 1 }),
        link("new", LinkEffect::Pin { position: 3 }),
    ]);
    let rules = rules(&surface, &RELATIONS, ALL);
    let answer = overlay(&lists(), &marks, &rules, nobody, plenty);
    assert_eq!(ids(&answer), ["c3", "c1", "new", "c2", "t1", "b1"]);
    let pinned = &answer.items[0].offer;
    assert_eq!(
        (pinned.source, pinned.relation),
        (Source::Manual, Some(Relation::Complement))
    );
    let answer = overlay(&lists(), &marks, &rules, nobody, sold_out(&["c3"]));
    assert_eq!(
        ids(&answer),
        ["c1", "c2", "new", "t1", "b1"],
        "a pin is no promise of stock"
    );
}

#[test]
fn pins_at_one_position_follow_each_other_and_a_far_one_stands_last() {
    let surface = surface();
    let marks = marks(vec![
        link("x", LinkEffect::Pin { position: 2 }),
        link("y", LinkEffect::Pin { position: 2 }),
        link("z", LinkEffect::Pin { position: 99 }),
    ]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["c1", "x", "y", "c2", "c3", "t1", "b1", "z"]);
}

#[test]
fn an_exclusion_outranks_a_pin_and_a_boost() {
    let surface = surface();
    let marks = marks(vec![
        link("c1", LinkEffect::Pin { position: 1 }),
        link("c1", LinkEffect::Boost { factor: 100.0 }),
        link("c1", LinkEffect::Exclude),
    ]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["c2", "c3", "t1", "b1"]);
}

#[test]
fn boost_and_bury_move_inside_a_relation_and_a_boost_adds_at_the_end_of_the_learned() {
    let surface = surface();
    let marks = marks(vec![
        link("c3", LinkEffect::Boost { factor: 2.0 }),
        link("c1", LinkEffect::Bury { factor: 0.1 }),
        link("new", LinkEffect::Boost { factor: 2.0 }),
        link("never", LinkEffect::Bury { factor: 0.5 }),
    ]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["c3", "c2", "c1", "t1", "new", "b1"]);
    let added = answer
        .items
        .iter()
        .find(|item| item.offer.product.as_str() == "new")
        .unwrap();
    assert_eq!(added.offer.source, Source::Manual);
}

#[test]
fn a_link_holds_in_its_relation_on_its_surface_in_its_window_and_while_it_lives() {
    let holds = |change: fn(&mut Link)| {
        let mut links = links(vec![link("c1", LinkEffect::Exclude)]);
        change(&mut links.links[0]);
        let marks = Marks::of(&links, &surface().id, NOW);
        marks.excludes("c1", Some(Relation::Complement))
    };
    assert!(holds(|_| {}));
    assert!(holds(|link| link.input.relation = Some(Relation::Complement)));
    assert!(!holds(|link| link.input.relation = Some(Relation::Together)));
    assert!(holds(
        |link| link.input.surface = Some(SurfaceId::new("detail_page").unwrap())
    ));
    assert!(!holds(
        |link| link.input.surface = Some(SurfaceId::new("cart").unwrap())
    ));
    assert!(holds(|link| link.input.valid_from = Some(NOW)));
    assert!(!holds(
        |link| link.input.valid_from = Some(Timestamp::from_ms(1_001))
    ));
    assert!(holds(
        |link| link.input.valid_until = Some(Timestamp::from_ms(1_001))
    ));
    assert!(
        !holds(|link| link.input.valid_until = Some(NOW)),
        "the end is exclusive"
    );
    assert!(!holds(|link| link.deleted = Some(NOW)));
}

#[test]
fn a_chain_without_a_manual_step_obeys_exclusions_alone() {
    let mut surface = surface();
    surface.fallback = vec![Source::Learned];
    let marks = marks(vec![
        link("c3", LinkEffect::Pin { position: 1 }),
        link("c2", LinkEffect::Boost { factor: 9.0 }),
        link("t1", LinkEffect::Exclude),
    ]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(
        ids(&answer),
        ["c1", "c2", "c3"],
        "and bestsellers are no step of it"
    );
}
