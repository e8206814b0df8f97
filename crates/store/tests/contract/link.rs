//! Links: of a shop's own anchors, one voice per place, told whole, gone as tombstones.

use tandem_domain::change::Change;
use tandem_domain::id::SurfaceId;
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::relation::Relation;
use tandem_store::{LinkQuery, Missing, StoreError, Tombstones, WriteContext};

use crate::house::{House, product_id as product, shop};
use crate::still::{NOW, after, repeatable};

pub(crate) fn input(anchor: &str, companion: &str) -> LinkInput {
    LinkInput {
        anchor: product(anchor),
        companion: product(companion),
        effect: LinkEffect::Pin { position: 1 },
        relation: None,
        surface: None,
        valid_from: None,
        valid_until: None,
        reason: "they sell together".to_owned(),
    }
}

pub(crate) fn surface(id: &str) -> SurfaceId {
    SurfaceId::new(id).unwrap()
}

pub(crate) async fn create(house: &House, input: &LinkInput) -> Link {
    house.store.create_link(&house.context(), input).await.unwrap()
}

pub(crate) async fn delete(house: &House, links: &[(&Link, Option<u64>)]) -> Result<u32, StoreError> {
    let ctx = WriteContext {
        now: after(5),
        ..house.context()
    };
    let links: Vec<_> = links
        .iter()
        .map(|(link, etag)| (link.id.clone(), *etag))
        .collect();
    house.store.delete_links(&ctx, &links, "out of season").await
}

pub(crate) async fn find(house: &House, query: LinkQuery) -> Vec<Link> {
    house
        .store
        .links(&house.context().principal, &query)
        .await
        .unwrap()
}

pub(crate) fn all() -> LinkQuery {
    LinkQuery {
        anchor: None,
        after: None,
        limit: 100,
        show_deleted: Tombstones::Hidden,
    }
}

/// The sets that wait for the projection, oldest first; nothing else may wait.
pub(crate) async fn told(house: &House) -> Vec<AnchorLinks> {
    let set = |change| match change {
        Change::Links(set) => set,
        other => panic!("not links: {other:?}"),
    };
    house.changes().await.into_iter().map(set).collect()
}

pub(crate) async fn stock(house: &House) {
    house.products("s1", &["a", "b", "c", "d"]).await;
    house.products("other", &["theirs", "theirs2"]).await;
    house.changes().await;
}

over_both! {
    a_link_is_kept_as_it_was_asked_for,
    every_change_tells_the_whole_set_at_a_higher_version,
    a_change_carries_the_trace_of_its_request,
    a_second_voice_for_the_same_place_is_refused,
    a_link_needs_both_products_and_its_surface,
    only_the_anchors_shop_links_from_it,
    a_request_that_comes_again_gets_the_first_answer,
}

async fn a_link_is_kept_as_it_was_asked_for(house: House) {
    stock(&house).await;
    let asked = LinkInput {
        effect: LinkEffect::Boost { factor: 1.5 },
        relation: Some(Relation::Complement),
        surface: Some(surface("cart")),
        valid_from: Some(after(10)),
        valid_until: Some(after(20)),
        ..input("a", "b")
    };
    let made = create(&house, &asked).await;
    let expected = Link {
        id: made.id.clone(),
        input: asked,
        shop: shop("s1"),
        author: "insecure".to_owned(),
        created: NOW,
        deleted: None,
        version: 1,
    };
    assert_eq!(made, expected);
    assert_eq!(find(&house, all()).await, [made]);
    let done = (
        "insecure".to_owned(),
        "create_link".to_owned(),
        "they sell together".to_owned(),
    );
    assert_eq!(house.deeds().await.last(), Some(&done));
}

async fn every_change_tells_the_whole_set_at_a_higher_version(house: House) {
    stock(&house).await;
    let window = LinkInput {
        valid_from: Some(after(100)),
        valid_until: Some(after(200)),
        ..input("a", "c")
    };
    let (first, second) = (
        create(&house, &input("a", "b")).await,
        create(&house, &window).await,
    );
    create(&house, &input("b", "a")).await;
    assert_eq!(delete(&house, &[(&first, None)]).await.unwrap(), 1);
    assert_eq!(delete(&house, &[(&second, None)]).await.unwrap(), 1);
    let sets = told(&house).await;
    let shown: Vec<_> = sets
        .iter()
        .map(|set| {
            (
                set.anchor.as_str(),
                set.version,
                set.links.iter().map(|link| &link.id).collect::<Vec<_>>(),
            )
        })
        .collect();
    let other = &sets[2].links[0].id;
    let expected = [
        ("a", 1, vec![&first.id]),
        ("a", 2, vec![&first.id, &second.id]),
        ("b", 1, vec![other]),
        ("a", 3, vec![&second.id]),
        ("a", 4, vec![]),
    ];
    assert_eq!(shown, expected);
    assert_eq!(
        sets[1].links[1], second,
        "a link that is not valid yet is told with its window"
    );
}

async fn a_change_carries_the_trace_of_its_request(house: House) {
    stock(&house).await;
    let ctx = WriteContext {
        traceparent: "00-aa-bb-01".to_owned(),
        ..house.context()
    };
    let made = house.store.create_link(&ctx, &input("a", "b")).await.unwrap();
    house
        .store
        .delete_links(&ctx, &[(made.id, None)], "")
        .await
        .unwrap();
    let traces: Vec<_> = house
        .relay()
        .await
        .into_iter()
        .map(|envelope| envelope.traceparent)
        .collect();
    assert_eq!(traces, ["00-aa-bb-01", "00-aa-bb-01"]);
}

async fn a_second_voice_for_the_same_place_is_refused(house: House) {
    stock(&house).await;
    let standing = create(&house, &input("a", "b")).await;
    told(&house).await;
    let repeated = LinkInput {
        effect: LinkEffect::Exclude,
        ..input("a", "b")
    };
    let refused = house.store.create_link(&house.context(), &repeated).await;
    assert!(
        matches!(&refused, Err(StoreError::LinkExists { id }) if *id == standing.id),
        "{refused:?}"
    );
    assert_eq!(told(&house).await, [], "nothing changed");
    let elsewhere = [
        LinkInput {
            relation: Some(Relation::Complement),
            ..repeated.clone()
        },
        LinkInput {
            relation: Some(Relation::Substitute),
            ..repeated.clone()
        },
        LinkInput {
            surface: Some(surface("cart")),
            ..repeated.clone()
        },
        LinkInput {
            relation: Some(Relation::Complement),
            surface: Some(surface("cart")),
            ..repeated.clone()
        },
    ];
    for place in &elsewhere {
        create(&house, place).await;
        let refused = house.store.create_link(&house.context(), place).await;
        assert!(
            matches!(refused, Err(StoreError::LinkExists { .. })),
            "{refused:?}"
        );
    }
    delete(&house, &[(&standing, None)]).await.unwrap();
    assert_ne!(
        create(&house, &repeated).await.id,
        standing.id,
        "the place is free again"
    );
}

async fn a_link_needs_both_products_and_its_surface(house: House) {
    stock(&house).await;
    let refused = async |input: LinkInput| {
        house
            .store
            .create_link(&house.context(), &input)
            .await
            .unwrap_err()
    };
    let anchor = refused(input("ghost", "a")).await;
    assert!(
        matches!(anchor, StoreError::ForeignShop(Missing::Product(_))),
        "{anchor:?}"
    );
    let companion = refused(input("a", "ghost")).await;
    assert!(
        matches!(companion, StoreError::NotFound(Missing::Product(_))),
        "{companion:?}"
    );
    let attic = refused(LinkInput {
        surface: Some(surface("attic")),
        ..input("a", "b")
    })
    .await;
    assert!(
        matches!(attic, StoreError::NotFound(Missing::Surface(_))),
        "{attic:?}"
    );
    assert_eq!((told(&house).await, find(&house, all()).await), (vec![], vec![]));
}

async fn only_the_anchors_shop_links_from_it(house: House) {
    stock(&house).await;
    let refused = house
        .store
        .create_link(&house.context(), &input("theirs", "ghost"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::ForeignShop(_))),
        "before anything else is looked at: {refused:?}"
    );
    let platform = WriteContext::new(house.platform(), NOW);
    let refused = house.store.create_link(&platform, &input("a", "b")).await;
    assert!(matches!(refused, Err(StoreError::NoShop)), "{refused:?}");
    create(&house, &input("a", "theirs")).await;
}

async fn a_request_that_comes_again_gets_the_first_answer(house: House) {
    stock(&house).await;
    let ctx = repeatable(house.context(), 1);
    let made = house.store.create_link(&ctx, &input("a", "b")).await.unwrap();
    assert_eq!(
        house.store.create_link(&ctx, &input("a", "b")).await.unwrap(),
        made
    );
    let other = house
        .store
        .create_link(&repeatable(house.context(), 2), &input("a", "c"))
        .await;
    assert!(matches!(other, Err(StoreError::RequestIdReused)), "{other:?}");
    let mut ctx = repeatable(house.context(), 1);
    ctx.request.as_mut().unwrap().method = "DeleteLinks";
    for _ in 0..2 {
        assert_eq!(
            house
                .store
                .delete_links(&ctx, &[(made.id.clone(), None)], "")
                .await
                .unwrap(),
            1
        );
    }
    assert_eq!(told(&house).await.len(), 2, "each took effect once");
}
