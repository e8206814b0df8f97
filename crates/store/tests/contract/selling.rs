//! How products sell, for the graph.

use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::pace::{CLEARANCE, Selling};

use crate::house::{House, product, product_id, purchase};

over_both! {
    units_of_the_window_are_counted_and_clearance_is_told,
}

/// Of `purchase`, whose days count from a Monday in 2023.
const FIRST_DAY: i32 = 19_600;

async fn units_of_the_window_are_counted_and_clearance_is_told(house: House) {
    for id in ["a", "b", "c"] {
        house.put_product(id, &[]).await;
    }
    let mut sold_off = product("c");
    sold_off
        .tags
        .insert(CLEARANCE.to_owned(), vec!["summer".to_owned()]);
    let upsert = tandem_store::ProductUpsert {
        input: sold_off,
        listing: None,
        etag: None,
    };
    house
        .store
        .upsert_products(&house.ctx(), &[upsert])
        .await
        .unwrap();
    // Two units each: on the day before the window, on its first and last day, and after it.
    let days = [0, 1, 30, 31];
    let bought = days.map(|day| purchase(&format!("a{day}"), "a", &format!("o{day}"), day));
    let viewed = Event {
        kind: EventKind::View,
        ..purchase("view", "b", "session", 30)
    };
    let events = [bought.as_slice(), &[viewed]].concat();
    house
        .store
        .import_events(&house.marketplace, &events, house.now())
        .await
        .unwrap();
    house
        .store
        .fold_events(&house.marketplace, 100, house.now())
        .await
        .unwrap();
    let found = house
        .store
        .scan_selling(&house.marketplace, FIRST_DAY + 30)
        .await
        .unwrap();
    let created = Timestamp::from_ms(1_700_000_000_000).day();
    let selling = |id, units, clearance| Selling {
        product: product_id(id),
        created,
        units,
        clearance,
    };
    assert_eq!(
        found,
        [
            selling("a", 4, false),
            selling("b", 0, false),
            selling("c", 0, true)
        ]
    );
}
