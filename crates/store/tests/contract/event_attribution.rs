//! Events that quote an answer of ours.

use futures::TryStreamExt as _;
use tandem_domain::attribution::Attribution;
use tandem_domain::event::Event;
use tandem_domain::id::SurfaceId;
use tandem_store::AttributedEvent;

use crate::event::fold;
use crate::house::{House, purchase};

over_both! {
    attributed_events_are_scanned_alone,
    what_a_token_proved_is_kept_with_the_event,
}

/// A place in an answer.
pub(crate) fn shown_at(position: u64) -> Attribution {
    Attribution {
        surface: SurfaceId::new("cart").unwrap(),
        surface_version: 3,
        generation: 7,
        experiment: None,
        anchor: None,
        position,
        explored: Some(6),
    }
}

async fn attributed_events_are_scanned_alone(house: House) {
    let shown = |id: &str, day: i64, position: u64| Event {
        attribution: Some(Attribution {
            surface: SurfaceId::new("cart").unwrap(),
            surface_version: 3,
            generation: 7,
            experiment: None,
            anchor: None,
            position,
            explored: None,
        }),
        ..purchase(id, "p", "o", day)
    };
    let events = [
        shown("old", 0, 1),
        shown("a", 5, 2),
        purchase("found", "p", "o", 5),
        Event {
            user: None,
            ..shown("b", 6, 3)
        },
    ];
    house.store.record_events(&house.ctx(), &events).await.unwrap();
    fold(&house).await;
    house
        .store
        .record_events(&house.ctx(), &[shown("late", 6, 4)])
        .await
        .unwrap();
    let scan = async |up_to: u64, days: i64| {
        let first = events[0].time.day() + i32::try_from(days).unwrap();
        let pages = house.store.scan_attributed(&house.marketplace, up_to, first);
        let pages: Vec<Vec<AttributedEvent>> = pages.try_collect().await.unwrap();
        let events = pages.concat().into_iter();
        events
            .map(|event| (event.attribution.position, event.shopper))
            .collect::<Vec<_>>()
    };
    let whom = |event: &Event| event.user.clone().or(event.group.clone());
    let expected = [
        (1, whom(&events[0])),
        (2, whom(&events[1])),
        (3, Some("o".to_owned())),
    ];
    assert_eq!(scan(1, 0).await, expected, "not what no batch has");
    assert_eq!(scan(1, 1).await, expected[1..], "nor what is too old");
    fold(&house).await;
    assert_eq!(scan(2, 6).await.len(), 2);
    assert!(scan(0, 0).await.is_empty());
}

async fn what_a_token_proved_is_kept_with_the_event(house: House) {
    let attribution = shown_at(4);
    let shown = Event {
        attribution: Some(attribution.clone()),
        ..purchase("shown", "p", "o", 0)
    };
    let events = [shown, purchase("found", "p", "o", 0)];
    house.store.record_events(&house.ctx(), &events).await.unwrap();
    let kept = house
        .texts("SELECT attribution FROM events ORDER BY event_id DESC")
        .await;
    let kept: Vec<Option<Attribution>> = kept
        .into_iter()
        .map(|text| text.map(|text| serde_json::from_str(&text).unwrap()))
        .collect();
    assert_eq!(kept, [Some(attribution), None]);
}
