use tandem_domain::edge::Source;
use tandem_domain::event::EventKind::Purchase;
use tandem_domain::relation::Relation::Complement;
use tandem_graph::{EpochRecord, Params};

use crate::market::{built, built_with, companions, edge, facts, list, priced, repeated};
use crate::rules::{RELATED, rule};

#[test]
fn a_band_learned_from_orders_keeps_a_bargain_from_a_luxury() {
    let catalogue = vec![
        priced("cream", "cream", 3_000),
        priced("luxury-cream", "cream", 90_000),
        priced("cleanser", "cleanser", 1_500),
        priced("luxury-cleanser", "cleanser", 40_000),
        priced("pen", "pen", 100),
    ];
    let mut all = repeated(Purchase, "usual", 40, &["cream", "cleanser"]);
    all.extend(repeated(
        Purchase,
        "luxury",
        6,
        &["luxury-cream", "luxury-cleanser"],
    ));
    all.extend(repeated(Purchase, "odd", 2, &["luxury-cream", "cleanser"]));
    all.extend(repeated(Purchase, "pen", 60, &["pen"]));
    let build = built(catalogue, &all);
    assert_eq!(
        companions(&build, "luxury-cream", Complement),
        ["luxury-cleanser"]
    );
    assert!(list(&build, "luxury-cream", Complement).unwrap().refused.price >= 1);
    assert_eq!(companions(&build, "cream", Complement)[0], "cleanser");
}

#[test]
fn somebody_may_say_that_two_categories_go_together() {
    let catalogue = || {
        vec![
            priced("kettle", "kettle", 3_000),
            priced("tea", "tea", 500),
            priced("pen", "pen", 400),
        ]
    };
    let all = repeated(Purchase, "tea", 3, &["tea"]);
    assert!(companions(&built(catalogue(), &all), "kettle", Complement).is_empty());
    let params = Params::default().with_rules(vec![rule(None, "kettle", "tea", RELATED)]);
    let build = built_with(&params, catalogue(), &all);
    assert_eq!(companions(&build, "kettle", Complement), ["tea"]);
    assert_eq!(
        edge(&build, "kettle", Complement, "tea").unwrap().source,
        Source::Attribute
    );
    assert!(
        companions(&build, "tea", Complement).is_empty(),
        "the way back was not said"
    );
}

#[test]
fn a_leaf_over_its_cap_lets_others_go_first_and_loses_nobody() {
    let mut catalogue = vec![priced("phone", "phone", 50_000), priced("cable", "cable", 2_000)];
    let cases: Vec<String> = (0..5).map(|n| format!("case-{n}")).collect();
    catalogue.extend(cases.iter().map(|id| priced(id, "case", 2_000)));
    catalogue.push(priced("soap", "soap", 100));
    let mut all = repeated(Purchase, "soap", 60, &["soap"]);
    for case in &cases {
        all.extend(repeated(Purchase, case, 9, &["phone", case]));
    }
    all.extend(repeated(Purchase, "cable", 4, &["phone", "cable"]));
    assert_eq!(
        companions(&built(catalogue.clone(), &all), "phone", Complement)[5],
        "cable"
    );
    let mut params = Params::default();
    params.diversity.per_leaf = 2;
    let build = built_with(&params, catalogue, &all);
    let found = companions(&build, "phone", Complement);
    assert_eq!((found.len(), found[2]), (6, "cable"), "{found:?}");
    let scores: Vec<f32> = list(&build, "phone", Complement)
        .unwrap()
        .edges
        .iter()
        .map(|edge| edge.score)
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
}

#[test]
fn the_record_says_what_there_was_to_go_by() {
    let facts = facts(vec![], &repeated(Purchase, "o", 3, &["a", "b"]));
    let known = EpochRecord::freeze(&facts, &Params::default()).known();
    assert!(known.purchases && !known.categories && !known.views && !known.prices);
}
