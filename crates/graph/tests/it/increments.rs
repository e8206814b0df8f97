//! Rows recomputed for later events, against full builds under the same epoch record.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tandem_domain::clock::DAY_MS;
use tandem_domain::edge::{AnchorEdges, Source};
use tandem_domain::event::EventKind;
use tandem_domain::id::{CategoryId, ProductId};
use tandem_domain::money::Money;
use tandem_domain::pace::Selling;
use tandem_domain::relation::Relation;
use tandem_graph::{
    Bestsellers, EpochRecord, Facts, FactsBuilder, Increment, Params, ProductFacts, Windows, bestsellers,
    build, increment,
};

use crate::market::{Happening, TODAY, baskets, catalogue, happening, histories, of_series, priced};
use crate::rules::rulings;
use crate::tuning::lending;

/// Everything that is served, by anchor and by category.
#[derive(Debug, Clone, PartialEq, Default)]
struct Served {
    rows: BTreeMap<ProductId, Vec<u8>>,
    best: BTreeMap<Option<CategoryId>, Vec<(ProductId, f32)>>,
}

impl Served {
    fn full(facts: &Facts, epoch: &EpochRecord) -> Self {
        let mut served = Self::default();
        served.lay(&build(facts, epoch, &|_| ()).anchors, bestsellers(facts, epoch));
        served
    }

    fn lay(&mut self, rows: &[AnchorEdges], best: Vec<Bestsellers>) {
        for row in rows {
            let bytes = serde_json::to_vec(row).unwrap();
            self.rows.insert(row.anchor.clone(), bytes);
            if row.lists.is_empty() {
                self.rows.remove(&row.anchor);
            }
        }
        for one in best {
            self.best.insert(one.category.clone(), one.products.clone());
            if one.products.is_empty() {
                self.best.remove(&one.category);
            }
        }
    }
}

/// Facts under the record: `earlier`, and `later` if there is any.
fn under(
    epoch: &EpochRecord,
    catalogue: &[ProductFacts],
    earlier: &[&Happening],
    later: &[&Happening],
) -> Facts {
    builder(epoch, catalogue, earlier, later).finish()
}

fn builder(
    epoch: &EpochRecord,
    catalogue: &[ProductFacts],
    earlier: &[&Happening],
    later: &[&Happening],
) -> FactsBuilder {
    let mut builder = FactsBuilder::new(catalogue.to_vec()).under(epoch);
    earlier.iter().for_each(|one| builder.push(one.row()));
    builder.later();
    later.iter().for_each(|one| builder.push(one.row()));
    builder
}

/// Takes out what a user did, and what nobody did in the same baskets; returns the products of it, and those of all baskets
/// of others who have part in the same ones.
fn erase(user: &str, all: &mut Vec<&Happening>) -> Vec<ProductId> {
    let groups_of = |users: &BTreeSet<&str>, all: &[&Happening]| -> BTreeSet<String> {
        let theirs = all
            .iter()
            .filter(|one| one.user.as_deref().is_some_and(|user| users.contains(user)));
        theirs.filter_map(|one| one.group.clone()).collect()
    };
    let is_of = |one: &Happening, users: &BTreeSet<&str>, groups: &BTreeSet<String>| match &one.user {
        Some(user) => users.contains(user.as_str()),
        None => one.group.as_ref().is_some_and(|group| groups.contains(group)),
    };
    let gone = BTreeSet::from([user]);
    let shared = groups_of(&gone, all);
    let in_shared = all
        .iter()
        .filter(|one| one.group.as_ref().is_some_and(|group| shared.contains(group)));
    let others: BTreeSet<&str> = in_shared
        .filter_map(|one| one.user.as_deref())
        .filter(|other| *other != user)
        .collect();
    let theirs = groups_of(&others, all);
    let told = all
        .iter()
        .filter(|one| is_of(one, &gone, &shared) || is_of(one, &others, &theirs));
    let told: BTreeSet<&str> = told.map(|one| one.product.as_str()).collect();
    let told = told.into_iter().map(|id| ProductId::new(id).unwrap()).collect();
    all.retain(|one| !is_of(one, &gone, &shared));
    told
}

fn frozen(windows: &Windows, params: &Params, first: &[&Happening]) -> EpochRecord {
    let mut builder = FactsBuilder::new(catalogue()).windows(windows.clone());
    first.iter().for_each(|one| builder.push(one.row()));
    let facts = builder.finish();
    EpochRecord::freeze(&facts, params).with_selling(&facts, &selling())
}

/// Of the whole catalogue, some of it new and some of it slow.
pub(crate) fn selling() -> Vec<Selling> {
    let of = |(product, number): (ProductFacts, i32)| Selling {
        product: product.id,
        created: i32::try_from(TODAY).unwrap() - number * 23,
        units: u64::from(number.unsigned_abs()) * 7,
        clearance: number % 3 == 0,
    };
    catalogue().into_iter().zip(0..).map(of).collect()
}

/// Caps that small histories reach, and a customer's orders joined or not.
fn windows() -> impl Strategy<Value = Windows> {
    (2..6_usize, 2..6_usize, proptest::option::of(1..9_u32)).prop_map(|(view_cap, purchase_cap, days)| {
        Windows {
            view_cap,
            purchase_cap,
            same_user_days: days,
            ..Windows::default()
        }
    })
}

/// What becomes of a product of the catalogue.
#[derive(Debug, Clone)]
struct Edit {
    /// p00 to p15: known, known to events alone, or new.
    product: u8,
    what: u8,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = (0..16_u8, 0..6_u8).prop_map(|(product, what)| Edit { product, what });
    proptest::collection::vec(edit, 0..4)
}

/// The catalogue after some edits of step `step`. No product is ever again what it was.
fn edited(catalogue: &[ProductFacts], edits: &[Edit], step: usize) -> Vec<ProductFacts> {
    let mut products = catalogue.to_vec();
    for (number, edit) in edits.iter().enumerate() {
        let id = format!("p{:02}", edit.product);
        let at = products.iter().position(|product| product.id.as_str() == id);
        let at = at.unwrap_or_else(|| {
            products.push(priced(&id, "case", 1500));
            products.len() - 1
        });
        let one = &mut products[at];
        if edit.what < 4 {
            one.title = Some(format!("title {step} {number}"));
        }
        match edit.what {
            0 => one.category = Some(CategoryId::new(["phone", "case", "cable"][step % 3]).unwrap()),
            1 => one.category = Some(CategoryId::new(format!("new{step}")).unwrap()),
            2 => *one = of_series(one.clone(), ["acme", "zeta", "newer"][step % 3], Some("s1")),
            3 => one.quality = Some(0.3),
            4 => one.listed = !one.listed,
            _ => one.price = Some(Money::from_minor(900 + i64::try_from(step).unwrap())),
        }
    }
    products
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(240))]

    /// Which part an event comes with has nothing to do with its time: whole orders come late, single lines do, and
    /// returns come before what they return. The catalogue changes, too, and users are erased.
    #[test]
    fn increments_over_a_build_are_a_full_build_under_its_record(
        all in histories(220).prop_flat_map(|all| {
            let parts = proptest::collection::vec(0..8_u8, all.len());
            (Just(all), parts)
        }),
        windows in windows(),
        lends in any::<bool>(),
        edits in [edits(), edits(), edits()],
        erased in proptest::array::uniform3(proptest::option::weighted(0.3, 0..5_u8)),
        rules in rulings(&["phone", "case", "cable"], &["shop", "other"]),
    ) {
        let (all, parts) = all;
        // Most came before the build, the rest in three increments.
        let came = |part: usize| {
            let with = move |at: u8| usize::from(at.saturating_sub(4)) == part;
            all.iter().zip(&parts).filter(move |(_, at)| with(**at)).map(|(one, _)| one)
        };
        let mut before: Vec<&Happening> = came(0).collect();
        let params = if lends { lending() } else { Params::default() };
        let epoch = frozen(&windows, &params.with_rules(rules), &before);
        // Increments are computed under the record as SQL keeps it.
        let text = serde_json::to_vec(&epoch).unwrap();
        let kept: EpochRecord = serde_json::from_slice(&text).unwrap();
        let mut products = catalogue();
        let mut served = Served::full(&under(&epoch, &products, &before, &[]), &epoch);
        for (part, (edits, erased)) in (1..).zip(edits.iter().zip(erased)) {
            products = edited(&products, edits, part);
            let later: Vec<&Happening> = came(part).collect();
            let user = erased.map(|user| format!("u{user}"));
            let outdated = user.map(|user| erase(&user, &mut before)).unwrap_or_default();
            let mut builder = builder(&kept, &products, &before, &later);
            builder.outdated(&outdated);
            let facts = builder.finish();
            let Increment { rows, bestsellers, .. } = increment(&facts, &kept, &|_| ());
            prop_assert!(rows.is_sorted_by(|a, b| a.anchor < b.anchor));
            served.lay(&rows, bestsellers);
            before.extend(later);
            let whole = Served::full(&under(&epoch, &products, &before, &[]), &epoch);
            prop_assert_eq!(&served, &whole);
        }
    }
}

/// Ids of the rows that `later` touches.
fn touched(windows: &Windows, earlier: &[Happening], later: &[Happening]) -> Vec<String> {
    let earlier: Vec<&Happening> = earlier.iter().collect();
    let epoch = frozen(windows, &Params::default(), &earlier);
    let facts = under(&epoch, &catalogue(), &earlier, &later.iter().collect::<Vec<_>>());
    let rows = increment(&facts, &epoch, &|_| ()).rows;
    rows.iter().map(|row| row.anchor.to_string()).collect()
}

#[test]
fn a_new_line_touches_what_its_basket_held_holds_and_had_to_let_go() {
    let windows = Windows {
        purchase_cap: 2,
        ..Windows::default()
    };
    let all = baskets(
        EventKind::Purchase,
        "o",
        &[&["p00", "p01"], &["p02", "p03"], &["p00", "p04"]],
    );
    let mut line = happening(EventKind::Purchase, "o1", "p05");
    line.time_ms += 60_000;
    // p02 is the oldest of three and leaves.
    assert_eq!(touched(&windows, &all, &[line]), ["p02", "p03", "p05"]);
}

#[test]
fn a_return_touches_what_stays_and_what_leaves() {
    let all = baskets(EventKind::Purchase, "o", &[&["p00", "p01"], &["p02", "p03"]]);
    let mut back = happening(EventKind::Return, "o1", "p02");
    back.time_ms += 60_000;
    assert_eq!(touched(&Windows::default(), &all, &[back]), ["p02", "p03"]);
}

#[test]
fn what_changes_no_basket_touches_nothing() {
    let all = baskets(EventKind::Purchase, "o", &[&["p00", "p01"], &["p02", "p03"]]);
    let mut expired = happening(EventKind::Purchase, "o1", "p04");
    expired.time_ms = (TODAY - 500) * DAY_MS;
    let again = happening(EventKind::Purchase, "o0", "p00");
    let shown = happening(EventKind::Impression, "o0", "p01");
    let unmatched = happening(EventKind::Return, "o9", "p01");
    let none: [&str; 0] = [];
    assert_eq!(
        touched(&Windows::default(), &all, &[expired, again, shown, unmatched]),
        none
    );
}

#[test]
fn a_purchase_touches_what_its_buyer_viewed() {
    let mut all = baskets(EventKind::View, "s", &[&["p00", "p01"], &["p02", "p03"]]);
    all.extend(baskets(EventKind::Purchase, "o", &[&["p06", "p07"]]));
    for one in all.iter_mut().filter(|one| one.group.as_deref() == Some("s1")) {
        one.user = Some("ann".to_owned());
    }
    let mut bought = happening(EventKind::Purchase, "o5", "p05");
    bought.user = Some("ann".to_owned());
    assert_eq!(
        touched(&Windows::default(), &all, &[bought]),
        ["p02", "p03", "p05"]
    );
}

/// Rows that an increment without events computes once the catalogue is `products`.
fn after(all: &[Happening], products: &[ProductFacts]) -> Vec<AnchorEdges> {
    let earlier: Vec<&Happening> = all.iter().collect();
    let epoch = frozen(&Windows::default(), &Params::default(), &earlier);
    increment(&under(&epoch, products, &earlier, &[]), &epoch, &|_| ()).rows
}

fn anchors(rows: &[AnchorEdges]) -> Vec<&str> {
    rows.iter().map(|row| row.anchor.as_str()).collect()
}

#[test]
fn a_product_that_the_record_does_not_know_has_its_lists_at_once() {
    let mut newer = catalogue();
    newer.push(of_series(priced("p50", "phone", 1300), "acme", Some("s1")));
    newer.push(of_series(priced("p51", "phone", 1400), "nova", Some("first")));
    newer.push(of_series(priced("p52", "case", 1400), "nova", Some("first")));
    let all = baskets(EventKind::Purchase, "o", &[&["p00", "p01"]]);
    let rows = after(&all, &newer);
    assert_eq!(anchors(&rows), ["p50", "p51", "p52"]);
    let of = |row: &AnchorEdges, relation| {
        let list = row.lists.iter().find(|list| list.relation == relation);
        let edges = list.map_or(&[][..], |list| &list.edges);
        assert!(edges.iter().all(|edge| edge.source == Source::Attribute));
        edges
            .iter()
            .map(|edge| edge.companion.to_string())
            .collect::<Vec<_>>()
    };
    let mut series = of(&rows[0], Relation::Series);
    assert_eq!(series[0], "p00", "the most alike of its series");
    series[..4].sort();
    assert_eq!(series[..4], ["p00", "p01", "p02", "p03"]);
    assert!(of(&rows[0], Relation::Substitute).contains(&"p00".to_owned()));
    assert_eq!(
        of(&rows[1], Relation::Series),
        ["p52"],
        "a line that is new as a whole"
    );
    assert_eq!(of(&rows[2], Relation::Series), ["p51"]);
}

#[test]
fn a_product_that_changes_touches_itself_its_baskets_and_whom_it_was_proposed_to() {
    let all = baskets(
        EventKind::Purchase,
        "o",
        &[&["p00", "p01"], &["p02", "p08"], &["p05"]],
    );
    let mut changed = catalogue();
    changed[4].price = Some(Money::from_minor(1));
    changed[4].listed = false;
    assert!(after(&all, &changed).is_empty(), "price and sale are the epoch's");
    changed[8].title = Some("another".to_owned());
    // p02 in an order; p05 in its leaf; the even ones of its brand.
    let expected = ["p00", "p02", "p04", "p05", "p06", "p08"];
    assert_eq!(anchors(&after(&all, &changed)), expected);
}
