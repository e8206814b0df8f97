//! How companions of bestsellers sell.

use std::collections::BTreeMap;

use tandem_domain::event::EventKind::Purchase;
use tandem_domain::id::ProductId;
use tandem_domain::pace::{Pace, Selling};
use tandem_graph::{Build, EpochRecord, Facts, Params, build};

use crate::market::{TODAY, anchor, facts, happening, of_series, product, repeated};

/// `a` and `b` are bought together; `quiet` is of the same series and nobody buys it.
fn shop() -> Facts {
    let mut happened = repeated(Purchase, "order", 30, &["a", "b"]);
    let mut first = happening(Purchase, "first", "b");
    first.time_ms -= 60 * tandem_domain::clock::DAY_MS;
    happened.push(first);
    let products = ["a", "b", "quiet"].map(|id| of_series(product(id), "brand", Some("series")));
    facts(products.to_vec(), &happened)
}

fn day(before: i32) -> i32 {
    i32::try_from(TODAY).unwrap() - before
}

fn selling(id: &str, created: i32, units: u64, clearance: bool) -> Selling {
    Selling {
        product: ProductId::new(id).unwrap(),
        created,
        units,
        clearance,
    }
}

fn told() -> Vec<Selling> {
    vec![
        selling("quiet", day(40), 0, false),
        selling("b", day(10), 30, false),
        selling("a", day(500), 4_000, false),
        selling("nobody knows it", day(0), 1, true),
    ]
}

/// Under a record as it is kept.
fn built(selling: Option<&[Selling]>) -> Build {
    let facts = shop();
    let record = EpochRecord::freeze(&facts, &Params::default());
    let record = match selling {
        Some(selling) => record.with_selling(&facts, selling),
        None => record,
    };
    let record: EpochRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    build(&facts, &record, &|_| ())
}

fn paces(build: &Build, id: &str) -> BTreeMap<String, Pace> {
    let paces = &anchor(build, id).unwrap().paces;
    paces.iter().map(|(id, pace)| (id.to_string(), *pace)).collect()
}

#[test]
fn bestsellers_tell_how_their_companions_sell() {
    let build = built(Some(&told()));
    let pace = |since, sold| Pace {
        since,
        sold,
        clearance: false,
    };
    // "b" was bought before the catalogue held it.
    let quiet = ("quiet".to_owned(), pace(day(40), Some(0)));
    let b = ("b".to_owned(), pace(day(60), Some(30)));
    assert_eq!(paces(&build, "a"), [b, quiet.clone()].into());
    // "a" sells too well for too long to be attached anywhere.
    assert_eq!(paces(&build, "b"), [quiet].into());
}

#[test]
fn what_nobody_buys_is_no_bestseller_and_tells_nothing() {
    assert!(paces(&built(Some(&told())), "quiet").is_empty());
}

#[test]
fn a_record_without_sales_tells_nothing_and_changes_nothing() {
    let (with, without) = (built(Some(&told())), built(None));
    assert!(without.anchors.iter().all(|anchor| anchor.paces.is_empty()));
    let mut bare = with;
    bare.anchors.iter_mut().for_each(|anchor| anchor.paces.clear());
    assert_eq!(bare, without);
}
