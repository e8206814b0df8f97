//! Listing and deleting links.

use tandem_domain::id::LinkId;
use tandem_domain::link::Link;
use tandem_store::{LinkQuery, Missing, StoreError, Tombstones, WriteContext};

use crate::house::{House, product_id as product};
use crate::link::{all, create, delete, find, input, stock, told};
use crate::still::{NOW, after};

over_both! {
    a_deleted_link_stays_as_a_tombstone,
    nothing_is_deleted_unless_all_can_be,
    links_are_paged_by_anchor_and_id,
    links_are_listed_to_their_shop_and_to_the_platform,
}

async fn a_deleted_link_stays_as_a_tombstone(house: House) {
    stock(&house).await;
    let made = create(&house, &input("a", "b")).await;
    told(&house).await;
    assert_eq!(delete(&house, &[(&made, Some(1))]).await.unwrap(), 1);
    let done = (
        "insecure".to_owned(),
        "delete_links".to_owned(),
        "out of season".to_owned(),
    );
    assert_eq!(house.deeds().await.last(), Some(&done));
    assert_eq!(told(&house).await.len(), 1);
    assert_eq!(
        delete(&house, &[(&made, None)]).await.unwrap(),
        0,
        "it was deleted before"
    );
    assert_eq!(told(&house).await, []);
    let tombstone = Link {
        deleted: Some(after(5)),
        version: 2,
        ..made
    };
    assert_eq!(find(&house, all()).await, []);
    assert_eq!(
        find(
            &house,
            LinkQuery {
                show_deleted: Tombstones::Shown,
                ..all()
            }
        )
        .await,
        [tombstone]
    );
}

async fn nothing_is_deleted_unless_all_can_be(house: House) {
    stock(&house).await;
    let links = [
        create(&house, &input("a", "b")).await,
        create(&house, &input("b", "a")).await,
    ];
    let theirs = house
        .store
        .create_link(&house.context_of("other"), &input("theirs", "a"))
        .await
        .unwrap();
    told(&house).await;
    let ghost = Link {
        id: LinkId::new("ghost").unwrap(),
        ..links[0].clone()
    };
    let stale = delete(&house, &[(&links[0], None), (&links[1], Some(9))]).await;
    assert!(
        matches!(
            stale,
            Err(StoreError::EtagMismatch {
                what: "link",
                expected: 9,
                found: 1,
                ..
            })
        ),
        "{stale:?}"
    );
    let missing = delete(&house, &[(&links[0], None), (&ghost, None)]).await;
    assert!(
        matches!(missing, Err(StoreError::ForeignShop(Missing::Link(_)))),
        "{missing:?}"
    );
    let foreign = delete(&house, &[(&links[0], None), (&ghost, None), (&theirs, Some(9))]).await;
    assert!(matches!(foreign, Err(StoreError::ForeignShop(_))), "{foreign:?}");
    let platform = WriteContext::new(house.platform(), NOW);
    let nobody = house
        .store
        .delete_links(&platform, &[(links[0].id.clone(), None)], "")
        .await;
    assert!(matches!(nobody, Err(StoreError::NoShop)), "{nobody:?}");
    assert_eq!(told(&house).await, []);
    assert_eq!(find(&house, all()).await.len(), 2);

    let both = [(&links[0], Some(1)), (&links[1], None), (&links[1], Some(1))];
    assert_eq!(
        delete(&house, &both).await.unwrap(),
        2,
        "named twice, deleted once"
    );
    let sets: Vec<_> = told(&house)
        .await
        .into_iter()
        .map(|set| (set.version, set.links.len()))
        .collect();
    assert_eq!(sets, [(2, 0), (2, 0)], "one change per anchor");
    let stale = delete(&house, &[(&links[0], Some(1))]).await;
    assert!(
        matches!(stale, Err(StoreError::EtagMismatch { found: 2, .. })),
        "a tombstone has a version: {stale:?}"
    );
}

async fn links_are_paged_by_anchor_and_id(house: House) {
    stock(&house).await;
    let mut made = Vec::new();
    for (anchor, companion) in [
        ("c", "a"),
        ("a", "b"),
        ("b", "a"),
        ("a", "c"),
        ("c", "d"),
        ("a", "d"),
    ] {
        made.push(create(&house, &input(anchor, companion)).await);
    }
    delete(&house, &[(&made[3], None)]).await.unwrap();
    house
        .store
        .create_link(&house.context_of("other"), &input("theirs", "a"))
        .await
        .unwrap();

    let place = |link: &Link| (link.input.anchor.clone(), link.id.clone());
    let mut expected: Vec<_> = made.iter().map(place).collect();
    expected.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = LinkQuery {
            after,
            limit: 2,
            show_deleted: Tombstones::Shown,
            ..all()
        };
        let page = find(&house, query).await;
        seen.extend(page.iter().map(place));
        after = page.last().map(place);
        if page.len() < 2 {
            break;
        }
        assert_eq!(page.len(), 2);
    }
    assert_eq!(seen, expected);
    assert_eq!(find(&house, all()).await.len(), 5);
    let of_a = LinkQuery {
        anchor: Some(product("a")),
        ..all()
    };
    assert_eq!(find(&house, of_a.clone()).await.len(), 2);
    let rest = LinkQuery {
        after: Some(place(&made[1])),
        ..of_a
    };
    assert_eq!(find(&house, rest).await, [made[5].clone()]);
}

async fn links_are_listed_to_their_shop_and_to_the_platform(house: House) {
    stock(&house).await;
    let ours = create(&house, &input("a", "b")).await;
    let theirs = house
        .store
        .create_link(&house.context_of("other"), &input("theirs", "a"))
        .await
        .unwrap();
    assert_eq!(find(&house, all()).await, std::slice::from_ref(&ours));
    let query = LinkQuery {
        anchor: Some(product("theirs")),
        ..all()
    };
    let foreign = house.store.links(&house.context().principal, &query).await;
    assert!(matches!(foreign, Err(StoreError::ForeignShop(_))), "{foreign:?}");
    let platform = house.platform();
    assert_eq!(
        house.store.links(&platform, &query).await.unwrap(),
        std::slice::from_ref(&theirs)
    );
    assert_eq!(
        house.store.links(&platform, &all()).await.unwrap(),
        [ours, theirs]
    );
    let nobodys = LinkQuery {
        anchor: Some(product("ghost")),
        ..all()
    };
    let unknown = house.store.links(&house.context().principal, &nobodys).await;
    assert!(matches!(unknown, Err(StoreError::ForeignShop(_))), "{unknown:?}");
    assert_eq!(house.store.links(&platform, &nobodys).await.unwrap(), []);
}
