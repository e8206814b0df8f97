//! On sale and off.

use tandem_domain::catalog::Listing::{Delisted, Listed};
use tandem_domain::feed::FeedEvent;
use tandem_domain::stock::{Availability, Pool};

use crate::sample::{in_pool, known, listing, stock, uk};
use crate::stock::states;
use crate::subject::{Subject, events};

fn a(pool: Pool, state: Availability) -> (String, Pool, Availability) {
    ("a".to_owned(), pool, state)
}

pub(crate) async fn a_delisted_product_is_delisted_whatever_stock_says(subject: &Subject) {
    let cache = subject.cache();
    cache.put_stock(&uk(), 1, &[stock("a", 1, 5)]).await.unwrap();
    assert!(
        cache
            .put_listing(&uk(), 1, &listing("a", 2, Delisted))
            .await
            .unwrap()
    );
    let later = [stock("a", 2, 9), in_pool(Pool::Promotion, stock("a", 1, 3))];
    assert_eq!(cache.put_stock(&uk(), 1, &later).await.unwrap(), [true, true]);
    let delisted = [Pool::Normal, Pool::Promotion].map(|pool| a(pool, Availability::Delisted));
    assert_eq!(states(subject, &uk()).await, delisted);
}

pub(crate) async fn a_relisted_product_shows_its_present_stock(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    cache
        .put_stock(
            &uk(),
            1,
            &[stock("a", 1, 5), in_pool(Pool::Held, stock("a", 1, 1))],
        )
        .await
        .unwrap();
    cache
        .put_listing(&uk(), 1, &listing("a", 1, Delisted))
        .await
        .unwrap();
    cache.put_stock(&uk(), 1, &[stock("a", 2, 6)]).await.unwrap();
    let mut relisted = listing("a", 2, Listed);
    relisted.traceparent = "00-relist-01".to_owned();
    assert!(cache.put_listing(&uk(), 1, &relisted).await.unwrap());
    assert_eq!(
        states(subject, &uk()).await,
        [a(Pool::Normal, known(6)), a(Pool::Held, known(1))]
    );

    let mut feed = cache.follow(&uk(), from).await.unwrap();
    let mut said = Vec::new();
    for event in events(&mut feed, 6).await {
        match event {
            FeedEvent::Availability {
                pool,
                state,
                traceparent,
                ..
            } => said.push((pool, state, traceparent)),
            other => panic!("{other:?}"),
        }
    }
    let (stock, moves) = said.split_at_mut(2);
    let (delist, relist) = moves.split_at_mut(2);
    let expect = |part: &mut [(Pool, Availability, String)], normal, held, trace: &str| {
        part.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(
            part,
            [
                (Pool::Normal, normal, trace.to_owned()),
                (Pool::Held, held, trace.to_owned())
            ]
        );
    };
    expect(stock, known(5), known(1), "");
    expect(delist, Availability::Delisted, Availability::Delisted, "");
    expect(relist, known(6), known(1), "00-relist-01");
}

pub(crate) async fn a_product_without_stock_can_be_delisted_too(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    cache
        .put_listing(&uk(), 1, &listing("a", 1, Listed))
        .await
        .unwrap();
    assert_eq!(states(subject, &uk()).await, []);
    cache
        .put_listing(&uk(), 1, &listing("a", 2, Delisted))
        .await
        .unwrap();
    assert_eq!(
        states(subject, &uk()).await,
        [a(Pool::Normal, Availability::Delisted)]
    );
    cache
        .put_listing(&uk(), 1, &listing("a", 3, Listed))
        .await
        .unwrap();
    assert_eq!(states(subject, &uk()).await, []);
    let mut feed = cache.follow(&uk(), from).await.unwrap();
    let said = events(&mut feed, 2).await.into_iter().map(|event| match event {
        FeedEvent::Availability { pool, state, .. } => (pool, state),
        other => panic!("{other:?}"),
    });
    let expected = [
        (Pool::Normal, Availability::Delisted),
        (Pool::Normal, Availability::Unknown),
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

pub(crate) async fn older_listings_change_nothing(subject: &Subject) {
    let cache = subject.cache();
    cache.put_stock(&uk(), 1, &[stock("a", 1, 5)]).await.unwrap();
    assert!(
        cache
            .put_listing(&uk(), 1, &listing("a", 10, Listed))
            .await
            .unwrap()
    );
    for version in [9, 10] {
        assert!(
            !cache
                .put_listing(&uk(), 1, &listing("a", version, Delisted))
                .await
                .unwrap()
        );
    }
    assert_eq!(states(subject, &uk()).await, [a(Pool::Normal, known(5))]);
    assert!(
        cache
            .put_listing(&uk(), 2, &listing("a", 1, Delisted))
            .await
            .unwrap()
    );
    assert!(
        !cache
            .put_listing(&uk(), 1, &listing("a", 11, Listed))
            .await
            .unwrap()
    );
    assert_eq!(
        states(subject, &uk()).await,
        [a(Pool::Normal, Availability::Delisted)]
    );
}
