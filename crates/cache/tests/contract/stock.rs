//! Stock: what is compared, kept, derived and announced.

use futures::TryStreamExt as _;
use tandem_cache::port::ExactStock;
use tandem_domain::catalog::StockPolicy;
use tandem_domain::feed::FeedEvent;
use tandem_domain::id::MarketplaceId;
use tandem_domain::stock::{Availability, Pool};

use crate::sample::{in_pool, known, of_sku, product, sku, stock, uk};
use crate::subject::{Subject, events};

type States = Vec<(String, Pool, Availability)>;

pub(crate) async fn states(subject: &Subject, marketplace: &MarketplaceId) -> States {
    let stream = subject.cache().availability(marketplace).await.unwrap();
    let states: Vec<_> = stream.try_collect().await.unwrap();
    let mut states: States = states
        .into_iter()
        .map(|(id, pool, state)| (id.to_string(), pool, state))
        .collect();
    states.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    states.dedup();
    states
}

/// What the feed has said of a product's availability since its beginning, `count` entries of it.
async fn said(subject: &Subject, count: usize) -> Vec<(Pool, Availability)> {
    let beginning = tandem_cache::port::FeedPosition("0-0".to_owned());
    let mut feed = subject.cache().follow(&uk(), beginning).await.unwrap();
    // Behind everything that was written before.
    subject.cache().beat(&uk(), u64::MAX, 1).await.unwrap();
    let mut said = events(&mut feed, count + 1).await;
    assert_eq!(said.pop(), Some(FeedEvent::Heartbeat(1)));
    let said = said.into_iter().map(|event| match event {
        FeedEvent::Availability { pool, state, .. } => (pool, state),
        other => panic!("{other:?}"),
    });
    said.collect()
}

async fn put(
    subject: &Subject,
    changes: &[tandem_cache::port::Traced<tandem_domain::stock::StockChange>],
) -> Vec<bool> {
    subject.cache().put_stock(&uk(), 1, changes).await.unwrap()
}

async fn exact(subject: &Subject, id: &str) -> Vec<ExactStock> {
    subject
        .cache()
        .stock(&uk(), &[product(id)])
        .await
        .unwrap()
        .remove(0)
}

fn units(sku_id: &str, pool: Pool, available: i64, sellable: u32) -> ExactStock {
    ExactStock {
        sku: sku(sku_id),
        pool,
        available,
        sellable,
        policy: StockPolicy::Tracked,
    }
}

pub(crate) async fn nothing_is_known_at_first(subject: &Subject) {
    assert_eq!(states(subject, &uk()).await, vec![]);
    assert_eq!(exact(subject, "a").await, vec![]);
    let both = subject
        .cache()
        .stock(&uk(), &[product("a"), product("b")])
        .await
        .unwrap();
    assert_eq!(both, vec![vec![], vec![]]);
    assert_eq!(
        subject.cache().stock(&uk(), &[]).await.unwrap(),
        Vec::<Vec<ExactStock>>::new()
    );
    assert_eq!(put(subject, &[]).await, Vec::<bool>::new());
}

pub(crate) async fn newer_versions_win(subject: &Subject) {
    assert_eq!(put(subject, &[stock("a", 5, 10)]).await, [true]);
    assert_eq!(put(subject, &[stock("a", 4, 1)]).await, [false], "older");
    assert_eq!(put(subject, &[stock("a", 5, 2)]).await, [false], "equal");
    assert_eq!(exact(subject, "a").await, [units("a-M", Pool::Normal, 10, 10)]);
    assert_eq!(put(subject, &[stock("a", 6, 3)]).await, [true]);
    assert_eq!(exact(subject, "a").await, [units("a-M", Pool::Normal, 3, 3)]);
    assert_eq!(
        states(subject, &uk()).await,
        [("a".to_owned(), Pool::Normal, known(3))]
    );
}

pub(crate) async fn a_newer_epoch_wins_over_any_version(subject: &Subject) {
    let cache = subject.cache();
    cache.put_stock(&uk(), 9, &[stock("a", 1_000, 10)]).await.unwrap();
    assert_eq!(
        cache.put_stock(&uk(), 10, &[stock("a", 0, 4)]).await.unwrap(),
        [true]
    );
    assert_eq!(
        cache.put_stock(&uk(), 9, &[stock("a", 2_000, 7)]).await.unwrap(),
        [false]
    );
    assert_eq!(exact(subject, "a").await, [units("a-M", Pool::Normal, 4, 4)]);
}

/// Above 2^53, and across a change of the number of digits.
pub(crate) async fn versions_compare_over_their_whole_range(subject: &Subject) {
    let rising = [
        0,
        9,
        10,
        99,
        100,
        (1 << 53) + 1,
        (1 << 53) + 2,
        u64::MAX - 1,
        u64::MAX,
    ];
    for (at, &version) in rising.iter().enumerate() {
        let count = u32::try_from(at).unwrap();
        assert_eq!(
            put(subject, &[stock("a", version, count)]).await,
            [true],
            "{version}"
        );
        for &older in &rising[..at] {
            assert_eq!(
                put(subject, &[stock("a", older, 77)]).await,
                [false],
                "{older} after {version}"
            );
        }
    }
    let cache = subject.cache();
    assert_eq!(
        cache
            .put_stock(&uk(), u64::MAX - 1, &[stock("a", 0, 1)])
            .await
            .unwrap(),
        [true]
    );
    assert_eq!(
        cache
            .put_stock(&uk(), u64::MAX, &[stock("a", 0, 2)])
            .await
            .unwrap(),
        [true]
    );
    assert_eq!(
        cache
            .put_stock(&uk(), u64::MAX - 1, &[stock("a", 9, 3)])
            .await
            .unwrap(),
        [false]
    );
}

pub(crate) async fn exact_stock_is_kept_per_sku_and_pool(subject: &Subject) {
    let mut owed = of_sku("a-L", stock("a", 1, 0));
    owed.change.available = i64::MIN;
    let mut endless = in_pool(Pool::Room("r:1".to_owned()), stock("a", 1, u32::MAX));
    endless.change.available = i64::MAX;
    put(subject, &[stock("a", 1, 7), endless, owed, stock("b", 1, 1)]).await;
    assert_eq!(
        exact(subject, "a").await,
        [
            units("a-L", Pool::Normal, i64::MIN, 0),
            units("a-M", Pool::Normal, 7, 7),
            units("a-M", Pool::Room("r:1".to_owned()), i64::MAX, u32::MAX),
        ]
    );
}

pub(crate) async fn a_product_sells_the_sum_of_its_skus_per_pool(subject: &Subject) {
    let creator = Pool::Creator("ada".to_owned());
    put(
        subject,
        &[
            stock("a", 1, 3),
            of_sku("a-L", stock("a", 1, 4)),
            in_pool(creator.clone(), stock("a", 1, 9)),
        ],
    )
    .await;
    let a = |pool, count| ("a".to_owned(), pool, known(count));
    assert_eq!(
        states(subject, &uk()).await,
        [a(Pool::Normal, 7), a(creator.clone(), 9)]
    );
    put(
        subject,
        &[stock("a", 2, 0), in_pool(creator.clone(), stock("a", 2, 0))],
    )
    .await;
    assert_eq!(
        states(subject, &uk()).await,
        [a(Pool::Normal, 4), a(creator.clone(), 0)]
    );
    let moves = [
        (Pool::Normal, known(3)),
        (Pool::Normal, known(7)),
        (creator.clone(), known(9)),
        (Pool::Normal, known(4)),
        (creator, known(0)),
    ];
    assert_eq!(said(subject, moves.len()).await, moves);
}

pub(crate) async fn counts_saturate_and_are_announced_only_when_they_move(subject: &Subject) {
    for (version, count) in [
        (1, 300),
        (2, 255),
        (3, u32::MAX),
        (4, 254),
        (5, 254),
        (6, 0),
        (7, 0),
        (8, 1),
    ] {
        assert_eq!(put(subject, &[stock("a", version, count)]).await, [true]);
    }
    // A sum above what 32 bits hold.
    put(
        subject,
        &[stock("a", 9, u32::MAX), of_sku("a-L", stock("a", 1, u32::MAX))],
    )
    .await;
    put(subject, &[of_sku("a-L", stock("a", 2, 0)), stock("a", 10, 2)]).await;
    let moves = [255, 254, 0, 1, 255, 2].map(|count| (Pool::Normal, known(count)));
    assert_eq!(said(subject, moves.len()).await, moves);
}

pub(crate) async fn held_stock_is_a_pool_of_its_own(subject: &Subject) {
    put(subject, &[in_pool(Pool::Held, stock("a", 1, 50))]).await;
    assert_eq!(
        states(subject, &uk()).await,
        [("a".to_owned(), Pool::Held, known(50))]
    );
}

pub(crate) async fn doubles_in_one_batch_count_once(subject: &Subject) {
    let batch = [
        stock("a", 2, 5),
        stock("a", 2, 5),
        stock("a", 1, 8),
        stock("a", 3, 6),
    ];
    assert_eq!(put(subject, &batch).await, [true, false, false, true]);
    assert_eq!(
        said(subject, 2).await,
        [(Pool::Normal, known(5)), (Pool::Normal, known(6))]
    );
}

pub(crate) async fn a_large_batch_is_answered_in_order(subject: &Subject) {
    let batch: Vec<_> = (0..1_000_u32)
        .map(|at| stock(&format!("p{at:04}"), 1, at % 7))
        .collect();
    assert_eq!(put(subject, &batch).await, vec![true; 1_000]);
    let again: Vec<_> = (0..1_000_u32)
        .map(|at| stock(&format!("p{at:04}"), 1 + u64::from(at % 2), 1))
        .collect();
    let newer: Vec<bool> = (0..1_000).map(|at| at % 2 == 1).collect();
    assert_eq!(put(subject, &again).await, newer);
    let states = states(subject, &uk()).await;
    assert_eq!(states.len(), 1_000);
    for (at, (id, _, state)) in states.into_iter().enumerate() {
        assert_eq!(id, format!("p{at:04}"));
        assert_eq!(
            state,
            known(if at % 2 == 1 {
                1
            } else {
                u8::try_from(at % 7).unwrap()
            })
        );
    }
}

pub(crate) async fn strange_ids_stay_apart(subject: &Subject) {
    let ids = [
        "a", "a:b", "a{b}", "a%3Ab", "外套", " ", "s", "t", "l", "*", "\\", "a\u{a0}b",
    ];
    let changes: Vec<_> = ids
        .iter()
        .zip(1..)
        .map(|(id, count)| stock(id, 1, count))
        .collect();
    assert_eq!(put(subject, &changes).await, vec![true; ids.len()]);
    for (id, count) in ids.into_iter().zip(1..) {
        let expected = [units(
            &format!("{id}-M"),
            Pool::Normal,
            count,
            u32::try_from(count).unwrap(),
        )];
        assert_eq!(exact(subject, id).await, expected);
    }
    assert_eq!(states(subject, &uk()).await.len(), ids.len());
}

pub(crate) async fn announcements_carry_the_trace(subject: &Subject) {
    let from = subject.cache().feed_position(&uk()).await.unwrap();
    let mut change = stock("a", 1, 1);
    change.traceparent = "00-trace-01".to_owned();
    put(subject, &[change]).await;
    let mut feed = subject.cache().follow(&uk(), from).await.unwrap();
    let expected = FeedEvent::Availability {
        product: product("a"),
        pool: Pool::Normal,
        state: known(1),
        traceparent: "00-trace-01".to_owned(),
    };
    assert_eq!(events(&mut feed, 1).await, [expected]);
}

pub(crate) async fn marketplaces_do_not_see_each_other(subject: &Subject) {
    let cache = subject.cache();
    for id in ["uk", "uk:de", "uk}:feed", "{uk}"] {
        let marketplace = MarketplaceId::new(id).unwrap();
        assert_eq!(states(subject, &marketplace).await, vec![]);
        assert_eq!(
            cache
                .put_stock(&marketplace, 1, &[stock("a", 1, 5)])
                .await
                .unwrap(),
            [true]
        );
        assert_eq!(states(subject, &marketplace).await.len(), 1);
    }
}
