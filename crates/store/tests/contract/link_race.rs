//! Links that are written at once.

use futures::future::join_all;
use tandem_store::StoreError;

use crate::house::House;
use crate::link::{create, input, stock, told};

over_both! {
    writers_of_one_anchor_stand_in_line,
    one_of_many_same_links_at_once_is_made,
    deletions_that_cross_both_end,
}

/// Whatever the order in which they commit, the change with the highest version holds all links, and no version is
/// told twice.
async fn writers_of_one_anchor_stand_in_line(house: House) {
    const LINKS: usize = 12;
    stock(&house).await;
    let companions: Vec<_> = (0..LINKS).map(|index| format!("companion-{index}")).collect();
    house
        .products(
            "other",
            &companions.iter().map(String::as_str).collect::<Vec<_>>(),
        )
        .await;
    house.changes().await;
    let stores = [house.elsewhere().await, house.elsewhere().await];
    let ctx = house.context();
    let inputs: Vec<_> = companions.iter().map(|companion| input("a", companion)).collect();
    let created = join_all(
        inputs
            .iter()
            .enumerate()
            .map(|(index, input)| stores[index % 2].create_link(&ctx, input)),
    )
    .await;
    let created: Vec<_> = created.into_iter().map(Result::unwrap).collect();
    let mut sets = told(&house).await;
    sets.sort_by_key(|set| set.version);
    let sizes: Vec<_> = sets.iter().map(|set| (set.version, set.links.len())).collect();
    assert_eq!(
        sizes,
        (1..=LINKS).map(|count| (count as u64, count)).collect::<Vec<_>>()
    );

    // The same links, some twice at once.
    let deletions: Vec<_> = (0..2 * LINKS)
        .map(|index| [(created[index / 2].id.clone(), None)])
        .collect();
    let deleted = join_all(
        deletions
            .iter()
            .enumerate()
            .map(|(index, links)| stores[index % 2].delete_links(&ctx, links, "")),
    )
    .await;
    assert_eq!(deleted.into_iter().map(Result::unwrap).sum::<u32>(), LINKS as u32);
    let last = told(&house)
        .await
        .into_iter()
        .max_by_key(|set| set.version)
        .unwrap();
    assert_eq!((last.version, last.links), (2 * LINKS as u64, vec![]));
}

async fn one_of_many_same_links_at_once_is_made(house: House) {
    stock(&house).await;
    let stores = [house.elsewhere().await, house.elsewhere().await];
    let (ctx, asked) = (house.context(), input("a", "b"));
    let made = join_all((0..16).map(|caller| stores[caller % 2].create_link(&ctx, &asked))).await;
    let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for error in refused {
        assert!(matches!(error, Err(StoreError::LinkExists { .. })), "{error:?}");
    }
    assert_eq!(told(&house).await.len(), 1);
}

/// Anchors named in opposite orders do not make two deletions wait for each other for ever.
async fn deletions_that_cross_both_end(house: House) {
    stock(&house).await;
    let links = [
        create(&house, &input("a", "c")).await,
        create(&house, &input("b", "c")).await,
    ];
    let ctx = house.context();
    let named = |order: [usize; 2]| order.map(|index| (links[index].id.clone(), None));
    let orders: Vec<_> = (0..16)
        .map(|call| named(if call % 2 == 0 { [0, 1] } else { [1, 0] }))
        .collect();
    let deleted = join_all(
        orders
            .iter()
            .map(|links| house.store.delete_links(&ctx, links, "")),
    )
    .await;
    assert_eq!(deleted.into_iter().map(Result::unwrap).sum::<u32>(), 2);
}
