//! What a snapshot keeps of a stretch of products is enough for their rows.

use proptest::prelude::*;
use tandem_domain::edge::{AnchorEdges, Signal};
use tandem_graph::{BasketRow, EpochRecord, Facts, JourneyRow, Part, PartBuilder, ProductRow, Wanted, build};

use crate::market::{catalogue, facts, histories};
use crate::tuning::lending;

fn products(facts: &Facts) -> Vec<ProductRow> {
    let count = u32::try_from(facts.ids().len()).unwrap();
    (0..count).map(|index| facts.product(index)).collect()
}

fn part(facts: &Facts, rows: std::ops::Range<u32>, epoch: &EpochRecord) -> Part {
    let mut builder = PartBuilder::new(epoch, products(facts), rows.clone(), Wanted::everything()).unwrap();
    facts.baskets_of(&rows, |basket| builder.basket(basket)).unwrap();
    for journey in facts.journeys_of(&rows) {
        builder.journey(&journey).unwrap();
    }
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_rows_of_all_parts_are_the_build(all in histories(250)) {
        let facts = facts(catalogue(), &all);
        let epoch = EpochRecord::freeze(&facts, &lending());
        let whole = build(&facts, &epoch, &|_| ()).anchors;
        for shards in [1, 4, 7, 30] {
            let parts: Vec<AnchorEdges> = facts
                .stretches(shards)
                .into_iter()
                .flat_map(|rows| part(&facts, rows, &epoch).edges(&epoch))
                .collect();
            prop_assert_eq!(&parts, &whole, "{} shards", shards);
        }
    }

    #[test]
    fn a_part_holds_no_basket_of_others(all in histories(250)) {
        let facts = facts(catalogue(), &all);
        for rows in facts.stretches(4) {
            facts.baskets_of(&rows, |basket| {
                let holds = basket.items.iter().any(|item| rows.contains(item));
                holds.then_some(()).ok_or(TestCaseError::fail(format!("{basket:?} of {rows:?}")))
            })?;
            for journey in facts.journeys_of(&rows) {
                prop_assert!(journey.viewed.iter().all(|(item, ..)| rows.contains(item)));
                prop_assert!(!journey.viewed.is_empty() && !journey.bought.is_empty());
            }
        }
    }
}

#[test]
fn what_no_facts_could_have_shown_is_refused() {
    let facts = facts(catalogue(), &[]);
    let epoch = EpochRecord::freeze(&facts, &lending());
    let builder = || PartBuilder::new(&epoch, products(&facts), 0..3, Wanted::everything()).unwrap();
    let basket = |signal, items| BasketRow {
        signal,
        day: 19_000,
        generated: false,
        items,
        halvings: &[],
    };
    let faults: [(Signal, &[u32]); 7] = [
        (Signal::CoPurchase, &[]),
        (Signal::CoPurchase, &[4, 5]),
        (Signal::CoPurchase, &[1, 1]),
        (Signal::CoCart, &[2, 1]),
        (Signal::CoView, &[2, 1, 2]),
        (Signal::Scene, &[1, 10]),
        (Signal::Attributes, &[1, 2]),
    ];
    for (signal, items) in faults {
        assert!(
            builder().basket(basket(signal, items)).is_err(),
            "{signal:?} {items:?}"
        );
    }
    assert!(builder().basket(basket(Signal::CoView, &[2, 1])).is_ok());

    for (halvings, is_taken) in [(&[0, 3][..], true), (&[0, 4], false), (&[1], false)] {
        let halved = BasketRow {
            halvings,
            ..basket(Signal::CoPurchase, &[1, 2])
        };
        assert_eq!(builder().basket(halved).is_ok(), is_taken, "{halvings:?}");
    }

    let mut ordered = builder();
    ordered.basket(basket(Signal::CoCart, &[1, 2])).unwrap();
    let older = BasketRow {
        day: 18_999,
        ..basket(Signal::CoCart, &[1, 2])
    };
    assert!(ordered.basket(older).is_err());

    let journey = |viewed: &[(u32, i64, i64, u8)], bought: &[(u32, i64, u8)]| JourneyRow {
        viewed: viewed.to_vec(),
        bought: bought.to_vec(),
        generated: false,
    };
    assert!(
        builder()
            .journey(&journey(&[(1, 5, 6, 1)], &[(9, 7, 0), (4, 6, 2)]))
            .is_ok()
    );
    for fault in [
        journey(&[(3, 5, 6, 0)], &[(9, 7, 0)]),
        journey(&[(1, 6, 5, 0)], &[(9, 7, 0)]),
        journey(&[(1, 5, 6, 0), (1, 5, 6, 0)], &[(9, 7, 0)]),
        journey(&[(1, 5, 6, 0)], &[(10, 7, 0)]),
        journey(&[(1, 5, 6, 0)], &[(9, 7, 0), (9, 8, 0)]),
        journey(&[(1, 5, 6, 4)], &[(9, 7, 0)]),
        journey(&[(1, 5, 6, 0)], &[(9, 7, 200)]),
    ] {
        assert!(builder().journey(&fault).is_err(), "{fault:?}");
    }
}

#[test]
fn a_catalogue_that_no_facts_have_is_refused() {
    let facts = facts(catalogue(), &[]);
    let epoch = EpochRecord::freeze(&facts, &lending());
    let changed = |change: fn(&mut Vec<ProductRow>)| {
        let mut rows = products(&facts);
        change(&mut rows);
        PartBuilder::new(&epoch, rows, 0..3, Wanted::everything()).err()
    };
    assert_eq!(changed(|_| ()), None);
    let faults: [fn(&mut Vec<ProductRow>); 7] = [
        |rows| rows.swap(1, 2),
        |rows| rows[3].id = rows[2].id.clone(),
        |rows| rows[3].brand = Some(u32::MAX - 1),
        |rows| rows[3].price = Some(0),
        |rows| rows[3].quality = Some(f64::NAN),
        |rows| rows[3].tags = vec![2, 2],
        |rows| rows.truncate(2),
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        assert!(changed(fault).is_some(), "fault {at}");
    }
}
