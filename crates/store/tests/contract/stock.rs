//! Stock: versions, deltas, unknown SKUs, shops, policies.

use tandem_domain::catalog::{SkuInput, StockPolicy};
use tandem_domain::change::Change;
use tandem_domain::id::SkuId;
use tandem_domain::stock::{Pool, StockChange, StockReport, Thresholds};
use tandem_store::{Missing, Store, StoreError};

use crate::house::{House, connect, delta, product_id, set, sku, sku_id};

over_both! {
    the_newest_version_of_a_source_wins,
    outcomes_come_in_the_order_of_the_reports,
    a_version_that_comes_with_another_value_refuses_the_batch,
    a_delta_applies_once,
    pools_and_sources_are_told_apart,
    stock_of_an_unknown_sku_is_kept_and_takes_effect_when_it_comes,
    what_a_stranger_says_of_a_sku_to_come_never_takes_effect,
    another_shops_sku_is_refused_whole,
    a_caller_without_a_shop_reads_but_does_not_write,
    a_policy_changes_what_may_be_sold,
    thresholds_are_sent_with_the_products_of_the_shop,
    levels_outlive_a_restart,
    numbers_beyond_64_bits_are_refused,
    a_report_carries_its_trace,
}

pub(crate) fn stock_changes(changes: Vec<Change>) -> Vec<StockChange> {
    changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Stock(change) => Some(change),
            _ => None,
        })
        .collect()
}

async fn the_newest_version_of_a_source_wins(house: House) {
    house.put_product("p", &["k"]).await;
    house.relay().await;
    house.report(&[set("k", 5, 10)]).await;
    for (report, applied) in [
        (set("k", 4, 99), false),
        (set("k", 5, 10), false),
        (set("k", 6, 10), false),
        (set("k", 7, 3), true),
    ] {
        let outcome = &house.report(&[report]).await[0];
        assert_eq!(outcome.applied, applied, "{outcome:?}");
        assert!(outcome.known_sku);
    }
    // A version that said nothing new counts nevertheless.
    let refused = house
        .store
        .report_stock(&house.ctx(), &[set("k", 6, 1)])
        .await
        .unwrap();
    assert!(!refused[0].applied);
    let level = &house.levels(&["k"]).await[0];
    assert_eq!((level.available, level.store_version), (3, 2));
    let sent: Vec<_> = stock_changes(house.changes().await)
        .into_iter()
        .map(|change| (change.store_version, change.available, change.sellable))
        .collect();
    assert_eq!(sent, [(1, 10, 10), (2, 3, 3)]);
}

async fn outcomes_come_in_the_order_of_the_reports(house: House) {
    house.put_product("p", &["b", "a"]).await;
    house.relay().await;
    let outcomes = house
        .report(&[
            set("b", 1, 5),
            set("a", 1, 7),
            set("b", 2, 6),
            delta("a", "d", -1),
        ])
        .await;
    let said: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            (
                outcome.level.sku.as_str(),
                outcome.level.available,
                outcome.level.store_version,
            )
        })
        .collect();
    assert_eq!(said, [("b", 5, 1), ("a", 7, 1), ("b", 6, 2), ("a", 6, 2)]);
    // What the batch ends with is sent, not its way there.
    let sent: Vec<_> = stock_changes(house.changes().await)
        .into_iter()
        .map(|change| (change.sku.to_string(), change.available, change.store_version))
        .collect();
    assert_eq!(sent, [("a".to_owned(), 6, 2), ("b".to_owned(), 6, 2)]);
}

async fn a_version_that_comes_with_another_value_refuses_the_batch(house: House) {
    house.put_product("p", &["k", "l"]).await;
    house.report(&[set("k", 1, 5)]).await;
    house.relay().await;
    let refused = house
        .store
        .report_stock(&house.ctx(), &[set("l", 1, 1), set("k", 1, 6)])
        .await;
    assert!(
        matches!(&refused, Err(StoreError::VersionConflict { sku, source_version: 1, .. }) if sku.as_str() == "k"),
        "{refused:?}"
    );
    assert_eq!(house.levels(&["l"]).await, []);
    assert_eq!(house.changes().await, []);
}

async fn a_delta_applies_once(house: House) {
    house.put_product("p", &["k"]).await;
    house.report(&[set("k", 1, 10)]).await;
    let said: Vec<_> = [
        delta("k", "a", -3),
        delta("k", "a", -3),
        delta("k", "b", -4),
        delta("k", "a", -3),
    ]
    .map(|report| vec![report])
    .into_iter()
    .collect();
    let mut outcomes = Vec::new();
    for reports in said {
        outcomes.extend(house.report(&reports).await);
    }
    let said: Vec<_> = outcomes
        .iter()
        .map(|outcome| (outcome.level.available, outcome.applied))
        .collect();
    assert_eq!(said, [(7, true), (7, false), (3, true), (3, false)]);
    // Below zero is a fact, too: it was sold.
    assert_eq!(house.report(&[delta("k", "c", -5)]).await[0].level.available, -2);
    assert_eq!(stock_changes(house.changes().await).last().unwrap().sellable, 0);
}

async fn pools_and_sources_are_told_apart(house: House) {
    house.put_product("p", &["k"]).await;
    let room = Pool::Room("r1".to_owned());
    let in_room = StockReport {
        pool: room.clone(),
        ..set("k", 1, 2)
    };
    let other_source = StockReport {
        source: "erp".to_owned(),
        ..set("k", 1, 8)
    };
    house.report(&[set("k", 3, 5), in_room, other_source]).await;
    let levels: Vec<_> = house
        .levels(&["k"])
        .await
        .into_iter()
        .map(|level| (level.pool, level.available))
        .collect();
    assert_eq!(levels, [(Pool::Normal, 8), (room, 2)]);
}

async fn stock_of_an_unknown_sku_is_kept_and_takes_effect_when_it_comes(house: House) {
    house.relay().await;
    let outcome = &house.report(&[set("k", 4, 9)]).await[0];
    assert!(outcome.applied && !outcome.known_sku);
    assert_eq!(house.changes().await, []);
    house.put_product("p", &["k"]).await;
    let changes = stock_changes(house.changes().await);
    let [change] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!(
        (change.product.as_str(), change.available, change.sellable),
        ("p", 9, 9)
    );
    // Its versions go on from where they stood.
    assert!(!house.report(&[set("k", 3, 1)]).await[0].applied);
    house.report(&[set("k", 5, 1)]).await;
    let next = &stock_changes(house.changes().await)[0];
    assert!(next.store_version > change.store_version);
}

async fn what_a_stranger_says_of_a_sku_to_come_never_takes_effect(house: House) {
    let stranger = house.ctx_of("stranger");
    house
        .store
        .report_stock(&stranger, &[set("k", 1, 1_000)])
        .await
        .unwrap();
    house.put_product("p", &["k"]).await;
    assert_eq!(stock_changes(house.changes().await), []);
    assert_eq!(house.levels(&["k"]).await, []);
    assert_eq!(stock_changes(house.rebuilt().await), []);
    let platform = house
        .store
        .stock(&house.platform(), &[sku_id("k")])
        .await
        .unwrap();
    assert_eq!(platform, []);
}

async fn another_shops_sku_is_refused_whole(house: House) {
    house.put_product("mine", &["k"]).await;
    house.put_product_of("s2", "theirs", &["l"]).await;
    house.relay().await;
    let refused = house
        .store
        .report_stock(&house.ctx(), &[set("k", 1, 1), set("l", 1, 1)])
        .await;
    assert!(
        matches!(&refused, Err(StoreError::ForeignShop(Missing::Sku(id))) if *id == sku_id("l")),
        "{refused:?}"
    );
    assert_eq!(house.levels(&["k"]).await, []);
    assert_eq!(house.changes().await, []);
    assert_eq!(house.levels(&["l"]).await, []);
}

async fn a_caller_without_a_shop_reads_but_does_not_write(house: House) {
    house.put_product("mine", &["k"]).await;
    house.put_product_of("s2", "theirs", &["l"]).await;
    house.report(&[set("k", 1, 3)]).await;
    house
        .store
        .report_stock(&house.ctx_of("s2"), &[set("l", 1, 4)])
        .await
        .unwrap();
    let skus: Vec<SkuId> = ["l", "none", "k"].map(sku_id).to_vec();
    let levels = house.store.stock(&house.platform(), &skus).await.unwrap();
    let levels: Vec<_> = levels
        .iter()
        .map(|level| (level.sku.as_str(), level.available))
        .collect();
    assert_eq!(levels, [("l", 4), ("k", 3)]);
    let mut ctx = house.ctx();
    ctx.principal = house.platform();
    let refused = house.store.report_stock(&ctx, &[set("k", 2, 1)]).await;
    assert!(matches!(refused, Err(StoreError::NoShop)), "{refused:?}");
}

async fn a_policy_changes_what_may_be_sold(house: House) {
    house.put_product("p", &["k"]).await;
    house.report(&[set("k", 1, 0)]).await;
    house.relay().await;
    let with = |policy| SkuInput {
        policy,
        ..sku("k", "p")
    };
    let mut last = 1;
    for policy in [
        StockPolicy::ContinueSelling,
        StockPolicy::Tracked,
        StockPolicy::PreOrder,
    ] {
        house
            .store
            .upsert_skus(&house.ctx(), &[with(policy)])
            .await
            .unwrap();
        let changes = stock_changes(house.changes().await);
        let [change] = changes.as_slice() else {
            panic!("{changes:?}")
        };
        assert_eq!((change.policy, change.sellable), (policy, 0));
        assert_eq!(change.shop.as_ref().map(|shop| shop.as_str()), Some("s1"));
        assert!(change.store_version > last, "a cache would not take it");
        last = change.store_version;
    }
    // One that nobody counts can be bought although nobody ever reported it.
    let uncounted = SkuInput {
        policy: StockPolicy::Untracked,
        ..sku("l", "p")
    };
    house.store.upsert_skus(&house.ctx(), &[uncounted]).await.unwrap();
    let changes = stock_changes(house.changes().await);
    let [change] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!(
        (change.sku.as_str(), change.policy),
        ("l", StockPolicy::Untracked)
    );
    assert_eq!(change.product, product_id("p"));
}

async fn thresholds_are_sent_with_the_products_of_the_shop(house: House) {
    house.put_product("p", &["k"]).await;
    house.put_product("q", &[]).await;
    house.put_product_of("s2", "r", &[]).await;
    house.relay().await;
    let limits = Thresholds {
        low: 5,
        ..Thresholds::default()
    };
    let stored = house
        .store
        .update_thresholds(&house.ctx(), limits, Some(0))
        .await
        .unwrap();
    assert_eq!((stored.version, stored.thresholds), (1, limits));
    assert_eq!(
        house.store.thresholds(&house.ctx().principal).await.unwrap(),
        stored
    );
    let changes = house.changes().await;
    let [Change::Thresholds(change)] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!(
        (&change.of, change.products.as_slice()),
        (&stored, &[product_id("p"), product_id("q")][..])
    );
    let again = house
        .store
        .update_thresholds(&house.ctx(), limits, None)
        .await
        .unwrap();
    assert_eq!(again, stored, "the same is no change");
    assert!(house.changes().await.is_empty());
    let stale = house.store.update_thresholds(&house.ctx(), limits, Some(0)).await;
    assert!(
        matches!(stale, Err(StoreError::EtagMismatch { found: 1, .. })),
        "{stale:?}"
    );
    let other = house
        .store
        .thresholds(&house.ctx_of("s2").principal)
        .await
        .unwrap();
    assert_eq!((other.version, other.thresholds), (0, Thresholds::default()));
}

async fn levels_outlive_a_restart(house: House) {
    house.put_product("p", &["k"]).await;
    let told = house.report(&[set("k", 1, 5), delta("k", "a", -1)]).await;
    house.store.clone().close().await;
    let again: Store = connect(&house.url).await;
    let levels = again.stock(&house.ctx().principal, &[sku_id("k")]).await.unwrap();
    assert_eq!(levels, [told[1].level.clone()]);
    let repeated = again
        .report_stock(&house.ctx(), &[set("k", 1, 5), delta("k", "a", -1)])
        .await
        .unwrap();
    assert!(repeated.iter().all(|outcome| !outcome.applied));
}

async fn numbers_beyond_64_bits_are_refused(house: House) {
    house.put_product("p", &["k"]).await;
    house.report(&[set("k", 1, i64::MAX)]).await;
    for report in [set("k", u64::MAX, 1), delta("k", "a", 1)] {
        let refused = house.store.report_stock(&house.ctx(), &[report]).await;
        assert!(
            matches!(refused, Err(StoreError::OutOfRange { .. })),
            "{refused:?}"
        );
    }
}

async fn a_report_carries_its_trace(house: House) {
    house.put_product("p", &["k"]).await;
    house.relay().await;
    let mut ctx = house.ctx();
    ctx.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    house.store.report_stock(&ctx, &[set("k", 1, 5)]).await.unwrap();
    let sent = house.relay().await;
    assert_eq!(sent[0].traceparent, ctx.traceparent);
    assert_eq!(
        (sent[0].store_epoch, &sent[0].marketplace),
        (1, &house.marketplace)
    );
}
