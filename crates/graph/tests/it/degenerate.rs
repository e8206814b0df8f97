use proptest::prelude::*;
use tandem_domain::event::EventKind::{Purchase, Return, View};
use tandem_domain::relation::Relation;
use tandem_graph::{EpochRecord, FactsBuilder, Params, Progress, build, shard};

use crate::market::{built, built_with, catalogue, facts, happening, histories, list, priced, repeated};

#[test]
fn nothing_in_nothing_out() {
    let build = built(vec![], &[]);
    assert!(build.anchors.is_empty());
    let facts = facts(vec![], &[]);
    let epoch = EpochRecord::freeze(&facts, &Params::default());
    assert!((0..3).all(|number| shard(&facts, &epoch, number, 3).is_empty()));
    assert!(tandem_graph::bestsellers(&facts, &epoch).is_empty());
}

#[test]
fn rows_that_make_no_sense_are_counted_and_dropped() {
    let mut all = repeated(Purchase, "o", 3, &["tea", "mug"]);
    let mut odd = [
        happening(Purchase, "o0", ""),
        happening(Purchase, "o0", "pot"),
        happening(Purchase, "o0", "urn"),
    ];
    odd[1].quantity = 0;
    odd[2].time_ms = 0;
    let mut priceless = happening(Purchase, "o9", "tea");
    priceless.price = Some(-5);
    let mut lone = happening(View, "", "tea");
    lone.group = None;
    all.extend(odd);
    all.extend([priceless, lone]);
    let stats = facts(vec![], &all).stats().clone();
    assert_eq!(
        (
            stats.events,
            stats.absurd_rows,
            stats.absurd_prices,
            stats.lone_rows
        ),
        (11, 3, 1, 1)
    );
    assert_eq!((stats.products, stats.unknown_products), (2, 2));
}

#[test]
fn absurd_attributes_are_as_good_as_none() {
    let mut products = vec![
        priced("a", "x", -100),
        priced("b", "y", 0),
        priced("c", "x", i64::MAX),
    ];
    products[0].quality = Some(f64::NAN);
    products[1].quality = Some(f64::INFINITY);
    products[2].quality = Some(-3.0);
    products.push(priced("a", "z", 5));
    let all = repeated(Purchase, "o", 5, &["a", "b", "c"]);
    let build = built(products.clone(), &all);
    assert_eq!(facts(products, &all).stats().duplicate_products, 1);
    let lists = build.anchors.iter().flat_map(|anchor| &anchor.lists);
    assert!(
        lists
            .flat_map(|list| &list.edges)
            .all(|edge| edge.score.is_finite())
    );
}

#[test]
fn a_basket_of_one_and_an_order_sent_back_whole_leave_no_pairs() {
    let mut all = repeated(Purchase, "o", 3, &["tea"]);
    all.extend(repeated(Purchase, "p", 3, &["pen", "ink"]));
    all.extend(repeated(Return, "p", 3, &["pen", "ink"]));
    assert!(built(vec![], &all).anchors.is_empty());
}

#[test]
fn progress_reaches_the_end_once() {
    let facts = facts(catalogue(), &repeated(Purchase, "o", 3, &["p00", "p01", "p02"]));
    let seen = std::sync::Mutex::new(Vec::new());
    let note = |progress: Progress| seen.lock().unwrap().push((progress.done, progress.total));
    let build = build(&facts, &EpochRecord::freeze(&facts, &Params::default()), &note);
    let ends = seen
        .into_inner()
        .unwrap()
        .into_iter()
        .filter(|(done, total)| done == total)
        .count();
    assert!(ends >= 1);
    assert_eq!(build.stats.pairs, 3 * 9);
    assert_eq!(build.stats.anchors, build.anchors.len() as u64);
}

#[test]
fn an_epoch_with_other_products_than_the_facts_still_answers() {
    let old = facts(catalogue(), &repeated(Purchase, "o", 4, &["p00", "p01"]));
    let epoch = EpochRecord::freeze(&old, &Params::default());
    let mut builder = FactsBuilder::new(vec![priced("new", "novelty", 5)]).under(&epoch);
    repeated(Purchase, "n", 4, &["new", "p01"])
        .iter()
        .for_each(|one| builder.push(one.row()));
    let build = build(&builder.finish(), &epoch, &|_| ());
    let list = list(&build, "new", Relation::Together).unwrap();
    assert_eq!(
        (list.edges[0].companion.as_str(), list.edges[0].evidence.support),
        ("p01", 4)
    );
}

#[test]
fn the_median_paid_stands_in_for_a_price_that_is_none() {
    let mut none = priced("none", "x", 0);
    none.price = None;
    let pages = vec![
        vec![none, priced("zero", "x", 0), priced("usable", "x", 7)],
        // Of rows with the same id the first counts, on whatever page.
        vec![priced("none", "x", 9), priced("negative", "x", -1)],
    ];
    let mut builder = FactsBuilder::of_pages(pages);
    for product in ["none", "zero", "usable", "negative", "unknown"] {
        // Paid in no order; of an even number the lower one of both in the middle.
        for (order, paid) in [40, 10, 30, 20].into_iter().enumerate() {
            let mut sold = happening(Purchase, &format!("o{order}"), product);
            sold.price = Some(paid);
            builder.push(sold.row());
        }
    }
    let facts = builder.finish();
    assert_eq!(facts.stats().duplicate_products, 1);
    let record = serde_json::to_value(EpochRecord::freeze(&facts, &Params::default())).unwrap();
    assert_eq!(
        record["products"],
        serde_json::json!(["negative", "none", "unknown", "usable", "zero"])
    );
    assert_eq!(record["prices"], serde_json::json!([20, 20, 20, 7, 20]));
}

proptest! {
    #[test]
    fn a_catalogue_in_pieces_is_that_in_one(
        ids in proptest::collection::vec(0..4_u8, 0..12),
        cuts in proptest::collection::vec(0..12_usize, 0..4),
    ) {
        // Ids come again, on the same page and on others, each time with another price.
        let product = |(at, id): (usize, &u8)| priced(&format!("p{id}"), "x", 100 + at as i64);
        let whole: Vec<_> = ids.iter().enumerate().map(product).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        let pages = cuts.windows(2).map(|ends| whole[ends[0]..ends[1]].to_vec()).collect();
        let made = |mut builder: FactsBuilder| {
            let all = repeated(Purchase, "o", 3, &["p0", "p1", "other"]);
            all.iter().for_each(|one| builder.push(one.row()));
            let facts = builder.finish();
            let epoch = EpochRecord::freeze(&facts, &Params::default());
            (facts.stats().clone(), build(&facts, &epoch, &|_| ()), epoch)
        };
        prop_assert_eq!(made(FactsBuilder::of_pages(pages)), made(FactsBuilder::new(whole)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_happened_lists_are_sorted_capped_finite_and_free_of_the_anchor(
        all in histories(300),
        prices in proptest::collection::vec(any::<i64>(), 10),
        least in 0..3_u32,
    ) {
        let mut products = catalogue();
        for (product, price) in products.iter_mut().zip(prices) {
            product.price = Some(tandem_domain::money::Money::from_minor(price));
        }
        let mut params = Params::default();
        params.gates.least_support = least;
        let build = built_with(&params, products, &all);
        prop_assert!(build.anchors.is_sorted_by(|a, b| a.anchor < b.anchor));
        for anchor in &build.anchors {
            prop_assert!(anchor.lists.is_sorted_by(|a, b| a.relation < b.relation));
            for list in &anchor.lists {
                prop_assert!(list.edges.len() <= 50);
                prop_assert!(list.edges.is_sorted_by(|a, b| a.score >= b.score));
                for edge in &list.edges {
                    prop_assert!(edge.score.is_finite() && edge.basket_score.is_finite());
                    prop_assert!(edge.score > 0.0 && edge.basket_score >= 0.0);
                    prop_assert!(edge.companion != anchor.anchor && edge.companion.as_str() != "p09");
                    let evidence = edge.evidence;
                    prop_assert!(evidence.support <= evidence.anchor_count);
                    prop_assert!(evidence.llr.is_finite() && evidence.lift.is_finite());
                }
            }
            for bundle in &anchor.bundles {
                prop_assert!((2..=4).contains(&bundle.members.len()) && bundle.score.is_finite());
                for member in &bundle.members {
                    prop_assert!(member.alternates.len() <= 5 && member.product != anchor.anchor);
                    prop_assert!(!member.alternates.contains(&anchor.anchor));
                }
            }
        }
    }
}
