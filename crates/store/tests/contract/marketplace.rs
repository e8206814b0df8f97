//! Marketplaces and epochs.

use tandem_domain::change::Change;
use tandem_domain::id::MarketplaceId;
use tandem_domain::surface::Surface;
use tandem_store::StoreError;

use crate::house::{House, connect, marketplace, shop};

over_both! {
    a_marketplace_comes_with_its_surfaces_once,
    a_marketplace_outlives_a_restart,
    epochs_rise,
    what_needs_a_marketplace_says_that_there_is_none,
}

async fn a_marketplace_comes_with_its_surfaces_once(house: House) {
    let surfaces: Vec<_> = house
        .changes()
        .await
        .into_iter()
        .map(|change| match change {
            Change::Surface(surface) => surface.id.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(surfaces, Surface::BUILT_IN);
    house
        .store
        .ensure_marketplace(&marketplace(), &shop("s2"), house.now())
        .await
        .unwrap();
    assert_eq!(house.changes().await, []);
    assert_eq!(house.store.marketplaces().await.unwrap(), [marketplace()]);
}

async fn a_marketplace_outlives_a_restart(house: House) {
    house.store.clone().close().await;
    let again = connect(&house.url).await;
    assert_eq!(
        again.marketplace(&house.marketplace).await.unwrap(),
        Some(marketplace())
    );
    assert_eq!(again.store_epoch(&house.marketplace).await.unwrap(), 1);
}

async fn epochs_rise(house: House) {
    assert_eq!(house.store.bump_store_epoch(&house.marketplace).await.unwrap(), 2);
    assert_eq!(house.store.store_epoch(&house.marketplace).await.unwrap(), 2);
    assert!(
        house
            .relay()
            .await
            .iter()
            .all(|envelope| envelope.store_epoch == 2)
    );
}

async fn what_needs_a_marketplace_says_that_there_is_none(house: House) {
    let nowhere = MarketplaceId::new("nowhere").unwrap();
    let answers = [
        house.store.store_epoch(&nowhere).await.map(|_| ()),
        house.store.bump_store_epoch(&nowhere).await.map(|_| ()),
        house.store.beat(&nowhere).await.map(|_| ()),
        house
            .store
            .fold_events(&nowhere, 10, house.now())
            .await
            .map(|_| ()),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::NotFound(_))), "{answer:?}");
    }
    assert_eq!(house.store.marketplace(&nowhere).await.unwrap(), None);
}
