//! Who may stand among the upsells of whom, once more in plain loops.

use proptest::prelude::*;
use tandem_domain::event::EventKind::{Purchase, Return};
use tandem_domain::money::Money;
use tandem_domain::relation::Relation::Upsell;
use tandem_graph::ProductFacts;

use crate::market::{Happening, built, catalogue, companions, histories};

/// Rows sent back per row bought, as if it had been bought 20 times more at the usual rate; and that rate.
fn return_rate(all: &[Happening], id: &str) -> (f64, f64) {
    let rows = |kind, id: Option<&str>| {
        let of = all
            .iter()
            .filter(|one| one.kind == kind && id.is_none_or(|id| one.product == id));
        of.count() as f64
    };
    let usual = rows(Return, None) / rows(Purchase, None).max(1.0);
    let rate = (rows(Return, Some(id)) + 20.0 * usual) / (rows(Purchase, Some(id)) + 20.0);
    (rate, usual)
}

/// Same leaf, 1.1 to 1.8 times the price, quality not lower where both are known, and sent back no more often than the
/// anchor, or than anything.
fn is_upsell(all: &[Happening], anchor: &ProductFacts, other: &ProductFacts) -> bool {
    let (cheap, dear) = (anchor.price.unwrap().minor(), other.price.unwrap().minor());
    let is_lower = match (anchor.quality, other.quality) {
        (Some(own), Some(other)) => other < own,
        _ => false,
    };
    let (own, usual) = return_rate(all, anchor.id.as_str());
    let comes_back = return_rate(all, other.id.as_str()).0 > own.max(usual);
    other.listed
        && anchor.category == other.category
        && (11 * cheap..=18 * cheap).contains(&(10 * dear))
        && !is_lower
        && !comes_back
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn upsells_are_dearer_and_neither_worse_nor_sent_back_more_often(
        all in histories(200),
        said in proptest::collection::vec((500..1500_i64, proptest::option::of(1..4_u8)), 10),
    ) {
        let mut products = catalogue();
        for (product, (price, quality)) in products.iter_mut().zip(said) {
            product.price = Some(Money::from_minor(price));
            product.quality = quality.map(|quality| f64::from(quality) / 4.0);
        }
        let build = built(products.clone(), &all);
        for anchor in &products {
            let others = products.iter().filter(|other| is_upsell(&all, anchor, other));
            let expected: Vec<&str> = others.map(|other| other.id.as_str()).collect();
            let mut found = companions(&build, anchor.id.as_str(), Upsell);
            found.sort_unstable();
            prop_assert_eq!(found, expected, "upsells of {}", &anchor.id);
        }
    }
}
