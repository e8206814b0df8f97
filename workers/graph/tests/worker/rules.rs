//! What operators and merchants say of categories, from SQL to the records of a build; and the operator's parameters.

use std::collections::BTreeSet;

use tandem_cache::codec::{decode_bundles, decode_lists};
use tandem_cache::port::RecordKey;
use tandem_domain::catalog::ProductInput;
use tandem_domain::id::{CategoryId, ShopId};
use tandem_domain::money::Money;
use tandem_domain::pair::{Authority, Kinship};
use tandem_domain::relation::Relation;
use tandem_domain::rule::{CategoryRule, PriceRatio, RatioBand, RuleKey, Ruling};
use tandem_graph::{EpochRecord, Params};
use tandem_graph_worker::Collapse;
use tandem_store::{RuleUpdate, WhenMissing};

use crate::explain::explained;
use crate::ground::{Ground, bare, on_both, product};

on_both! {
    rules_are_heeded_from_the_next_full_build_on;
    a_shops_rule_holds_for_its_own_anchors;
    parameters_of_the_operator_come_under_the_rules_of_sql;
}

const GIFT: u32 = 50;

/// `p0` to `p7` are by turns of the categories `left` and `right`, what else is ordered is `extra`; a gift that nobody buys.
async fn catalogue(ground: &Ground) {
    let like = |n: u32| ProductInput {
        category: Some(CategoryId::new(category(n)).unwrap()),
        price: Some(Money::from_minor(1_000)),
        ..bare(n)
    };
    ground.put((0..8).chain(20..23).chain([GIFT]).map(like)).await;
}

fn category(n: u32) -> &'static str {
    match n {
        0..8 if n.is_multiple_of(2) => "left",
        0..8 => "right",
        GIFT => "gift",
        _ => "extra",
    }
}

fn rule(shop: Option<&str>, anchor: &str, companion: &str, ruling: Ruling) -> CategoryRule {
    CategoryRule {
        key: RuleKey {
            shop: shop.map(|shop| ShopId::new(shop).unwrap()),
            anchor: CategoryId::new(anchor).unwrap(),
            companion: CategoryId::new(companion).unwrap(),
        },
        ruling,
    }
}

async fn say(ground: &Ground, shop: Option<&str>, anchor: &str, companion: &str, ruling: Ruling) {
    let update = RuleUpdate {
        rule: rule(shop, anchor, companion, ruling),
        etag: None,
        when_missing: WhenMissing::Create,
        reason: "a test".to_owned(),
    };
    let store = &ground.deps.store;
    store
        .update_category_rule(&ground.context(), &update)
        .await
        .unwrap();
}

/// The categories of the complements of an anchor that gateways find, and of the members of its sets.
async fn served(ground: &Ground, anchor: u32) -> [BTreeSet<&'static str>; 2] {
    let anchor = product(anchor);
    let keys = [RecordKey::Lists(anchor.clone()), RecordKey::Bundles(anchor)];
    let records = ground.found(&keys).await;
    let of = |id: &str| category(id[1..].parse().unwrap());
    let lists = decode_lists(records[0].as_ref().unwrap()).unwrap();
    let complements = lists.list(Relation::Complement);
    let sets = records[1].as_ref().map(|record| decode_bundles(record).unwrap());
    let members = sets.iter().flatten().flat_map(|set| &set.members);
    [
        complements.map(|candidate| of(candidate.product)).collect(),
        members.map(|member| of(member.product.as_str())).collect(),
    ]
}

async fn record(ground: &Ground) -> EpochRecord {
    let serving = ground.serving().await.unwrap();
    let store = &ground.deps.store;
    let record = store.epoch_record(&ground.marketplace, serving.no).await.unwrap();
    serde_json::from_value(record.unwrap()).unwrap()
}

async fn rules_are_heeded_from_the_next_full_build_on(ground: Ground) {
    catalogue(&ground).await;
    ground.orders(0, 300).await;
    ground.build(Collapse::Refuse).await.unwrap();
    assert_eq!(ground.serving().await.unwrap().stats.rules_version, 0);
    let learned = [
        BTreeSet::from(["extra", "right"]),
        BTreeSet::from(["extra", "right"]),
    ];
    assert_eq!(served(&ground, 2).await, learned);

    say(&ground, None, "left", "extra", Ruling::Forbidden).await;
    say(&ground, None, "left", "gift", Ruling::Related(None)).await;
    // Orders that touch the row do not touch what is frozen.
    ground.orders(300, 330).await;
    ground.increment().await;
    assert_eq!(served(&ground, 2).await, learned);
    assert_eq!(ground.serving().await.unwrap().stats.rules_version, 0);

    ground.build(Collapse::Refuse).await.unwrap();
    assert_eq!(ground.serving().await.unwrap().stats.rules_version, 2);
    let ruled = [
        BTreeSet::from(["gift", "right"]),
        BTreeSet::from(["gift", "right"]),
    ];
    assert_eq!(served(&ground, 2).await, ruled);
    assert_eq!(record(&ground).await.params().categories.rules.len(), 2);
    let told = explained(&ground, 2, 20).await;
    let report: tandem_domain::pair::PairReport = serde_json::from_str(&told.report).unwrap();
    let kinship = report.categories.unwrap().kinship;
    assert_eq!(kinship, Kinship::Forbidden(Authority::Marketplace));

    // What is unsaid holds until the next full build, in increments as well.
    let store = &ground.deps.store;
    let key = rule(None, "left", "extra", Ruling::Forbidden).key;
    assert!(
        store
            .delete_category_rule(&ground.context(), &key, None, "")
            .await
            .unwrap()
    );
    ground.orders(330, 360).await;
    ground.increment().await;
    assert_eq!(served(&ground, 2).await, ruled);
    assert_eq!(ground.serving().await.unwrap().stats.rules_version, 2);
    ground.build(Collapse::Refuse).await.unwrap();
    assert!(served(&ground, 2).await[0].contains("extra"));
    assert_eq!(ground.serving().await.unwrap().stats.rules_version, 3);
}

async fn a_shops_rule_holds_for_its_own_anchors(ground: Ground) {
    catalogue(&ground).await;
    ground.orders(0, 300).await;
    say(&ground, None, "left", "extra", Ruling::Forbidden).await;
    say(&ground, Some("shop"), "left", "extra", Ruling::Related(None)).await;
    say(&ground, Some("shop"), "right", "extra", Ruling::Forbidden).await;
    ground.build(Collapse::Refuse).await.unwrap();
    assert!(served(&ground, 2).await[0].contains("extra"));
    assert_eq!(served(&ground, 3).await[0], BTreeSet::from(["left"]));
}

async fn parameters_of_the_operator_come_under_the_rules_of_sql(mut ground: Ground) {
    catalogue(&ground).await;
    ground.orders(0, 300).await;
    let file = r#"{
        "bundles": {"most": 2},
        "categories": {"rules": [
            {"anchor": "left", "companion": "extra", "verdict": "forbidden"},
            {"anchor": "right", "companion": "extra", "band": {"least": 0.5, "most": 0.9}}
        ]}
    }"#;
    ground.deps.settings.build.params = Params::from_json(file).unwrap();
    ground.build(Collapse::Refuse).await.unwrap();
    assert_eq!(record(&ground).await.params().bundles.most, 2);
    assert_eq!(served(&ground, 2).await[0], BTreeSet::from(["right"]));

    let ratio = |ratio| PriceRatio::new(ratio).unwrap();
    let band = RatioBand::new(ratio(0.5), ratio(2.0)).unwrap();
    say(&ground, None, "left", "extra", Ruling::Priced(band)).await;
    ground.build(Collapse::Refuse).await.unwrap();
    assert!(
        served(&ground, 2).await[0].contains("extra"),
        "SQL outranks the file"
    );
    let rules = &record(&ground).await.params().categories.rules.clone();
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0], rule(None, "left", "extra", Ruling::Priced(band)));
    assert_eq!(
        rules[1].key.anchor.as_str(),
        "right",
        "what only the file says stays"
    );
}
