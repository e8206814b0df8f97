//! The place at which a surface tries who has not earned it.

use std::collections::HashSet;

use tandem_domain::link::LinkEffect;
use tandem_domain::overlay::{Deal, Explore, Marks, Overlaid, Rules, overlay};
use tandem_domain::relation::Relation;

use crate::samples::{ALL, bestseller, link, marks, names, nobody, offer, product, rules, sold_out, surface};

#[test]
fn one_place_is_dealt_among_the_learned_companions_from_there_on() {
    let surface = surface();
    let offers = [
        offer("a", Relation::Together, 5.0),
        offer("b", Relation::Together, 4.0),
        offer("gone", Relation::Together, 3.0),
        offer("c", Relation::Together, 2.0),
        offer("d", Relation::Together, 1.0),
        bestseller("z", 1.0),
    ];
    let (relations, anchor) = ([Relation::Together], product("anchor"));
    let list = |at: u32, shopper: &str, marks: &Marks| {
        let deal = Deal {
            shopper,
            day: 20_000,
            anchor: &anchor,
        };
        let rules = Rules {
            attach: None,
            explore: Some(Explore { at, deal }),
            ..rules(&surface, &relations, ALL)
        };
        overlay(&offers, marks, &rules, nobody, sold_out(&["gone"]))
    };
    let none = Marks::default();
    let mut dealt = HashSet::new();
    for shopper in 0..40 {
        let answer = list(2, &shopper.to_string(), &none);
        let shown = names(&answer.items);
        assert_eq!((shown[0], shown[4]), ("a", "z"));
        let explored: Vec<_> = answer.items.iter().map(|item| item.explored).collect();
        assert_eq!(explored, [None, Some(3), None, None, None]);
        let others: Vec<&str> = shown[2..4].to_vec();
        assert!(others.is_sorted(), "the others keep their order: {shown:?}");
        dealt.insert(shown[1].to_owned());
    }
    assert_eq!(dealt, ["b", "c", "d"].map(str::to_owned).into());
    let nothing = |answer: &Overlaid| answer.items.iter().all(|item| item.explored.is_none());
    assert!(
        nothing(&list(4, "somebody", &none)),
        "nobody else could stand there"
    );
    assert!(nothing(&list(5, "somebody", &none)), "a bestseller's place");
    assert!(nothing(&list(50, "somebody", &none)), "behind the list");
    let pinned = marks(vec![link("d", LinkEffect::Pin { position: 2 })]);
    let answer = list(2, "somebody", &pinned);
    assert_eq!(names(&answer.items), ["a", "d", "b", "c", "z"]);
    assert!(nothing(&answer), "a merchant's place");
}
