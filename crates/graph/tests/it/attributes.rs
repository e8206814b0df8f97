use tandem_domain::edge::{Signal, Source};
use tandem_domain::event::EventKind::{Cart, Click, Like, Purchase, Return, View};
use tandem_domain::relation::Relation::{Complement, Series, Substitute, Upsell};
use tandem_graph::signals::{IndexGate, Input, PriceFit};
use tandem_graph::{Params, ProductFacts};

use crate::market::{
    Happening, baskets, built, built_with, companions, edge, happening, list, of_series, priced, product,
    repeated,
};

fn shop() -> Vec<ProductFacts> {
    vec![
        priced("phone-a", "phone", 50_000),
        priced("phone-b", "phone", 52_000),
        priced("phone-c", "phone", 70_000),
        priced("case-a", "case", 2_000),
        priced("case-b", "case", 2_500),
        priced("cable", "cable", 1_000),
        priced("soap", "soap", 300),
    ]
}

/// Phones are compared with each other and bought with cases.
fn history() -> Vec<Happening> {
    let mut all = repeated(View, "look", 12, &["phone-a", "phone-b", "phone-c"]);
    all.extend(repeated(View, "single", 20, &["case-a"]));
    all.extend(repeated(View, "cable", 20, &["cable"]));
    all.extend(repeated(Purchase, "kit", 6, &["phone-a", "case-a"]));
    all.extend(repeated(Purchase, "wire", 4, &["phone-a", "cable"]));
    all.extend(repeated(Purchase, "wash", 30, &["soap"]));
    all
}

#[test]
fn a_phone_is_completed_by_its_case_and_not_by_another_phone() {
    let mut all = history();
    all.extend(repeated(Purchase, "two", 5, &["phone-a", "phone-b"]));
    let build = built(shop(), &all);
    let found = companions(&build, "phone-a", Complement);
    assert_eq!(found[..2], ["case-a", "cable"]);
    assert!(!found.contains(&"phone-b"), "same leaf");
    let case = edge(&build, "phone-a", Complement, "case-a").unwrap();
    assert_eq!(
        (case.source, case.evidence.signal, case.evidence.support),
        (Source::Learned, Signal::CoPurchase, 6)
    );
    assert!(list(&build, "phone-a", Complement).unwrap().refused.category >= 1);
}

#[test]
fn what_is_rather_viewed_than_bought_together_is_no_complement() {
    let mut all = history();
    assert!(edge(&built(shop(), &all), "phone-a", Complement, "case-a").is_some());
    all.extend(repeated(View, "both", 200, &["phone-a", "case-a"]));
    all.extend(repeated(View, "none", 2000, &["soap"]));
    let build = built(shop(), &all);
    assert!(edge(&build, "phone-a", Complement, "case-a").is_none());
    assert!(list(&build, "phone-a", Complement).unwrap().refused.relation >= 1);
}

#[test]
fn substitutes_are_looked_at_together_at_a_like_price() {
    let mut catalogue = shop();
    catalogue.push(priced("phone-z", "phone", 200_000));
    let mut all = history();
    all.extend(repeated(View, "dear", 9, &["phone-a", "phone-z"]));
    all.extend(repeated(View, "none", 100, &["soap"]));
    let build = built(catalogue, &all);
    let found = companions(&build, "phone-a", Substitute);
    assert_eq!(found[0], "phone-b", "nearest in price");
    assert!(!found.contains(&"phone-z") && !found.contains(&"case-a"));
    let edge = edge(&build, "phone-a", Substitute, "phone-b").unwrap();
    assert_eq!(
        (edge.source, edge.evidence.signal, edge.evidence.support),
        (Source::Learned, Signal::CoView, 12)
    );
    assert!(list(&build, "phone-a", Substitute).unwrap().refused.price >= 1);
}

#[test]
fn an_upsell_is_somewhat_dearer_and_was_bought_after_the_anchor_was_viewed() {
    let mut all = Vec::new();
    for n in 0..5 {
        for (kind, product, step) in [(View, "phone-a", 0), (Purchase, "phone-c", 1)] {
            let mut one = happening(kind, &format!("g{n}-{step}"), product);
            one.user = Some(format!("u{n}"));
            one.time_ms += step * 60_000;
            all.push(one);
        }
    }
    let build = built(shop(), &all);
    let edge = edge(&build, "phone-a", Upsell, "phone-c").unwrap();
    assert_eq!(
        (edge.evidence.signal, edge.evidence.support),
        (Signal::ViewedThenBought, 5)
    );
    assert!(
        !companions(&build, "phone-a", Upsell).contains(&"phone-b"),
        "1.04 times the price is no upsell"
    );
    assert!(
        companions(&build, "phone-c", Upsell).is_empty(),
        "nothing is dearer"
    );
}

#[test]
fn an_upsell_is_neither_worse_nor_sent_back_more_often() {
    let mut catalogue = shop();
    catalogue[0].quality = Some(0.8);
    catalogue[2].quality = Some(0.7);
    let build = built(catalogue.clone(), &history());
    assert!(!companions(&build, "phone-a", Upsell).contains(&"phone-c"));
    catalogue[2].quality = Some(0.9);
    let build = built(catalogue.clone(), &history());
    assert!(companions(&build, "phone-a", Upsell).contains(&"phone-c"));
    let mut all = history();
    all.extend(repeated(Purchase, "c", 10, &["phone-c"]));
    all.extend((0..9).map(|n| happening(Return, &format!("c{n}"), "phone-c")));
    let build = built(catalogue, &all);
    assert!(!companions(&build, "phone-a", Upsell).contains(&"phone-c"));
}

#[test]
fn series_and_brand_exist_before_anything_happens_and_series_come_first() {
    let catalogue = vec![
        of_series(priced("mini", "phone", 40_000), "acme", Some("nova")),
        of_series(priced("max", "phone", 90_000), "acme", Some("nova")),
        of_series(priced("dock", "dock", 5_000), "acme", None),
        of_series(priced("other", "phone", 41_000), "zeta", None),
    ];
    let build = built(catalogue, &[]);
    assert_eq!(companions(&build, "mini", Series), ["max", "dock"]);
    let edge = edge(&build, "mini", Series, "max").unwrap();
    assert_eq!(
        (edge.source, edge.evidence.signal, edge.evidence.support),
        (Source::Attribute, Signal::Attributes, 0)
    );
}

#[test]
fn behaviour_never_lifts_a_brand_above_a_series() {
    let catalogue = vec![
        of_series(product("mini"), "acme", Some("nova")),
        of_series(product("max"), "acme", Some("nova")),
        of_series(product("dock"), "acme", None),
    ];
    let mut all = repeated(Purchase, "o", 50, &["mini", "dock"]);
    all.extend(repeated(View, "v", 50, &["mini", "dock"]));
    assert_eq!(
        companions(&built(catalogue, &all), "mini", Series),
        ["max", "dock"]
    );
}

#[test]
fn a_new_product_has_companions_by_the_habits_of_its_category() {
    let mut catalogue = shop();
    catalogue.push(priced("phone-new", "phone", 50_500));
    let mut all = history();
    all.extend(repeated(Cart, "c", 3, &["phone-b", "case-b"]));
    let build = built(catalogue, &all);
    let found = companions(&build, "phone-new", Complement);
    assert_eq!(found[0], "case-a");
    let case = edge(&build, "phone-new", Complement, "case-a").unwrap();
    assert_eq!(
        (case.source, case.evidence.signal),
        (Source::Attribute, Signal::Attributes)
    );
    // The largest share that is proposed counts whole, at the weight of shares; half of it, since nobody viewed the pair.
    assert_eq!(case.score, 0.7 * 0.5);
    assert!(!found.contains(&"soap"), "no related category");
    assert_eq!(
        companions(&build, "phone-new", Substitute)[0],
        "phone-a",
        "alike and popular"
    );
    assert_eq!(
        edge(&build, "phone-new", Substitute, "phone-a").unwrap().source,
        Source::Attribute
    );
}

#[test]
fn carts_make_complements_too() {
    let build = built(
        shop(),
        &[history(), repeated(Cart, "c", 5, &["phone-b", "case-b"])].concat(),
    );
    let edge = edge(&build, "phone-b", Complement, "case-b").unwrap();
    assert_eq!(
        (edge.source, edge.evidence.signal, edge.evidence.support),
        (Source::Learned, Signal::CoCart, 5)
    );
}

#[test]
fn acting_on_both_in_one_scene_makes_complements_and_merely_being_shown_does_not() {
    let mut all = history();
    for n in 0..5 {
        for (kind, product) in [(Purchase, "phone-b"), (Cart, "case-b"), (View, "cable")] {
            let mut one = happening(kind, &format!("{product}{n}"), product);
            one.user = Some(format!("viewer{n}"));
            one.scene = Some("friday-show".to_owned());
            all.push(one);
        }
    }
    let build = built(shop(), &all);
    let case = edge(&build, "phone-b", Complement, "case-b").unwrap();
    assert_eq!((case.evidence.signal, case.evidence.support), (Signal::Scene, 5));
    assert!(edge(&build, "phone-b", Complement, "cable").is_none_or(|edge| edge.source == Source::Attribute));
}

#[test]
fn what_viewers_of_a_scene_did_with_both_decides_how_much_it_says() {
    let mut params = Params::default();
    params.together.single_mu = 0.0;
    let recipe = &mut params.recipes[0];
    recipe.weights = vec![(Input::Scene, 1.0)];
    (recipe.index, recipe.price) = (IndexGate::Off, PriceFit::Off);
    let mut all = history();
    for n in 0..5 {
        for (kind, product) in [
            (Purchase, "phone-b"),
            (Purchase, "case-b"),
            (Like, "case-a"),
            (Click, "cable"),
        ] {
            let mut one = happening(kind, &format!("{product}{n}"), product);
            one.user = Some(format!("viewer{n}"));
            one.scene = Some("friday-show".to_owned());
            all.push(one);
        }
    }
    let build = built_with(&params, shop(), &all);
    let score = |id: &str| edge(&build, "phone-b", Complement, id).unwrap().score;
    assert!((score("case-b") / score("case-a") - 2.0).abs() < 1e-6);
    assert!((score("case-b") / score("cable") - 4.0).abs() < 1e-6);
    // What was bought in the show and sent back says nothing any more.
    let bought = all.iter().filter(|one| one.product == "case-b").cloned();
    let back: Vec<Happening> = bought.map(|one| Happening { kind: Return, ..one }).collect();
    all.extend(back);
    let build = built_with(&params, shop(), &all);
    assert!(
        edge(&build, "phone-b", Complement, "case-b").is_none_or(|edge| edge.source == Source::Attribute)
    );
}

#[test]
fn without_categories_and_views_the_gates_that_need_them_are_off() {
    let build = built(vec![], &repeated(Purchase, "o", 5, &["tea", "mug"]));
    let edge = edge(&build, "tea", Complement, "mug").unwrap();
    assert_eq!((edge.source, edge.evidence.support), (Source::Learned, 5));
}

#[test]
fn edges_say_when_generated_categories_or_views_stand_behind_a_gate() {
    let mut catalogue = shop();
    assert!(
        !edge(
            &built(catalogue.clone(), &history()),
            "phone-a",
            Complement,
            "case-a"
        )
        .unwrap()
        .generated
    );
    catalogue[3].generated = true;
    assert!(
        edge(
            &built(catalogue.clone(), &history()),
            "phone-a",
            Complement,
            "case-a"
        )
        .unwrap()
        .generated
    );
    catalogue[3].generated = false;
    let mut all = history();
    all.iter_mut()
        .filter(|one| one.kind == View)
        .for_each(|one| one.generated = true);
    assert!(
        edge(&built(catalogue, &all), "phone-a", Complement, "case-a")
            .unwrap()
            .generated
    );
}

#[test]
fn order_in_time_decides_who_viewed_before_buying() {
    let mut all = baskets(View, "v", &[&["phone-a"]]);
    all[0].user = Some("u".to_owned());
    let mut bought = happening(Purchase, "o", "phone-c");
    bought.user = Some("u".to_owned());
    bought.time_ms -= 3_600_000;
    all.push(bought);
    let build = built(shop(), &all);
    let edge = edge(&build, "phone-a", Upsell, "phone-c").unwrap();
    assert_eq!(edge.source, Source::Attribute, "bought first, viewed later");
}

fn titled(id: &str, leaf: &str, title: &str) -> ProductFacts {
    ProductFacts {
        title: Some(title.to_owned()),
        ..priced(id, leaf, 1_000)
    }
}

#[test]
fn words_of_titles_stand_in_where_tags_are_missing() {
    let catalogue = vec![
        titled("mug-a", "mug", "Travel mug, steel, 350 ml"),
        titled("mug-b", "mug", "Steel travel MUG 350 ml"),
        titled("mug-c", "mug", "Porcelain cup with a cat"),
        titled("tee-a", "tee", "男士纯棉T恤 短袖"),
        titled("tee-b", "tee", "纯棉短袖T恤 女士"),
        titled("tee-c", "tee", "羊毛围巾"),
    ];
    let build = built(catalogue.clone(), &[]);
    assert_eq!(companions(&build, "mug-a", Substitute), ["mug-b", "mug-c"]);
    assert_eq!(companions(&build, "tee-a", Substitute), ["tee-b", "tee-c"]);

    // Tags know better than titles.
    let mut tagged = catalogue;
    for (product, material) in tagged.iter_mut().zip(["steel", "tin", "steel"]) {
        product
            .tags
            .insert("material".to_owned(), vec![material.to_owned()]);
    }
    let build = built(tagged, &[]);
    assert_eq!(companions(&build, "mug-a", Substitute), ["mug-c", "mug-b"]);
}
