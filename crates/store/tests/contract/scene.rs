//! Scenes.

use tandem_domain::catalog::{Provenance, Scene, SceneKind, Showing};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::SceneId;

use crate::house::{House, product_id};

over_both! {
    scenes_are_replaced,
}

async fn scenes_are_replaced(house: House) {
    let showing = |id: &str, ms| Showing {
        product: product_id(id),
        time: Timestamp::from_ms(ms),
    };
    let scene = |shown| Scene {
        id: SceneId::new("live").unwrap(),
        kind: SceneKind::Livestream,
        title: "Evening show".to_owned(),
        shown,
        provenance: Provenance::Generated,
    };
    let long = scene(vec![showing("p", 1), showing("q", 2), showing("p", 3)]);
    house.store.upsert_scene(&house.marketplace, &long).await.unwrap();
    house
        .store
        .upsert_scene(&house.marketplace, &scene(vec![showing("r", 1)]))
        .await
        .unwrap();
    house
        .store
        .upsert_scene(&house.marketplace, &scene(Vec::new()))
        .await
        .unwrap();
}
