//! How companions of bestsellers sell, from events to the records of a build.

use std::collections::BTreeMap;
use std::time::Duration;

use tandem_cache::codec::decode_lists;
use tandem_cache::port::RecordKey;
use tandem_domain::catalog::{ProductInput, Provenance};
use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{EventId, ProductId};
use tandem_domain::pace::{CLEARANCE, Pace};
use tandem_graph_worker::Collapse;

use crate::ground::{Ground, bare, on_both, product};

on_both! {
    records_of_bestsellers_tell_how_their_companions_sell;
}

const DAY: Duration = Duration::from_secs(86_400);

/// The catalogue behind the orders; `p2` is sold off.
async fn catalogue(ground: &Ground) {
    let like = |n: u32| ProductInput {
        tags: (n == 2)
            .then(|| (CLEARANCE.to_owned(), vec!["yes".to_owned()]))
            .into_iter()
            .collect(),
        ..bare(n)
    };
    ground.put((0..9).chain(20..23).map(like)).await;
}

/// Somebody bought three of `p0`, and of `p2`, a hundred days before the orders.
async fn long_ago(ground: &Ground) -> Timestamp {
    let time = Timestamp::from_ms(1_700_000_000_000).minus(DAY * 100);
    let bought = |n: u32| Event {
        id: EventId::new(format!("old-{n}")).unwrap(),
        kind: EventKind::Purchase,
        product: product(n),
        user: None,
        group: Some(format!("old-{n}")),
        scene: None,
        quantity: 3,
        unit_price: None,
        time,
        provenance: Provenance::Real,
        dwell_ms: None,
        attribution: None,
    };
    ground.report(&[bought(0), bought(2)]).await;
    time
}

async fn paces(ground: &Ground) -> BTreeMap<ProductId, Pace> {
    let records = ground.found(&[RecordKey::Lists(product(1))]).await;
    decode_lists(records[0].as_ref().unwrap()).unwrap().paces
}

async fn records_of_bestsellers_tell_how_their_companions_sell(ground: Ground) {
    catalogue(&ground).await;
    let time = long_ago(&ground).await;
    ground.orders(0, 300).await;
    ground.build(Collapse::Refuse).await.unwrap();
    let found = paces(&ground).await;
    let old = |units, clearance| Pace {
        since: time.day(),
        sold: Some(units),
        clearance,
    };
    // In every seventh order, and in two of seven.
    assert_eq!(found[&product(0)], old(43, false));
    assert_eq!(found[&product(2)], old(86, true));
    // The first order of its kind was two days before the last one.
    let new = found[&product(21)];
    assert_eq!(
        (new.sold, new.since),
        (None, Timestamp::from_ms(1_700_000_000_000).day())
    );

    // Orders that touch the row do not touch what is frozen.
    ground.orders(300, 330).await;
    ground.increment().await;
    assert_eq!(paces(&ground).await, found);
    ground.build(Collapse::Refuse).await.unwrap();
    assert!(paces(&ground).await[&product(0)].sold > Some(43));
}
