//! Category rules: one per pair and shop, versioned together, read whole by a build.

use futures::future::join_all;
use tandem_domain::catalog::Category;
use tandem_domain::id::{CategoryId, ShopId};
use tandem_domain::rule::{CategoryRule, PriceRatio, RatioBand, RuleKey, Ruling, StandingRule};
use tandem_store::{Missing, Result, RuleBook, RuleQuery, RuleUpdate, StoreError, WhenMissing};

use crate::house::House;
use crate::still::{NOW, after, market, repeatable};

over_both! {
    a_rule_is_kept_as_it_was_said_and_audited,
    what_changes_nothing_makes_no_version,
    a_deleted_rule_is_gone_and_versions_go_on_rising,
    a_stale_etag_changes_nothing,
    a_rule_is_of_known_categories,
    a_shop_says_what_holds_for_its_own_anchors_alone,
    pages_meet_and_show_what_concerns_the_caller,
    of_writers_at_once_each_has_a_version_and_the_book_has_all,
    a_rule_asked_for_again_is_the_first,
    a_book_is_of_its_own_marketplace,
}

const RELATED: Ruling = Ruling::Related(None);

async fn describe(house: &House, categories: &[&str]) {
    let category = |id: &&str| Category {
        id: CategoryId::new(*id).unwrap(),
        parent: None,
        name: (*id).to_owned(),
    };
    let all: Vec<_> = categories.iter().map(category).collect();
    house
        .store
        .upsert_categories(&house.marketplace, &all)
        .await
        .unwrap();
}

fn key(shop: Option<&str>, anchor: &str, companion: &str) -> RuleKey {
    RuleKey {
        shop: shop.map(|shop| ShopId::new(shop).unwrap()),
        anchor: CategoryId::new(anchor).unwrap(),
        companion: CategoryId::new(companion).unwrap(),
    }
}

fn says(key: RuleKey, ruling: Ruling) -> RuleUpdate {
    RuleUpdate {
        rule: CategoryRule { key, ruling },
        etag: None,
        when_missing: WhenMissing::Create,
        reason: "they never sell".to_owned(),
    }
}

fn banded(least: f64, most: f64) -> RatioBand {
    RatioBand::new(PriceRatio::new(least).unwrap(), PriceRatio::new(most).unwrap()).unwrap()
}

async fn update(house: &House, update: &RuleUpdate) -> Result<StandingRule> {
    house.store.update_category_rule(&house.context(), update).await
}

async fn book(house: &House) -> RuleBook {
    house.store.category_rule_book(&house.marketplace).await.unwrap()
}

async fn a_rule_is_kept_as_it_was_said_and_audited(house: House) {
    describe(&house, &["phone", "case", "tea"]).await;
    assert_eq!(book(&house).await, RuleBook::default());
    let rulings = [
        (
            key(None, "phone", "case"),
            Ruling::Related(Some(banded(0.005, 0.5))),
        ),
        (key(None, "phone", "tea"), Ruling::Forbidden),
        (key(Some("s1"), "case", "tea"), Ruling::Priced(banded(1.0, 1.0))),
    ];
    let mut said = Vec::new();
    for (version, (key, ruling)) in (1..).zip(rulings) {
        let made = update(&house, &says(key.clone(), ruling)).await.unwrap();
        let expected = StandingRule {
            rule: CategoryRule {
                key: key.clone(),
                ruling,
            },
            reason: "they never sell".to_owned(),
            author: "insecure".to_owned(),
            created: NOW,
            updated: NOW,
            version,
        };
        assert_eq!(made, expected);
        let principal = house.context().principal;
        let found = house.store.category_rule(&principal, &key).await.unwrap();
        assert_eq!(found, Some(expected));
        said.push(made.rule);
    }
    assert_eq!(
        book(&house).await,
        RuleBook {
            version: 3,
            rules: said
        }
    );
    let audit = house.store.audit(&house.marketplace, 1).await.unwrap();
    assert_eq!(
        (
            audit[0].action.as_str(),
            audit[0].target.as_str(),
            audit[0].reason.as_str()
        ),
        (
            "update_category_rule",
            r#"["case","tea","s1"]"#,
            "they never sell"
        )
    );
    let (principal, absent) = (house.context().principal, key(None, "tea", "case"));
    assert_eq!(
        house.store.category_rule(&principal, &absent).await.unwrap(),
        None
    );
}

async fn what_changes_nothing_makes_no_version(house: House) {
    describe(&house, &["a", "b"]).await;
    let mut change = says(key(None, "a", "b"), RELATED);
    let made = update(&house, &change).await.unwrap();
    change.reason = "once more".to_owned();
    assert_eq!(update(&house, &change).await.unwrap(), made);
    assert_eq!(book(&house).await.version, 1);
    change.rule.ruling = Ruling::Forbidden;
    let mut ctx = house.context();
    ctx.now = after(60);
    let changed = house.store.update_category_rule(&ctx, &change).await.unwrap();
    assert_eq!(
        (changed.version, changed.created, changed.updated),
        (2, NOW, after(60))
    );
    assert_eq!(changed.reason, "once more");
}

async fn a_deleted_rule_is_gone_and_versions_go_on_rising(house: House) {
    describe(&house, &["a", "b"]).await;
    let pair = key(None, "a", "b");
    let absent = RuleUpdate {
        when_missing: WhenMissing::Refuse,
        ..says(pair.clone(), RELATED)
    };
    let refused = update(&house, &absent).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::NotFound(Missing::CategoryRule(_))),
        "{refused:?}"
    );
    update(&house, &says(pair.clone(), RELATED)).await.unwrap();
    let (store, ctx) = (&house.store, house.context());
    assert!(
        store
            .delete_category_rule(&ctx, &pair, Some(1), "a mistake")
            .await
            .unwrap()
    );
    let expected = RuleBook {
        version: 2,
        rules: Vec::new(),
    };
    assert_eq!(book(&house).await, expected);
    assert!(!store.delete_category_rule(&ctx, &pair, None, "").await.unwrap());
    assert_eq!(book(&house).await, expected);
    assert_eq!(update(&house, &says(pair, RELATED)).await.unwrap().version, 3);
    let deeds: Vec<_> = house
        .deeds()
        .await
        .into_iter()
        .map(|(_, action, why)| (action, why))
        .collect();
    let deed = |action: &str, why: &str| (action.to_owned(), why.to_owned());
    assert_eq!(
        deeds,
        [
            deed("update_category_rule", "they never sell"),
            deed("delete_category_rule", "a mistake"),
            deed("update_category_rule", "they never sell"),
        ]
    );
}

async fn a_stale_etag_changes_nothing(house: House) {
    describe(&house, &["a", "b"]).await;
    let pair = key(None, "a", "b");
    let stale = RuleUpdate {
        etag: Some(7),
        ..says(pair.clone(), RELATED)
    };
    for found in [0, 1] {
        let refused = update(&house, &stale).await.unwrap_err();
        let matches =
            matches!(refused, StoreError::EtagMismatch { expected: 7, found: at, .. } if at == found);
        assert!(matches, "{refused:?}");
        let refused = house
            .store
            .delete_category_rule(&house.context(), &pair, Some(7), "")
            .await;
        assert!(
            matches!(refused, Err(StoreError::EtagMismatch { .. })),
            "{refused:?}"
        );
        update(&house, &says(pair.clone(), RELATED)).await.unwrap();
    }
    let fresh = RuleUpdate {
        etag: Some(1),
        ..says(pair, Ruling::Forbidden)
    };
    assert_eq!(update(&house, &fresh).await.unwrap().version, 2);
}

async fn a_rule_is_of_known_categories(house: House) {
    describe(&house, &["a"]).await;
    for (anchor, companion) in [("a", "nowhere"), ("nowhere", "a")] {
        let refused = update(&house, &says(key(None, anchor, companion), RELATED)).await;
        match refused {
            Err(StoreError::NotFound(Missing::Category(id))) => assert_eq!(id.as_str(), "nowhere"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(book(&house).await, RuleBook::default());
}

async fn a_shop_says_what_holds_for_its_own_anchors_alone(house: House) {
    describe(&house, &["a", "b"]).await;
    let own = key(Some("s1"), "a", "b");
    update(&house, &says(own.clone(), RELATED)).await.unwrap();
    let theirs = house.context_of("other");
    let mut nobody = house.context();
    nobody.principal.shop = None;
    for (ctx, shopless) in [(&theirs, false), (&nobody, true)] {
        let changed = house
            .store
            .update_category_rule(ctx, &says(own.clone(), Ruling::Forbidden))
            .await;
        let deleted = house.store.delete_category_rule(ctx, &own, None, "").await;
        for refused in [changed.unwrap_err(), deleted.unwrap_err()] {
            match refused {
                StoreError::NoShop => assert!(shopless),
                StoreError::ForeignShop(Missing::CategoryRule(key)) => {
                    assert!(!shopless);
                    assert_eq!(key, own);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let read = house.store.category_rule(&theirs.principal, &own).await;
    assert!(matches!(read, Err(StoreError::ForeignShop(_))), "{read:?}");
    assert!(
        house
            .store
            .category_rule(&nobody.principal, &own)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(book(&house).await.version, 1);
}

async fn pages_meet_and_show_what_concerns_the_caller(house: House) {
    describe(&house, &["a", "b", "c"]).await;
    let all = [
        key(None, "a", "b"),
        key(None, "a", "c"),
        key(None, "b", "a"),
        key(Some("s1"), "a", "b"),
        key(Some("s1"), "c", "b"),
        key(Some("s2"), "a", "b"),
    ];
    for key in all.iter().rev() {
        let shop = key.shop.as_ref().map_or("s1", ShopId::as_str);
        let ctx = house.context_of(shop);
        house
            .store
            .update_category_rule(&ctx, &says(key.clone(), RELATED))
            .await
            .unwrap();
    }
    let listed = async |principal, anchor: Option<&str>, limit| {
        let mut query = RuleQuery {
            anchor: anchor.map(|id| CategoryId::new(id).unwrap()),
            after: None,
            limit,
        };
        let mut keys = Vec::new();
        loop {
            let page = house.store.category_rules(&principal, &query).await.unwrap();
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { return keys };
            query.after = Some(last.rule.key.clone());
            keys.extend(page.into_iter().map(|standing| standing.rule.key));
        }
    };
    let ours = house.context().principal;
    for limit in [1, 2, 100] {
        assert_eq!(listed(house.platform(), None, limit).await, all);
        assert_eq!(listed(ours.clone(), None, limit).await, all[..5]);
    }
    let of_a = [all[0].clone(), all[1].clone(), all[3].clone()];
    assert_eq!(listed(ours, Some("a"), 2).await, of_a);
}

async fn of_writers_at_once_each_has_a_version_and_the_book_has_all(house: House) {
    let names: Vec<String> = (0..8).map(|n| format!("c{n}")).collect();
    describe(&house, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let updates: Vec<_> = (0..8)
        .map(|n| says(key(None, &names[n], &names[(n + 1) % 8]), RELATED))
        .collect();
    let made = join_all(updates.iter().map(|change| update(&house, change))).await;
    let mut versions: Vec<_> = made.into_iter().map(|made| made.unwrap().version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=8).collect::<Vec<_>>());
    let book = book(&house).await;
    assert_eq!((book.version, book.rules.len()), (8, 8));
}

async fn a_rule_asked_for_again_is_the_first(house: House) {
    describe(&house, &["a", "b"]).await;
    let ctx = repeatable(house.context(), 1);
    let change = says(key(None, "a", "b"), RELATED);
    let first = house.store.update_category_rule(&ctx, &change).await.unwrap();
    update(&house, &says(key(None, "a", "b"), Ruling::Forbidden))
        .await
        .unwrap();
    assert_eq!(
        house.store.update_category_rule(&ctx, &change).await.unwrap(),
        first
    );
    assert_eq!(book(&house).await.rules[0].ruling, Ruling::Forbidden);
}

async fn a_book_is_of_its_own_marketplace(house: House) {
    describe(&house, &["a", "b"]).await;
    house.found(&market("elsewhere")).await;
    update(&house, &says(key(None, "a", "b"), RELATED)).await.unwrap();
    let theirs = house
        .store
        .category_rule_book(&market("elsewhere"))
        .await
        .unwrap();
    assert_eq!(theirs, RuleBook::default());
}
