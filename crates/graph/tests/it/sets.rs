use tandem_domain::event::EventKind::{Purchase, View};
use tandem_graph::ProductFacts;

use crate::market::{anchor, built, priced, repeated};

fn shop() -> Vec<ProductFacts> {
    vec![
        priced("phone", "phone", 50_000),
        priced("case-a", "case", 2_000),
        priced("case-b", "case", 2_200),
        priced("case-c", "case", 2_400),
        priced("cable", "cable", 1_000),
        priced("charger", "charger", 3_000),
        priced("stand", "stand", 2_500),
    ]
}

#[test]
fn a_set_has_two_to_four_companions_with_distinct_roles_and_says_how_often_it_was_bought() {
    let mut all = repeated(Purchase, "kit", 8, &["phone", "case-a", "cable", "charger"]);
    all.extend(repeated(Purchase, "b", 3, &["phone", "case-b"]));
    all.extend(repeated(Purchase, "lone", 20, &["stand"]));
    let build = built(shop(), &all);
    let bundles = &anchor(&build, "phone").unwrap().bundles;
    let best = &bundles[0];
    let members: Vec<&str> = best
        .members
        .iter()
        .map(|member| member.product.as_str())
        .collect();
    let roles: Vec<&str> = best.members.iter().map(|member| member.role.as_str()).collect();
    assert_eq!((best.support, best.anchor_count, best.generated), (8, 11, false));
    assert_eq!(members.len(), 3, "{members:?}");
    assert!(
        ["case", "cable", "charger"]
            .iter()
            .all(|role| roles.contains(role)),
        "{roles:?}"
    );
    assert!(members.contains(&"case-a"), "{members:?}");
    let case = best.members.iter().find(|member| member.role == "case").unwrap();
    assert_eq!(case.support, 8);
    let alternates: Vec<&str> = case.alternates.iter().map(|id| id.as_str()).collect();
    assert_eq!(
        alternates,
        ["case-b", "case-c"],
        "a learned one, then a popular one of its leaf"
    );
}

#[test]
fn sets_seen_in_real_orders_rank_above_sets_only_inferred() {
    let mut all = repeated(Purchase, "ab", 3, &["phone", "case-a", "stand"]);
    // Better liked one by one, never seen as a set.
    all.extend(repeated(Purchase, "c", 30, &["phone", "cable"]));
    all.extend(repeated(Purchase, "d", 30, &["phone", "charger"]));
    let build = built(shop(), &all);
    let bundles = &anchor(&build, "phone").unwrap().bundles;
    assert!(bundles[0].support > 0);
    let supports: Vec<bool> = bundles.iter().map(|bundle| bundle.support > 0).collect();
    assert!(supports.is_sorted_by(|a, b| a >= b), "{supports:?}");
    assert!(
        bundles.iter().any(|bundle| bundle.support == 0),
        "cable and charger are inferred"
    );
}

#[test]
fn one_feasible_companion_is_no_set() {
    let mut all = repeated(Purchase, "o", 9, &["phone", "case-a", "case-b", "case-c"]);
    all.extend(repeated(Purchase, "lone", 40, &["stand"]));
    let build = built(shop(), &all);
    assert!(anchor(&build, "phone").unwrap().bundles.is_empty());
}

#[test]
fn without_categories_every_product_is_its_own_role_unless_shoppers_compare_the_two() {
    let mut all = repeated(Purchase, "o", 9, &["phone", "case", "cable"]);
    all.extend(repeated(Purchase, "lone", 40, &["stand"]));
    let build = built(vec![], &all);
    let bundles = &anchor(&build, "phone").unwrap().bundles;
    let mut roles: Vec<&str> = bundles[0]
        .members
        .iter()
        .map(|member| member.role.as_str())
        .collect();
    roles.sort_unstable();
    assert_eq!(roles, ["cable", "case"]);

    let mut all = repeated(Purchase, "x", 9, &["phone", "red"]);
    all.extend(repeated(Purchase, "y", 9, &["phone", "blue"]));
    all.extend(repeated(Purchase, "lone", 40, &["stand"]));
    assert!(!anchor(&built(vec![], &all), "phone").unwrap().bundles.is_empty());
    all.extend(repeated(View, "v", 30, &["red", "phone", "blue"]));
    all.extend(repeated(View, "w", 900, &["stand"]));
    let build = built(vec![], &all);
    let sets = anchor(&build, "phone").map_or(0, |anchor| anchor.bundles.len());
    assert_eq!(sets, 0, "red and blue are two of a kind");
}
