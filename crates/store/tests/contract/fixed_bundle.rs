//! Fixed bundles: of a shop's own anchors, told whole at rising versions, found by a rebuild.

use tandem_domain::bundle::{
    AnchorBundles, BundleMember, FIXED_BUNDLES_PER_ANCHOR, FixedBundle, FixedBundleInput,
};
use tandem_domain::change::Change;
use tandem_domain::id::FixedBundleId;
use tandem_store::{Missing, StoreError};

use crate::house::{House, product_id as product};
use crate::link::stock;
use crate::still::repeatable;

fn input(anchor: &str, members: &[(&str, &[&str])]) -> FixedBundleInput {
    let member = |(id, alternates): &(&str, &[&str])| BundleMember {
        product: product(id),
        role: (*id).to_owned(),
        quantity: 2,
        support: 0,
        alternates: alternates.iter().copied().map(product).collect(),
    };
    FixedBundleInput {
        anchor: product(anchor),
        title: "下午茶".to_owned(),
        members: members.iter().map(member).collect(),
    }
}

fn tea() -> FixedBundleInput {
    input("a", &[("b", &["d"]), ("c", &[])])
}

async fn create(house: &House, input: &FixedBundleInput) -> Result<FixedBundle, StoreError> {
    house.store.create_fixed_bundle(&house.ctx(), input).await
}

async fn delete(house: &House, id: &FixedBundleId) -> Result<bool, StoreError> {
    house
        .store
        .delete_fixed_bundle(&house.ctx(), id, "the season is over")
        .await
}

fn sets(changes: Vec<Change>) -> Vec<AnchorBundles> {
    let set = |change| match change {
        Change::Bundles(set) => Some(set),
        _ => None,
    };
    changes.into_iter().filter_map(set).collect()
}

over_both! {
    a_bundle_is_kept_and_told_as_it_was_asked_for,
    every_change_of_bundles_tells_all_of_them_at_a_higher_version,
    a_deleted_bundle_deleted_again_changes_nothing,
    what_a_bundle_stands_on_must_be_there,
    only_the_shop_of_the_anchor_has_its_bundles,
    an_anchor_has_so_many_bundles_and_no_more,
    bundles_made_at_once_are_all_told,
    a_bundle_asked_for_again_is_the_first,
}

async fn a_bundle_is_kept_and_told_as_it_was_asked_for(house: House) {
    stock(&house).await;
    let made = create(&house, &tea()).await.unwrap();
    assert_eq!((&made.input, made.shop.as_str()), (&tea(), "s1"));
    let found = house
        .store
        .fixed_bundles(&house.ctx().principal, &product("a"))
        .await;
    assert_eq!(found.unwrap(), std::slice::from_ref(&made));
    let told = AnchorBundles {
        anchor: product("a"),
        version: 1,
        bundles: vec![made],
    };
    assert_eq!(sets(house.changes().await), std::slice::from_ref(&told));
    assert_eq!(sets(house.rebuilt().await), [told]);
    let deeds = house.deeds().await;
    assert_eq!(
        deeds.last().map(|(_, action, _)| action.as_str()),
        Some("create_fixed_bundle")
    );
}

async fn every_change_of_bundles_tells_all_of_them_at_a_higher_version(house: House) {
    stock(&house).await;
    let first = create(&house, &tea()).await.unwrap();
    let second = create(&house, &input("a", &[("c", &[]), ("d", &[])]))
        .await
        .unwrap();
    create(&house, &input("b", &[("c", &[]), ("d", &[])]))
        .await
        .unwrap();
    assert!(delete(&house, &first.id).await.unwrap());
    assert!(delete(&house, &second.id).await.unwrap());
    let told: Vec<_> = sets(house.changes().await)
        .into_iter()
        .map(|set| {
            let ids: Vec<_> = set.bundles.into_iter().map(|bundle| bundle.id).collect();
            (set.anchor.to_string(), set.version, ids)
        })
        .collect();
    let (one, two) = (first.id, second.id);
    assert_eq!(told[0], ("a".to_owned(), 1, vec![one.clone()]));
    assert_eq!(told[1], ("a".to_owned(), 2, vec![one, two.clone()]));
    assert_eq!((told[2].0.as_str(), told[2].1), ("b", 1));
    assert_eq!(told[3], ("a".to_owned(), 3, vec![two]));
    assert_eq!(
        told[4],
        ("a".to_owned(), 4, Vec::new()),
        "an empty set is told, too"
    );
    let rebuilt = sets(house.rebuilt().await);
    let versions: Vec<_> = rebuilt
        .iter()
        .map(|set| (set.anchor.as_str(), set.version))
        .collect();
    assert_eq!(versions, [("a", 4), ("b", 1)], "a rebuild tells empty sets, too");
}

async fn a_deleted_bundle_deleted_again_changes_nothing(house: House) {
    stock(&house).await;
    let made = create(&house, &tea()).await.unwrap();
    assert!(delete(&house, &made.id).await.unwrap());
    house.changes().await;
    let before = sets(house.rebuilt().await);
    assert!(!delete(&house, &made.id).await.unwrap());
    assert_eq!(sets(house.changes().await), []);
    assert_eq!(
        sets(house.rebuilt().await),
        before,
        "no version that nobody is told"
    );
}

async fn what_a_bundle_stands_on_must_be_there(house: House) {
    stock(&house).await;
    for missing in [
        input("a", &[("b", &[]), ("nobody", &[])]),
        input("a", &[("b", &["nobody"]), ("c", &[])]),
    ] {
        match create(&house, &missing).await {
            Err(StoreError::NotFound(Missing::Product(id))) => assert_eq!(id.as_str(), "nobody"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sets(house.changes().await), []);
    let other_shops = input("a", &[("theirs", &[]), ("b", &[])]);
    create(&house, &other_shops)
        .await
        .expect("companions may be of other shops");
}

async fn only_the_shop_of_the_anchor_has_its_bundles(house: House) {
    stock(&house).await;
    let made = create(&house, &tea()).await.unwrap();
    let theirs = house.ctx_of("other");
    for anchor in ["a", "nobody"] {
        let input = input(anchor, &[("b", &[]), ("c", &[])]);
        let refused = house.store.create_fixed_bundle(&theirs, &input).await;
        assert!(matches!(refused, Err(StoreError::ForeignShop(_))), "{refused:?}");
        let refused = house
            .store
            .fixed_bundles(&theirs.principal, &product(anchor))
            .await;
        assert!(matches!(refused, Err(StoreError::ForeignShop(_))), "{refused:?}");
    }
    for id in [made.id.clone(), FixedBundleId::new("nobody's").unwrap()] {
        let refused = house.store.delete_fixed_bundle(&theirs, &id, "").await;
        assert!(matches!(refused, Err(StoreError::ForeignShop(_))), "{refused:?}");
    }
    let found = house
        .store
        .fixed_bundles(&house.ctx().principal, &product("a"))
        .await;
    assert_eq!(found.unwrap(), [made]);
}

async fn an_anchor_has_so_many_bundles_and_no_more(house: House) {
    stock(&house).await;
    let mut last = None;
    for _ in 0..FIXED_BUNDLES_PER_ANCHOR {
        last = Some(create(&house, &tea()).await.unwrap().id);
    }
    let full = create(&house, &tea()).await;
    assert!(matches!(full, Err(StoreError::BundlesFull { .. })), "{full:?}");
    assert_eq!(sets(house.changes().await).len(), FIXED_BUNDLES_PER_ANCHOR);
    assert!(delete(&house, &last.unwrap()).await.unwrap());
    create(&house, &tea()).await.expect("there is room again");
}

async fn bundles_made_at_once_are_all_told(house: House) {
    stock(&house).await;
    let inputs = vec![tea(); 8];
    let made = futures::future::join_all(inputs.iter().map(|input| create(&house, input))).await;
    let mut ids: Vec<_> = made.into_iter().map(|bundle| bundle.unwrap().id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8);
    let told = sets(house.changes().await);
    let last = told.iter().max_by_key(|set| set.version).unwrap();
    let mut known: Vec<_> = last.bundles.iter().map(|bundle| bundle.id.clone()).collect();
    known.sort();
    assert_eq!((last.version, known), (8, ids));
}

async fn a_bundle_asked_for_again_is_the_first(house: House) {
    stock(&house).await;
    let ctx = repeatable(house.ctx(), 1);
    let first = house.store.create_fixed_bundle(&ctx, &tea()).await.unwrap();
    let again = house.store.create_fixed_bundle(&ctx, &tea()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(sets(house.changes().await).len(), 1);
}
