//! What shoppers make of lists, from their events to the next build.

use std::collections::BTreeMap;

use tandem_cache::codec::decode_lists;
use tandem_cache::port::RecordKey;
use tandem_domain::attribution::Attribution;
use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{EventId, ProductId, SurfaceId};
use tandem_domain::relation::Relation;
use tandem_graph_worker::Collapse;

use crate::ground::{Ground, on_both, product};

on_both! {
    attributed_events_move_scores_with_the_next_full_build;
}

/// `shoppers` see `companion` beside `p1` at the first place, on the last day of the first orders; every `nth` clicks.
fn shown(companion: u32, shoppers: usize, nth: usize) -> Vec<Event> {
    let event = |shopper: usize, kind: EventKind| Event {
        id: EventId::new(format!("{}-{companion}-{shopper}", kind.as_str())).unwrap(),
        kind,
        product: product(companion),
        user: Some(format!("shopper {shopper}")),
        group: None,
        scene: None,
        quantity: 1,
        unit_price: None,
        time: Timestamp::from_ms(1_700_000_000_000),
        provenance: Provenance::Real,
        dwell_ms: None,
        attribution: Some(Attribution {
            surface: SurfaceId::new("detail_page").unwrap(),
            surface_version: 1,
            generation: 1,
            experiment: None,
            anchor: Some(product(1)),
            position: 1,
            explored: None,
        }),
    };
    let impressions = (0..shoppers).map(|shopper| event(shopper, EventKind::Impression));
    let clicks = (0..shoppers)
        .step_by(nth)
        .map(|shopper| event(shopper, EventKind::Click));
    impressions.chain(clicks).collect()
}

/// What the scores of `p1`'s companions are multiplied by.
async fn factors(ground: &Ground) -> BTreeMap<ProductId, f32> {
    let records = ground.found(&[RecordKey::Lists(product(1))]).await;
    let lists = decode_lists(records[0].as_ref().unwrap()).unwrap();
    let list = lists.list(Relation::Together);
    list.map(|candidate| (candidate.identified().product, candidate.feedback))
        .collect()
}

async fn attributed_events_move_scores_with_the_next_full_build(ground: Ground) {
    ground.orders(0, 300).await;
    ground.build(Collapse::Refuse).await.unwrap();
    assert!(factors(&ground).await.values().all(|factor| *factor == 1.0));

    let events = [shown(0, 400, 4), shown(2, 400, 40)].concat();
    ground.report(&events).await;
    ground.increment().await;
    assert!(
        factors(&ground).await.values().all(|factor| *factor == 1.0),
        "the record on serve knows none of it"
    );

    ground.build(Collapse::Refuse).await.unwrap();
    let learned = factors(&ground).await;
    // 110 clicks in 800 looks: 55 each were expected, of 400 looks, and 50 looks are worth 6.875.
    let factor = |clicks: f32| (6.875 + clicks) / (6.875 + 55.0);
    for (companion, clicks) in [(0, 100.0), (2, 10.0)] {
        let found = learned[&product(companion)];
        assert!(
            (found - factor(clicks).clamp(0.5, 2.0)).abs() < 1e-4,
            "p{companion}: {found}"
        );
    }

    // Orders that touch the row do not touch what is frozen.
    ground.orders(300, 330).await;
    ground.increment().await;
    assert_eq!(factors(&ground).await, learned);
}
