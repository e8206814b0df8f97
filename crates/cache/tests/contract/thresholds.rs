//! Supply: how stock is judged by the thresholds of its shop, and what sells without being counted.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tandem_cache::port::Traced;
use tandem_domain::catalog::{Listing, StockPolicy};
use tandem_domain::change::ThresholdsChange;
use tandem_domain::id::ShopId;
use tandem_domain::stock::{
    Availability, PolicySet, Pool, SellableCount, ShopThresholds, Standing, StockChange, Supply, Thresholds,
};

use crate::sample::{in_pool, listing, of_sku, product, stock, uk, untraced};
use crate::stock::states;
use crate::subject::Subject;

const LIMITS: Thresholds = Thresholds {
    low: 10,
    critical: 3,
    buffer: 2,
    hysteresis: 4,
};

fn gifts() -> ShopId {
    ShopId::new("gifts").unwrap()
}

fn thresholds(version: u64, thresholds: Thresholds, products: &[&str]) -> Traced<ThresholdsChange> {
    untraced(ThresholdsChange {
        of: ShopThresholds {
            shop: gifts(),
            thresholds,
            version,
        },
        products: products.iter().map(|id| product(id)).collect(),
    })
}

fn of_shop(mut change: Traced<StockChange>) -> Traced<StockChange> {
    change.change.shop = Some(gifts());
    change
}

fn under(policy: StockPolicy, mut change: Traced<StockChange>) -> Traced<StockChange> {
    change.change.policy = policy;
    change
}

fn known(units: u64, supply: Supply, uncounted: PolicySet) -> Availability {
    Availability::Known(Standing::new(SellableCount::saturating(units), supply, uncounted))
}

async fn put(subject: &Subject, change: Traced<StockChange>) {
    subject.cache().put_stock(&uk(), 1, &[change]).await.unwrap();
}

async fn state(subject: &Subject) -> Availability {
    let states = states(subject, &uk()).await;
    let normal = states
        .into_iter()
        .find(|(id, pool, _)| id == "a" && *pool == Pool::Normal);
    normal.map_or(Availability::Unknown, |(.., state)| state)
}

async fn judge_by(subject: &Subject, change: &Traced<ThresholdsChange>) -> bool {
    subject.cache().put_thresholds(&uk(), 1, change).await.unwrap()
}

pub(crate) async fn thresholds_are_read_by_shop(subject: &Subject) {
    let none = ShopId::new("none").unwrap();
    let read = async |shops: &[ShopId]| subject.cache().thresholds(&uk(), shops).await.unwrap();
    assert_eq!(read(&[]).await, []);
    assert_eq!(read(&[gifts()]).await, [Thresholds::default()]);
    assert!(judge_by(subject, &thresholds(2, LIMITS, &[])).await);
    assert!(!judge_by(subject, &thresholds(1, Thresholds::default(), &[])).await);
    let shops = [none, gifts(), gifts()];
    assert_eq!(read(&shops).await, [Thresholds::default(), LIMITS, LIMITS]);
    let all = subject.cache().all_thresholds(&uk()).await.unwrap();
    assert_eq!(all, [thresholds(2, LIMITS, &[]).change.of], "with its version");
}

pub(crate) async fn stock_is_judged_by_the_thresholds_of_its_shop(subject: &Subject) {
    assert!(judge_by(subject, &thresholds(1, LIMITS, &[])).await);
    for (version, total, units, supply) in [
        (1, 50, 48, Supply::Plenty),
        (2, 12, 10, Supply::Low),
        (3, 16, 14, Supply::Low),
        (4, 17, 15, Supply::Plenty),
        (5, 2, 0, Supply::Out),
        (6, 6, 0, Supply::Out),
        (7, 7, 5, Supply::Critical),
    ] {
        put(subject, of_shop(stock("a", version, total))).await;
        let expected = known(units, supply, PolicySet::NONE);
        assert_eq!(state(subject).await, expected, "{total} units");
    }
    // Another shop never said anything.
    put(subject, stock("b", 1, 1)).await;
    let states = states(subject, &uk()).await;
    assert!(states.contains(&(
        "b".to_owned(),
        Pool::Normal,
        Availability::of(SellableCount::saturating(1))
    )));
}

pub(crate) async fn new_thresholds_judge_the_products_that_come_with_them(subject: &Subject) {
    put(subject, of_shop(stock("a", 1, 8))).await;
    put(subject, of_shop(in_pool(Pool::Promotion, stock("a", 1, 1)))).await;
    assert_eq!(state(subject).await, known(8, Supply::Plenty, PolicySet::NONE));
    assert!(judge_by(subject, &thresholds(2, LIMITS, &["a", "never seen"])).await);
    assert_eq!(state(subject).await, known(6, Supply::Low, PolicySet::NONE));
    let states = states(subject, &uk()).await;
    let promotion = states.iter().find(|(_, pool, _)| *pool == Pool::Promotion);
    assert_eq!(promotion.unwrap().2, known(0, Supply::Out, PolicySet::NONE));
    assert!(states.iter().all(|(id, ..)| id != "never seen"));
    let older = thresholds(1, Thresholds::default(), &["a"]);
    assert!(!judge_by(subject, &older).await, "older");
    assert_eq!(state(subject).await, known(6, Supply::Low, PolicySet::NONE));
    assert!(judge_by(subject, &thresholds(3, Thresholds::default(), &["a"])).await);
    assert_eq!(state(subject).await, known(8, Supply::Plenty, PolicySet::NONE));
}

pub(crate) async fn what_sells_without_units_is_told_beside_them(subject: &Subject) {
    let later = PolicySet::of(StockPolicy::PreOrder);
    put(
        subject,
        under(StockPolicy::PreOrder, of_sku("a-L", stock("a", 1, 0))),
    )
    .await;
    assert_eq!(state(subject).await, known(0, Supply::Out, later));
    put(subject, stock("a", 1, 3)).await;
    assert_eq!(state(subject).await, known(3, Supply::Plenty, later));
    put(
        subject,
        under(StockPolicy::ContinueSelling, of_sku("a-L", stock("a", 2, 4))),
    )
    .await;
    let oversold = PolicySet::of(StockPolicy::ContinueSelling);
    assert_eq!(state(subject).await, known(7, Supply::Plenty, oversold));
    put(subject, of_sku("a-L", stock("a", 3, 4))).await;
    assert_eq!(state(subject).await, known(7, Supply::Plenty, PolicySet::NONE));
    let off = listing("a", 1, Listing::Delisted);
    subject.cache().put_listing(&uk(), 1, &off).await.unwrap();
    assert_eq!(state(subject).await, Availability::Delisted);
    let exact = subject
        .cache()
        .stock(&uk(), &[product("a")])
        .await
        .unwrap()
        .remove(0);
    assert!(exact.iter().all(|exact| exact.policy == StockPolicy::Tracked));
}

/// Both caches judge as the domain does, whatever happened before.
pub(crate) async fn every_walk_is_judged_as_the_domain_judges(subject: &Subject) {
    let mut runner = TestRunner::deterministic();
    let limits =
        (0..20_u32, 0..20_u32, 0..5_u32, 0..8_u32).prop_map(|(a, b, buffer, hysteresis)| Thresholds {
            low: a.max(b),
            critical: a.min(b),
            buffer,
            hysteresis,
        });
    let step = (prop::option::weighted(0.2, limits), 0..40_u32);
    let walk = vec(step, 120).new_tree(&mut runner).unwrap().current();
    let (mut now, mut before) = (Thresholds::default(), Supply::Plenty);
    for ((limits, total), version) in walk.into_iter().zip(1..) {
        if let Some(limits) = limits {
            now = limits;
            judge_by(subject, &thresholds(version, limits, &[])).await;
        }
        put(subject, of_shop(stock("a", version, total))).await;
        let (units, supply) = now.judge(total.into(), before);
        before = supply;
        let expected = Availability::Known(Standing::new(units, supply, PolicySet::NONE));
        assert_eq!(state(subject).await, expected, "{total} units under {now:?}");
    }
}
