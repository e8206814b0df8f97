use tandem_domain::edge::{Signal, Source};
use tandem_domain::event::EventKind::{Bounce, Click, Like, Purchase, Search, View};
use tandem_domain::relation::Relation::{AlsoViewed, Together};
use tandem_graph::params::BasketWeight;
use tandem_graph::{EpochRecord, FactsBuilder, Params, Windows, bestsellers, build};

use crate::market::{
    TODAY, baskets, built, built_with, companions, edge, facts, happening, list, priced, product, repeated,
};

#[test]
fn evidence_counts_plain_baskets() {
    let mut all = repeated(Purchase, "both", 4, &["tea", "mug", "tea"]);
    all.extend(repeated(Purchase, "tea", 3, &["tea"]));
    all.extend(repeated(Purchase, "other", 5, &["pen", "ink"]));
    let build = built(vec![], &all);
    let edge = edge(&build, "tea", Together, "mug").unwrap();
    let evidence = edge.evidence;
    assert_eq!(
        (evidence.signal, edge.source, edge.generated),
        (Signal::CoPurchase, Source::Learned, false)
    );
    assert_eq!(
        (evidence.support, evidence.anchor_count, evidence.companion_count),
        (4, 7, 4)
    );
    assert_eq!((evidence.total, evidence.window_days), (12, 1));
    assert!((f64::from(evidence.lift) - 4.0 * 12.0 / 28.0).abs() < 1e-6);
    assert!((evidence.share() - 4.0 / 7.0).abs() < 1e-9);
}

#[test]
fn pairs_that_chance_explains_are_refused_and_counted() {
    // Both in most baskets, together as often as chance has it.
    let mut all = repeated(Purchase, "a", 40, &["milk"]);
    all.extend(repeated(Purchase, "b", 40, &["bread"]));
    all.extend(repeated(Purchase, "ab", 2, &["milk", "bread"]));
    let build = built(vec![], &all);
    assert!(companions(&build, "milk", Together).is_empty());
    assert_eq!(list(&build, "milk", Together).unwrap().refused.significance, 1);
}

#[test]
fn small_orders_say_more_than_large_ones() {
    let mut all = repeated(Purchase, "small", 3, &["tea", "mug"]);
    all.extend(repeated(
        Purchase,
        "large",
        3,
        &["tea", "a", "b", "c", "d", "e", "f"],
    ));
    let mut params = Params::default();
    params.together.weight = BasketWeight::Power(1.0);
    let build = built_with(&params, vec![], &all);
    assert_eq!(companions(&build, "tea", Together)[0], "mug");
}

#[test]
fn what_is_viewed_next_counts_more_than_what_was_viewed_before() {
    let mut params = Params::default();
    params.viewed.reverse = 0.6;
    let all = baskets(
        View,
        "s",
        &[&["before", "phone", "after"], &["before", "phone", "after"]],
    );
    let build = built_with(&params, vec![], &all);
    assert_eq!(companions(&build, "phone", AlsoViewed), ["after", "before"]);
    let before = edge(&build, "phone", AlsoViewed, "before").unwrap();
    assert_eq!(
        (before.evidence.signal, before.evidence.support),
        (Signal::CoView, 2)
    );
}

#[test]
fn views_farther_apart_than_the_window_do_not_count() {
    let ids: Vec<String> = (0..12).map(|n| format!("p{n:02}")).collect();
    let session: Vec<&str> = ids.iter().map(String::as_str).collect();
    let build = built(vec![], &baskets(View, "s", &[&session]));
    let seen = companions(&build, "p00", AlsoViewed);
    assert!(seen.contains(&"p10") && !seen.contains(&"p11"));
}

#[test]
fn a_delisted_product_is_nobodys_companion_and_keeps_its_own_list() {
    let mut gone = product("mug");
    gone.listed = false;
    let all = repeated(Purchase, "o", 4, &["tea", "mug", "pot"]);
    let build = built(vec![product("tea"), gone], &all);
    assert_eq!(companions(&build, "tea", Together), ["pot"]);
    assert_eq!(companions(&build, "mug", Together), ["pot", "tea"]);
}

#[test]
fn a_list_stores_fifty_and_says_how_many_ranked_below() {
    let ids: Vec<String> = (0..80).map(|n| format!("p{n:02}")).collect();
    let order: Vec<&str> = ids.iter().map(String::as_str).collect();
    let build = built(vec![], &repeated(Purchase, "o", 3, &order));
    let list = list(&build, "p00", Together).unwrap();
    assert_eq!((list.edges.len(), list.refused.rank), (50, 29));
    assert_eq!(list.refused.cut_off, list.edges[49].score);
    assert!(list.edges.is_sorted_by(|a, b| a.score >= b.score));
    // All tie in score and popularity: the ids decide.
    assert!(list.edges.is_sorted_by(|a, b| a.companion <= b.companion));
}

#[test]
fn generated_baskets_taint_the_edges_that_they_carry_and_no_others() {
    let mut all = repeated(Purchase, "real", 4, &["tea", "mug"]);
    let mut made_up = repeated(Purchase, "made", 4, &["tea", "pot"]);
    made_up.iter_mut().for_each(|one| one.generated = true);
    all.extend(made_up);
    let mut generated = product("mug");
    generated.generated = true;
    let build = built(vec![generated], &all);
    assert!(
        !edge(&build, "tea", Together, "mug").unwrap().generated,
        "real orders, whatever the attributes"
    );
    assert!(edge(&build, "tea", Together, "pot").unwrap().generated);
}

#[test]
fn orders_of_one_customer_join_when_asked_to() {
    let mut all = baskets(
        Purchase,
        "o",
        &[
            &["phone"],
            &["case"],
            &["phone"],
            &["case"],
            &["phone"],
            &["case"],
        ],
    );
    for (at, one) in all.iter_mut().enumerate() {
        one.user = Some(format!("u{}", at / 2));
    }
    assert!(built(vec![], &all).anchors.is_empty());
    let windows = Windows {
        same_user_days: Some(7),
        ..Windows::default()
    };
    let mut builder = FactsBuilder::new(vec![]).windows(windows);
    all.iter().for_each(|one| builder.push(one.row()));
    let facts = builder.finish();
    let build = build(&facts, &EpochRecord::freeze(&facts, &Params::default()), &|_| ());
    assert_eq!(
        edge(&build, "phone", Together, "case").unwrap().evidence.support,
        3
    );
}

#[test]
fn bestsellers_go_by_recent_purchases_and_by_views_where_nothing_sold() {
    let mut all = repeated(Purchase, "old", 6, &["kettle"]);
    all.iter_mut()
        .for_each(|one| one.time_ms = (TODAY - 60) * 86_400_000);
    all.extend(repeated(Purchase, "new", 2, &["teapot"]));
    all.extend(repeated(View, "v", 3, &["phone"]));
    let mut gone = priced("urn", "kitchen", 10);
    gone.listed = false;
    let catalogue = vec![
        priced("kettle", "kitchen", 900),
        priced("teapot", "kitchen", 800),
        priced("phone", "phones", 1),
        gone,
    ];
    all.push(happening(Purchase, "x", "urn"));
    let facts = facts(catalogue, &all);
    let best = bestsellers(&facts, &EpochRecord::freeze(&facts, &Params::default()));
    let shown: Vec<(Option<&str>, Vec<&str>)> = best
        .iter()
        .map(|one| {
            let ids = one.products.iter().map(|(id, _)| id.as_str()).collect();
            (one.category.as_ref().map(|id| id.as_str()), ids)
        })
        .collect();
    let expected = [
        (None, vec!["teapot", "kettle"]),
        (Some("kitchen"), vec!["teapot", "kettle"]),
        (Some("phones"), vec!["phone"]),
    ];
    assert_eq!(shown, expected);
    assert_eq!(best[0].products[0].1, 2.0);
}

#[test]
fn a_product_that_was_left_at_once_leaves_its_session() {
    let mut all = repeated(View, "s", 3, &["phone", "case"]);
    all.extend(repeated(Bounce, "s", 3, &["case"]));
    assert!(companions(&built(vec![], &all), "phone", AlsoViewed).is_empty());
    assert_eq!(facts(vec![], &all).stats().bounced_views, 3);
    // Opened again, it was not left each time.
    all.extend(repeated(View, "s", 1, &["case"]));
    let build = built(vec![], &all);
    assert_eq!(
        edge(&build, "phone", AlsoViewed, "case")
            .unwrap()
            .evidence
            .support,
        1
    );
    assert_eq!(facts(vec![], &all).stats().bounced_views, 2);
}

#[test]
fn what_is_liked_or_searched_for_counts_as_viewed_and_what_is_clicked_half() {
    let mut all = Vec::new();
    for (kind, other) in [(View, "a"), (Like, "b"), (Search, "c"), (Click, "d")] {
        all.extend(repeated(View, other, 3, &["phone"]));
        let mut seen = repeated(kind, other, 3, &[other]);
        seen.iter_mut().for_each(|one| one.time_ms += 1000);
        all.extend(seen);
    }
    let build = built(vec![], &all);
    let score = |other: &str| edge(&build, "phone", AlsoViewed, other).unwrap().score;
    assert_eq!((score("b"), score("c")), (score("a"), score("a")));
    assert!((score("a") / score("d") - 2.0).abs() < 1e-6);
}
