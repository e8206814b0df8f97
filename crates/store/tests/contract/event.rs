//! Events: stored once, as they were reported.

use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::SceneId;
use tandem_domain::money::Money;
use tandem_store::{EventCounts, Folded, StoreError};

use crate::event_attribution::shown_at;
use crate::house::{House, purchase};

over_both! {
    an_event_counts_once,
    columns_hold_what_was_recorded,
    absurd_totals_are_refused,
    a_marketplace_scans_its_own,
}

pub(crate) const fn counts(stored: u64, duplicates: u64) -> EventCounts {
    EventCounts {
        stored,
        duplicates,
        expired: 0,
    }
}

pub(crate) async fn fold(house: &House) -> Folded {
    house
        .store
        .fold_events(&house.marketplace, 1_000, house.now())
        .await
        .unwrap()
}

async fn an_event_counts_once(house: House) {
    let (a, b, c) = (
        purchase("a", "p", "o", 0),
        purchase("b", "p", "o", 1),
        purchase("c", "q", "o", 0),
    );
    let recorded = house
        .store
        .record_events(&house.ctx(), &[a.clone(), b.clone(), a.clone()])
        .await
        .unwrap();
    assert_eq!(recorded, counts(2, 1));
    let imported = house
        .store
        .import_events(&house.marketplace, &[b, c, a.clone()], house.now())
        .await
        .unwrap();
    assert_eq!(imported, counts(1, 2));
    assert_eq!(
        house.store.record_events(&house.ctx(), &[a]).await.unwrap(),
        counts(0, 1)
    );
    assert_eq!(
        house.store.record_events(&house.ctx(), &[]).await.unwrap(),
        counts(0, 0)
    );
    // Neither does a clock that has moved on make it another event.
    let tomorrow = purchase("a", "p", "o", 1);
    assert_eq!(
        house
            .store
            .record_events(&house.ctx(), std::slice::from_ref(&tomorrow))
            .await
            .unwrap(),
        counts(0, 1)
    );
    let imported = house
        .store
        .import_events(&house.marketplace, &[tomorrow], house.now())
        .await;
    assert_eq!(imported.unwrap(), counts(0, 1));
    // A chunk without rows is none: there is nothing to fold in it.
    assert_eq!(
        fold(&house).await,
        Folded {
            batches: 2,
            events: 3,
            last_batch: 2
        }
    );
}

async fn columns_hold_what_was_recorded(house: House) {
    let full = Event {
        kind: EventKind::Return,
        scene: Some(SceneId::new("live\"1\\").unwrap()),
        quantity: u32::MAX,
        unit_price: Some(Money::from_minor(7)),
        user: Some("ü\tser".to_owned()),
        provenance: Provenance::Generated,
        attribution: Some(shown_at(4)),
        dwell_ms: Some(12_345),
        ..purchase("full", "产品", "o 1", 0)
    };
    let bare = Event {
        kind: EventKind::View,
        user: None,
        group: None,
        unit_price: None,
        quantity: 1,
        time: Timestamp::from_ms(full.time.as_ms() + 500),
        ..purchase("bare", "q", "", 0)
    };
    house
        .store
        .record_events(&house.ctx(), &[full.clone(), bare.clone()])
        .await
        .unwrap();
    let last = fold(&house).await.last_batch;
    let columns = house.scan(last).await;
    let mut events = [&bare, &full];
    if columns.kinds[0] == full.kind.code() {
        events.reverse();
    }
    for (at, event) in events.into_iter().enumerate() {
        assert_eq!(columns.kinds[at], event.kind.code());
        assert_eq!(columns.products[at], event.product.as_str());
        assert_eq!(columns.users[at], event.user);
        assert_eq!(columns.groups[at], event.group);
        assert_eq!(
            columns.scenes[at].as_deref(),
            event.scene.as_ref().map(SceneId::as_str)
        );
        assert_eq!(columns.quantities[at], event.quantity);
        assert_eq!(columns.unit_prices[at], event.unit_price.map(Money::minor));
        assert_eq!(columns.times_ms[at], event.time.as_ms());
        assert_eq!(columns.generated[at], event.provenance == Provenance::Generated);
        assert_eq!(columns.attributed[at], event.attribution.is_some());
        assert_eq!(columns.dwells_ms[at], event.dwell_ms);
    }
    assert_eq!(columns.products.len(), 2);
}

async fn absurd_totals_are_refused(house: House) {
    let absurd = Event {
        quantity: u32::MAX,
        unit_price: Some(Money::MAX_PRICE),
        ..purchase("a", "p", "o", 0)
    };
    let refused = house
        .store
        .record_events(&house.ctx(), &[purchase("b", "p", "o", 0), absurd])
        .await;
    assert!(
        matches!(refused, Err(StoreError::OutOfRange { .. })),
        "{refused:?}"
    );
    assert_eq!(fold(&house).await.events, 0);
}

async fn a_marketplace_scans_its_own(house: House) {
    let other = tandem_domain::catalog::Marketplace {
        id: tandem_domain::id::MarketplaceId::new("other").unwrap(),
        ..crate::house::marketplace()
    };
    house
        .store
        .ensure_marketplace(&other, &crate::house::shop("s1"), house.now())
        .await
        .unwrap();
    house
        .store
        .import_events(&other.id, &[purchase("a", "p", "o", 0)], house.now())
        .await
        .unwrap();
    house
        .store
        .import_events(&house.marketplace, &[purchase("a", "q", "o", 0)], house.now())
        .await
        .unwrap();
    assert_eq!(fold(&house).await.last_batch, 1);
    assert_eq!(
        house
            .store
            .fold_events(&other.id, 9, house.now())
            .await
            .unwrap()
            .last_batch,
        1
    );
    assert_eq!(house.scan(9).await.products, ["q"]);
}
