use tandem_domain::clock::Timestamp;
use tandem_domain::event::EventKind::{Purchase, Return};
use tandem_domain::relation::Relation::Together;
use tandem_graph::{EpochRecord, FactsBuilder, Params, build};

use crate::market::{TODAY, built, companions, edge, facts, happening, product, repeated};

const DAY_MS: i64 = 86_400_000;

#[test]
fn a_returned_product_leaves_its_order() {
    let mut all = repeated(Purchase, "o", 4, &["tea", "mug"]);
    assert_eq!(
        edge(&built(vec![], &all), "tea", Together, "mug")
            .unwrap()
            .evidence
            .support,
        4
    );
    all.push(happening(Return, "o0", "mug"));
    let build = built(vec![], &all);
    let evidence = edge(&build, "tea", Together, "mug").unwrap().evidence;
    assert_eq!(
        (evidence.support, evidence.anchor_count, evidence.companion_count),
        (3, 4, 3)
    );
    let stats = facts(vec![], &all).stats().clone();
    assert_eq!((stats.returned_lines, stats.unmatched_returns), (1, 0));
}

#[test]
fn part_of_a_line_may_come_back() {
    let mut all = repeated(Purchase, "o", 3, &["tea", "mug"]);
    all.iter_mut().for_each(|one| one.quantity = 2);
    all.extend(repeated(Purchase, "other", 20, &["pen"]));
    all.push(happening(Return, "o0", "mug"));
    assert_eq!(
        edge(&built(vec![], &all), "tea", Together, "mug")
            .unwrap()
            .evidence
            .support,
        3
    );
    all.push(happening(Return, "o0", "mug"));
    assert_eq!(
        edge(&built(vec![], &all), "tea", Together, "mug")
            .unwrap()
            .evidence
            .support,
        2
    );
}

#[test]
fn a_return_of_what_no_order_held_is_counted_and_does_nothing() {
    let mut all = repeated(Purchase, "o", 3, &["tea", "mug"]);
    all.push(happening(Return, "c1", "mug"));
    assert_eq!(
        edge(&built(vec![], &all), "tea", Together, "mug")
            .unwrap()
            .evidence
            .support,
        3
    );
    assert_eq!(facts(vec![], &all).stats().unmatched_returns, 1);
}

#[test]
fn a_return_without_an_order_takes_from_the_same_day_without_one_and_from_nothing_else() {
    let of_ann = |kind, product: &str, day: i64| {
        let mut one = happening(kind, "", product);
        (one.group, one.user) = (None, Some("ann".to_owned()));
        one.time_ms = (TODAY - 10 + day) * DAY_MS;
        one
    };
    let bought = |day| [of_ann(Purchase, "tea", day), of_ann(Purchase, "mug", day)];
    let support = |all: &[_]| {
        let build = built(vec![], all);
        edge(&build, "tea", Together, "mug").map_or(0, |edge| edge.evidence.support)
    };
    let mut all = repeated(Purchase, "o", 3, &["tea", "mug"]);
    all.extend([bought(0), bought(5)].concat());
    assert_eq!(support(&all), 5);

    let matched = [&all[..], &[of_ann(Return, "mug", 5)]].concat();
    assert_eq!(support(&matched), 4, "the order of its day, not the one before");
    let stats = facts(vec![], &matched).stats().clone();
    assert_eq!((stats.returned_lines, stats.unmatched_returns), (1, 0));

    let late = [&all[..], &[of_ann(Return, "mug", 7)]].concat();
    assert_eq!(support(&late), 5, "neither order, though both hold it");
    let stats = facts(vec![], &late).stats().clone();
    assert_eq!((stats.returned_lines, stats.unmatched_returns), (0, 1));
}

#[test]
fn orders_older_than_the_window_are_gone_and_day_zero_is_the_newest_event() {
    let mut all = repeated(Purchase, "old", 5, &["tea", "pot"]);
    all.iter_mut()
        .for_each(|one| one.time_ms = (TODAY - 401) * DAY_MS);
    assert_eq!(
        companions(&built(vec![], &all), "tea", Together),
        ["pot"],
        "day zero is the events' own"
    );
    all.extend(repeated(Purchase, "new", 5, &["tea", "mug"]));
    assert_eq!(companions(&built(vec![], &all), "tea", Together), ["mug"]);
    assert_eq!(facts(vec![], &all).stats().expired_rows, 10);
}

#[test]
fn an_order_that_is_dated_ahead_of_its_time_pushes_nothing_out_of_the_window() {
    let mut all = repeated(Purchase, "old", 5, &["tea", "pot"]);
    let mut ahead = repeated(Purchase, "ahead", 5, &["tea", "mug"]);
    ahead
        .iter_mut()
        .for_each(|one| one.time_ms = (TODAY + 20_000) * DAY_MS);
    all.extend(ahead);
    assert_eq!(companions(&built(vec![], &all), "tea", Together), ["mug"]);
    let tomorrow = Timestamp::from_ms((TODAY + 1) * DAY_MS);
    let mut builder = FactsBuilder::new(vec![]).day_zero_at_most(tomorrow);
    all.iter().for_each(|one| builder.push(one.row()));
    let facts = builder.finish();
    assert_eq!(facts.day_zero(), tomorrow);
    let build = build(&facts, &EpochRecord::freeze(&facts, &Params::default()), &|_| ());
    assert_eq!(companions(&build, "tea", Together).len(), 2);
}

#[test]
fn a_long_order_counts_with_its_most_recent_products_by_time_then_id() {
    let ids: Vec<String> = (0..130).map(|n| format!("p{n:03}")).collect();
    let mut all: Vec<_> = ids.iter().map(|id| happening(Purchase, "o", id)).collect();
    all[0].time_ms += 1000;
    let build = built(vec![product("p000")], &all);
    // p000 is newest; of the rest, all at one time, the first 99 by id stay.
    let kept = build
        .anchors
        .iter()
        .map(|anchor| anchor.anchor.as_str())
        .collect::<Vec<_>>();
    let stats = facts(vec![], &all).stats().clone();
    assert_eq!((stats.capped_baskets, stats.baskets), (1, 1));
    assert!(kept.iter().all(|id| *id <= "p099"), "{kept:?}");
}
