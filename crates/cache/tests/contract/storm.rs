//! Messages may be lost, doubled and reordered; the highest version stands at the end, and whoever followed the feed
//! knows what stands.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use tandem_cache::port::{FeedPosition, Traced};
use tandem_domain::catalog::Listing;
use tandem_domain::change::ListingChange;
use tandem_domain::feed::FeedEvent;
use tandem_domain::id::MarketplaceId;
use tandem_domain::stock::{Availability, Pool, SellableCount, StockChange};

use crate::sample::{in_pool, listing, of_sku, product, stock, uk};
use crate::stock::states;
use crate::subject::{Subject, events};

#[derive(Debug, Clone)]
enum Write {
    Stock(u64, Traced<StockChange>),
    Listing(u64, Traced<ListingChange>),
}

type View = BTreeMap<(String, Pool), Availability>;

/// Products 0–3, SKUs 0–2, three pools, versions 1–9, epochs 1–2.
fn write() -> impl Strategy<Value = Write> {
    let pools = prop_oneof![
        Just(Pool::Normal),
        Just(Pool::Held),
        Just(Pool::Room("r".to_owned()))
    ];
    let stocked =
        (0..4_u8, 0..3_u8, pools, 1..10_u64, 1..3_u64).prop_map(|(id, sku, pool, version, epoch)| {
            // What a version says never changes.
            let units = [0, 1, 100, 200, 300, u32::MAX][usize::try_from((version * 7 + epoch) % 6).unwrap()];
            let change = stock(&id.to_string(), version, units);
            Write::Stock(epoch, in_pool(pool, of_sku(&format!("{id}-{sku}"), change)))
        });
    let listed = (0..4_u8, 1..10_u64, 1..3_u64).prop_map(|(id, version, epoch)| {
        let state = if (version + epoch) % 2 == 0 {
            Listing::Delisted
        } else {
            Listing::Listed
        };
        Write::Listing(epoch, listing(&id.to_string(), version, state))
    });
    prop_oneof![4 => stocked, 1 => listed]
}

async fn apply(subject: &Subject, marketplace: &MarketplaceId, writes: &[Write]) {
    for write in writes {
        match write {
            Write::Stock(epoch, change) => {
                subject
                    .cache()
                    .put_stock(marketplace, *epoch, std::slice::from_ref(change))
                    .await
                    .unwrap();
            }
            Write::Listing(epoch, change) => {
                subject
                    .cache()
                    .put_listing(marketplace, *epoch, change)
                    .await
                    .unwrap();
            }
        }
    }
}

/// The plain reading of the promise.
fn expected(writes: &[Write]) -> View {
    let mut levels = BTreeMap::new();
    let mut listings = BTreeMap::new();
    for write in writes {
        match write {
            Write::Stock(epoch, Traced { change, .. }) => {
                let place = (
                    change.product.to_string(),
                    change.pool.clone(),
                    change.sku.clone(),
                );
                let level = levels.entry(place).or_insert(((0, 0), 0));
                *level = (*level).max(((*epoch, change.store_version), change.sellable));
            }
            Write::Listing(epoch, Traced { change, .. }) => {
                let state = listings
                    .entry(change.product.to_string())
                    .or_insert(((0, 0), false));
                *state = (*state).max(((*epoch, change.version), change.listing == Listing::Delisted));
            }
        }
    }
    let mut sums: BTreeMap<(String, Pool), u64> = BTreeMap::new();
    for ((product, pool, _), (_, units)) in levels {
        *sums.entry((product, pool)).or_default() += u64::from(units);
    }
    let delisted: Vec<String> = listings
        .into_iter()
        .filter(|(_, (_, off))| *off)
        .map(|(id, _)| id)
        .collect();
    let known = |units| Availability::of(SellableCount::saturating(units));
    let mut view: View = sums
        .into_iter()
        .map(|(place, units)| (place, known(units)))
        .collect();
    for id in delisted {
        view.insert((id.clone(), Pool::Normal), Availability::Delisted);
        for (_, state) in view.iter_mut().filter(|((product, _), _)| *product == id) {
            *state = Availability::Delisted;
        }
    }
    view
}

/// What a gateway knows that followed from the beginning.
async fn followed(subject: &Subject, marketplace: &MarketplaceId) -> View {
    let cache = subject.cache();
    cache.beat(marketplace, u64::MAX, 1).await.unwrap();
    let mut feed = cache
        .follow(marketplace, FeedPosition("0-0".to_owned()))
        .await
        .unwrap();
    let mut view = View::new();
    loop {
        match events(&mut feed, 1).await.remove(0) {
            FeedEvent::Availability {
                product, pool, state, ..
            } => {
                let place = (product.to_string(), pool);
                let before = match state {
                    Availability::Unknown => view.remove(&place),
                    state => view.insert(place, state),
                };
                assert_ne!(
                    before.unwrap_or(Availability::Unknown),
                    state,
                    "announced though it did not move"
                );
            }
            FeedEvent::Heartbeat(1) => return view,
            other => panic!("{other:?}"),
        }
    }
}

async fn check(subject: &Subject, marketplace: &MarketplaceId, writes: &[Write]) {
    let expected = expected(writes);
    let stored = states(subject, marketplace)
        .await
        .into_iter()
        .map(|(id, pool, state)| ((id, pool), state));
    assert_eq!(stored.collect::<View>(), expected, "what is stored");
    assert_eq!(
        followed(subject, marketplace).await,
        expected,
        "what the feed said"
    );
}

pub(crate) async fn concurrent_writers_end_with_the_highest_versions(subject: &Subject) {
    let mut runner = TestRunner::deterministic();
    let writes = vec(write(), 300).new_tree(&mut runner).unwrap().current();
    let shuffles = Just(writes.clone()).prop_shuffle();
    let writers: Vec<Vec<Write>> = (0..8)
        .map(|_| shuffles.new_tree(&mut runner).unwrap().current())
        .collect();
    let market = uk();
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        std::thread::scope(|threads| {
            for writes in &writers {
                let (handle, market) = (&handle, &market);
                threads.spawn(move || handle.block_on(apply(subject, market, writes)));
            }
        });
    });
    check(subject, &market, &writes).await;
}

pub(crate) async fn shuffled_and_doubled_changes_end_with_the_highest_versions(subject: &Subject) {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let stream = vec(write(), 1..40).prop_flat_map(|writes| {
        let doubled = [writes.clone(), writes].concat();
        Just(doubled).prop_shuffle()
    });
    for case in 0..64 {
        let writes = stream.new_tree(&mut runner).unwrap().current();
        let market = MarketplaceId::new(format!("m{case}")).unwrap();
        // Half of the stock goes in batches.
        let batch: Vec<_> = writes.iter().filter_map(first_epoch).collect();
        let half = batch.len() / 2;
        subject
            .cache()
            .put_stock(&market, 1, &batch[..half])
            .await
            .unwrap();
        apply(subject, &market, &writes).await;
        check(subject, &market, &writes).await;
    }
    assert_eq!(
        subject.cache().cards(&uk(), &[product("0")]).await.unwrap(),
        [None]
    );
}

fn first_epoch(write: &Write) -> Option<Traced<StockChange>> {
    match write {
        Write::Stock(1, change) => Some(change.clone()),
        _ => None,
    }
}
