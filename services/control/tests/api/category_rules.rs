//! What operators and merchants say of two categories.

use serde_json::{Value, json};
use tandem_domain::generation::{BuildStats, GenerationKind, Manifest};
use tandem_domain::id::ShopId;
use tandem_domain::principal::Principal;
use tandem_proto::v1 as pb;
use tandem_proto::v1::CategoryVerdict::{Forbidden, Related};
use tandem_store::{BuildScope, JobKind, JobOutcome, WriteContext};
use tandem_testing::{Signing, TokenKey, jwks};
use tonic::Code;

use crate::house::{Control, House, LONG, NOW, on_both};
use crate::samples::{categories, ruling, second};
use crate::shown::reason;
use crate::tokens::{ISSUER, by, claims};

fn named(shop: &str, anchor: &str, companion: &str) -> pb::GetCategoryRuleRequest {
    pb::GetCategoryRuleRequest {
        shop_id: shop.to_owned(),
        anchor_category_id: anchor.to_owned(),
        companion_category_id: companion.to_owned(),
    }
}

fn deletion(shop: &str, anchor: &str, companion: &str) -> pb::DeleteCategoryRuleRequest {
    pb::DeleteCategoryRuleRequest {
        shop_id: shop.to_owned(),
        anchor_category_id: anchor.to_owned(),
        companion_category_id: companion.to_owned(),
        reason: "a test".to_owned(),
        ..Default::default()
    }
}

/// The same for a shop.
fn of_shop(shop: &str, mut request: pb::UpdateCategoryRuleRequest) -> pb::UpdateCategoryRuleRequest {
    request.category_rule.as_mut().unwrap().shop_id = shop.to_owned();
    request
}

async fn updated(control: &Control, request: pb::UpdateCategoryRuleRequest) -> pb::CategoryRule {
    let mut rules = control.category_rules.clone();
    rules
        .update_category_rule(request)
        .await
        .expect("the rule is set")
        .into_inner()
}

/// A full build under the rules of this moment, without any rows.
async fn build(house: &House) {
    let (store, marketplace) = (&house.store, house.marketplace());
    let shop = ShopId::new("default").unwrap();
    let ctx = WriteContext::new(Principal::insecure(marketplace.clone(), shop), NOW);
    store
        .enqueue_job(&ctx, JobKind::build(BuildScope::Full))
        .await
        .unwrap();
    let lease = store
        .claim_job("worker", &["build"], LONG, NOW)
        .await
        .unwrap()
        .unwrap()
        .lease;
    let no = store
        .start_generation(&marketplace, GenerationKind::Epoch, 0, &lease, NOW)
        .await
        .unwrap();
    let stats = BuildStats {
        rules_version: store.category_rule_book(&marketplace).await.unwrap().version,
        ..BuildStats::default()
    };
    let manifest = Manifest {
        generation: no,
        segments: Vec::new(),
        codec: 1,
    };
    store
        .publish_generation(&marketplace, no, &lease, &manifest, &stats, &json!({}), NOW)
        .await
        .unwrap();
    store.finish_job(&lease, JobOutcome::Succeeded(no)).await.unwrap();
}

on_both! {
    async fn a_rule_is_set_read_changed_and_deleted(house: House) {
        let control = house.control().await;
        categories(&control, &["phone", "case"]).await;
        let mut rules = control.category_rules.clone();
        let absent = rules.get_category_rule(named("", "phone", "case")).await.unwrap_err();
        assert_eq!(reason(&absent), (Code::NotFound, "CATEGORY_RULE_NOT_FOUND".to_owned()));
        let mut asked = ruling("phone", "case", Related);
        asked.category_rule.as_mut().unwrap().price_band = Some(pb::PriceRatioBand { min_ratio: 0.005, max_ratio: 0.333_333 });
        let made = updated(&control, asked.clone()).await;
        let expected = pb::CategoryRule {
            price_band: Some(pb::PriceRatioBand { min_ratio: 0.005, max_ratio: 0.3333 }),
            author: "insecure".to_owned(),
            create_time: second(NOW.as_ms() / 1_000),
            update_time: second(NOW.as_ms() / 1_000),
            etag: "1".to_owned(),
            in_force: false,
            ..asked.category_rule.clone().unwrap()
        };
        assert_eq!(made, expected);
        let found = rules.get_category_rule(named("", "phone", "case")).await.unwrap().into_inner();
        assert_eq!(found, made);
        assert_eq!(updated(&control, asked).await, made, "what changes nothing makes no version");
        let forbidden = updated(&control, ruling("phone", "case", Forbidden)).await;
        assert_eq!((forbidden.price_band, forbidden.etag.as_str()), (None, "2"), "the whole rule is replaced");
        let mut stale = deletion("", "phone", "case");
        stale.etag = "1".to_owned();
        let refused = rules.delete_category_rule(stale).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
        let delete = deletion("", "phone", "case");
        assert!(rules.delete_category_rule(delete.clone()).await.unwrap().into_inner().deleted);
        assert!(!rules.delete_category_rule(delete).await.unwrap().into_inner().deleted);
        let audit = house.store.audit(&house.marketplace(), 1).await.unwrap();
        assert_eq!((audit[0].action.as_str(), audit[0].reason.as_str()), ("delete_category_rule", "a test"));
    }

    async fn a_rule_says_whether_the_generation_on_serve_was_built_with_it(house: House) {
        let control = house.control().await;
        categories(&control, &["a", "b", "c"]).await;
        updated(&control, ruling("a", "b", Related)).await;
        build(&house).await;
        updated(&control, ruling("a", "c", Forbidden)).await;
        let request = pb::ListCategoryRulesRequest::default();
        let listed = control.category_rules.clone().list_category_rules(request).await.unwrap().into_inner();
        let told = |rule: &pb::CategoryRule| (rule.companion_category_id.clone(), rule.in_force);
        let told: Vec<_> = listed.category_rules.iter().map(told).collect();
        assert_eq!(told, [("b".to_owned(), true), ("c".to_owned(), false)]);
        let same = updated(&control, ruling("a", "b", Related)).await;
        assert!(same.in_force);
        let other = updated(&control, ruling("a", "b", Forbidden)).await;
        assert!(!other.in_force);
        build(&house).await;
        let found = control.category_rules.clone().get_category_rule(named("", "a", "b")).await.unwrap().into_inner();
        assert!(found.in_force);
    }

    async fn pages_meet_without_gap_or_overlap(house: House) {
        let control = house.control().await;
        categories(&control, &["a", "b", "c"]).await;
        for (anchor, companion) in [("a", "b"), ("a", "c"), ("b", "a"), ("c", "a")] {
            updated(&control, ruling(anchor, companion, Related)).await;
            updated(&control, of_shop("default", ruling(anchor, companion, Forbidden))).await;
        }
        let mut rules = control.category_rules.clone();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListCategoryRulesRequest { page_size: 3, page_token: token, ..Default::default() };
            let page = rules.list_category_rules(request).await.unwrap().into_inner();
            seen.extend(page.category_rules);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let line = |rule: &pb::CategoryRule| {
            format!("{} {} > {}", rule.shop_id, rule.anchor_category_id, rule.companion_category_id)
        };
        let lines: Vec<_> = seen.iter().map(line).collect();
        assert_eq!(lines, [
            " a > b", " a > c", " b > a", " c > a", "default a > b", "default a > c", "default b > a", "default c > a",
        ]);
        let request = pb::ListCategoryRulesRequest { anchor_category_id: "a".to_owned(), ..Default::default() };
        assert_eq!(rules.list_category_rules(request).await.unwrap().into_inner().category_rules.len(), 4);
    }

    async fn what_cannot_be_said_is_refused(house: House) {
        let control = house.control().await;
        categories(&control, &["a", "b"]).await;
        let mut rules = control.category_rules.clone();
        let unknown = rules.update_category_rule(ruling("a", "nowhere", Related)).await.unwrap_err();
        assert_eq!(reason(&unknown), (Code::NotFound, "CATEGORY_NOT_FOUND".to_owned()));
        let mut absent = ruling("a", "b", Related);
        absent.allow_missing = false;
        let refused = rules.update_category_rule(absent).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "CATEGORY_RULE_NOT_FOUND".to_owned()));
        let foreign = of_shop("theirs", ruling("a", "b", Related));
        for request in [foreign.clone(), pb::UpdateCategoryRuleRequest { allow_missing: false, ..foreign }] {
            let refused = rules.update_category_rule(request).await.unwrap_err();
            assert_eq!(reason(&refused), (Code::PermissionDenied, "FOREIGN_SHOP".to_owned()));
        }
        let refused = rules.get_category_rule(named("theirs", "a", "b")).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::PermissionDenied, "FOREIGN_SHOP".to_owned()));
        let refused = rules.delete_category_rule(deletion("theirs", "a", "b")).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::PermissionDenied, "FOREIGN_SHOP".to_owned()));
    }

    async fn the_marketplaces_rules_are_an_operators_and_a_shops_its_own(house: House) {
        let folder = tempfile::tempdir().unwrap();
        let (keys, key) = (folder.path().join("jwks.json"), TokenKey::new("k", Signing::Es256).unwrap());
        std::fs::write(&keys, jwks(&[&key])).unwrap();
        categories(&house.control().await, &["a", "b"]).await;
        let control = house.control_by_tokens(ISSUER, &keys).await;
        let mut rules = control.category_rules.clone();
        let (merchant, operator) = (claims(Some("s1"), "links.write"), claims(None, "ops.admin"));
        let stranger = claims(Some("s1"), "catalog.write");
        let (all, own) = (ruling("a", "b", Related), of_shop("s1", ruling("a", "b", Forbidden)));
        let mut refused = async |request: &pb::UpdateCategoryRuleRequest, who: &Value| {
            let status = rules.update_category_rule(by(request.clone(), &key, who)).await.unwrap_err();
            assert_eq!(status.code(), Code::PermissionDenied);
            (reason(&status).1, status.message().to_owned())
        };
        let (why, text) = refused(&all, &stranger).await;
        assert_eq!((why.as_str(), text.contains("links.write or ops.admin")), ("SCOPE_MISSING", true));
        let (why, text) = refused(&all, &merchant).await;
        assert_eq!((why.as_str(), text.contains("ops.admin")), ("SCOPE_MISSING", true));
        let (why, text) = refused(&own, &operator).await;
        assert_eq!((why.as_str(), text.contains("links.write")), ("SCOPE_MISSING", true));
        assert_eq!(refused(&own, &claims(None, "links.write")).await.0, "SHOP_REQUIRED");
        assert_eq!(refused(&own, &claims(Some("s2"), "links.write")).await.0, "FOREIGN_SHOP");
        rules.update_category_rule(by(all, &key, &operator)).await.unwrap();
        rules.update_category_rule(by(own, &key, &merchant)).await.unwrap();
        let delete = by(deletion("", "a", "b"), &key, &merchant);
        let refused = rules.delete_category_rule(delete).await.unwrap_err();
        assert_eq!(reason(&refused).1, "SCOPE_MISSING");
        let mut seen = async |who: &Value| {
            let request = by(pb::ListCategoryRulesRequest::default(), &key, who);
            let listed = rules.list_category_rules(request).await.unwrap().into_inner().category_rules;
            listed.into_iter().map(|rule| rule.shop_id).collect::<Vec<_>>()
        };
        assert_eq!(seen(&merchant).await, ["", "s1"]);
        assert_eq!(seen(&claims(Some("s2"), "links.write")).await, [""]);
        assert_eq!(seen(&operator).await, ["", "s1"], "a platform caller reads across shops");
    }
}
