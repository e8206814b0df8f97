//! Requests that say nothing sensible: refused before any database is asked, with everything that is wrong at once.

use std::collections::BTreeMap;

use tandem_domain::attribution::KeyRing;
use tandem_proto::v1 as pb;
use tonic::{Response, Status};

use crate::house::{Control, House, NOW};
use crate::samples::{
    KEYS, creation, deletion, delta, events, money, pin, product, products, reports, ruling, set, sku,
    stock_up, surface_update, token, view,
};
use crate::shown::case;

const LONG_ID: usize = 129;

async fn control() -> (House, Control) {
    let house = House::sqlite().await;
    let control = house.control().await;
    (house, control)
}

/// Sends each case and shows what came back.
macro_rules! refusals {
    ($client:expr, $method:ident, $($name:literal => $request:expr;)+) => {{
        let mut text = String::new();
        $(text += &shown($name, $client.$method($request).await);)+
        text
    }};
}

fn shown<T: std::fmt::Debug>(name: &str, outcome: Result<Response<T>, Status>) -> String {
    case(name, &outcome.expect_err(name))
}

fn upsert(product: pb::Product) -> pb::BatchUpsertProductsRequest {
    pb::BatchUpsertProductsRequest {
        products: vec![product],
        ..Default::default()
    }
}

fn tagged(tags: &[(&str, &[&str])]) -> pb::BatchUpsertProductsRequest {
    let tags = tags.iter().map(|(kind, values)| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        ((*kind).to_owned(), pb::TagValues { values })
    });
    upsert(pb::Product {
        tags: tags.collect(),
        ..product("p")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn products_of_every_wrong_kind() {
    let (_house, control) = control().await;
    let mut catalog = control.catalog;
    let many: Vec<_> = (0..501).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let long_request_id = pb::BatchUpsertProductsRequest {
        request_id: "r".repeat(LONG_ID),
        ..upsert(product("p"))
    };
    let text = refusals! {
        catalog, batch_upsert_products,
        "none" => products(&[]);
        "too many" => products(&many);
        "the same one twice" => products(&["p", "q", "p"]);
        "no id" => upsert(product(""));
        "long id" => upsert(product(&"p".repeat(LONG_ID)));
        "control character in an id" => upsert(product("a\u{7}b"));
        "no title" => upsert(pb::Product { title: String::new(), ..product("p") });
        "long title" => upsert(pb::Product { title: "t".repeat(501), ..product("p") });
        "NUL in a title" => upsert(pb::Product { title: "a\0b".to_owned(), ..product("p") });
        "negative price" => upsert(pb::Product { price: money(-1), ..product("p") });
        "absurd price" => upsert(pb::Product { price: money(i64::MAX), ..product("p") });
        "NaN quality" => upsert(pb::Product { quality: Some(f64::NAN), ..product("p") });
        "quality above 1" => upsert(pb::Product { quality: Some(1.5), ..product("p") });
        "unknown listing" => upsert(pb::Product { listing: 9, ..product("p") });
        "an etag that is none" => upsert(pb::Product { etag: "\"1\"".to_owned(), ..product("p") });
        "empty and long tags" => tagged(&[("", &["red"]), ("colour", &["", &"v".repeat(65)])]);
        "too many values of a tag" => tagged(&[("colour", &["v"; 21])]);
        "long request id" => long_request_id;
        "everything at once" => pb::BatchUpsertProductsRequest {
            products: vec![
                pb::Product::default(),
                pb::Product { title: String::new(), category_id: "c\n".to_owned(), brand: "b".repeat(201), ..product("p") },
            ],
            request_id: "\n".to_owned(),
        };
    };
    insta::assert_snapshot!("products", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn skus_and_other_catalogue_calls() {
    let (_house, control) = control().await;
    let mut catalog = control.catalog;
    let one = |sku: pb::Sku| pb::BatchUpsertSkusRequest {
        skus: vec![sku],
        ..Default::default()
    };
    let named = |name: String| {
        one(pb::Sku {
            attributes: BTreeMap::from([(name, "v".repeat(201))]),
            ..sku("s", "p")
        })
    };
    let mut text = refusals! {
        catalog, batch_upsert_skus,
        "no SKUs" => pb::BatchUpsertSkusRequest::default();
        "too many SKUs" => pb::BatchUpsertSkusRequest { skus: vec![sku("s", "p"); 501], ..Default::default() };
        "the same SKU twice" => pb::BatchUpsertSkusRequest { skus: vec![sku("s", "p"); 2], ..Default::default() };
        "neither id" => one(pb::Sku::default());
        "negative price of a SKU" => one(pb::Sku { price: money(-5), ..sku("s", "p") });
        "unknown policy" => one(pb::Sku { stock_policy: -1, ..sku("s", "p") });
        "long attribute" => named("n".repeat(65));
    };
    text += &refusals! {
        catalog, get_product,
        "product without id" => pb::GetProductRequest::default();
    };
    let delist = |ids: &[&str]| pb::DelistProductsRequest {
        product_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        reason: "r".repeat(501),
        ..Default::default()
    };
    text += &refusals! {
        catalog, delist_products,
        "delisting nothing, for a long reason" => delist(&[]);
        "delisting nameless ones" => delist(&["p", ""]);
        "delisting too many" => delist(&["p"; 501]);
    };
    insta::assert_snapshot!("skus", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_reports() {
    let (_house, control) = control().await;
    let mut stock = control.stock;
    let pool = |pool: &str| {
        reports(vec![pb::StockReport {
            pool: pool.to_owned(),
            ..set("s", 1, 1)
        }])
    };
    let mut text = refusals! {
        stock, report_stock,
        "no report" => reports(vec![]);
        "too many reports" => reports(vec![set("s", 1, 1); 1_001]);
        "negative quantity" => reports(vec![set("s", -1, 1)]);
        "version 0" => reports(vec![set("s", 1, 0)]);
        "version beyond 63 bits" => reports(vec![set("s", 1, u64::MAX)]);
        "absurd quantity" => reports(vec![set("s", i64::MAX, 1)]);
        "neither set nor delta" => reports(vec![pb::StockReport { quantity: None, ..set("s", 1, 1) }]);
        "delta of 0" => reports(vec![delta("s", 0, "k")]);
        "delta without key" => reports(vec![delta("s", 1, "")]);
        "absurd delta" => reports(vec![delta("s", i64::MIN, "k")]);
        "unknown pool" => pool("cellar");
        "room without id" => pool("room:");
        "long source" => reports(vec![pb::StockReport { source: "w".repeat(LONG_ID), ..set("s", 1, 1) }]);
        "several wrong in several reports" => reports(vec![
            set("s", 1, 1),
            set("", -1, 0),
            set("s", 1, 1),
            pb::StockReport { pool: "attic".to_owned(), ..delta("s", 0, "") },
        ]);
        "a thousand wrong" => reports(vec![set("", 1, 1); 1_000]);
    };
    let get = |ids: Vec<&str>| pb::BatchGetStockRequest {
        sku_ids: ids.into_iter().map(str::to_owned).collect(),
    };
    text += &refusals! {
        stock, batch_get_stock,
        "stock of nothing" => get(vec![]);
        "stock of too many" => get(vec!["s"; 1_001]);
        "stock of the same and of the nameless" => get(vec!["s", "", "s"]);
    };
    insta::assert_snapshot!("stock", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn behaviour_events() {
    let house = House::sqlite().await;
    let keys = KeyRing::new(KEYS).expect("keys that are long enough");
    let control = house.control_with(|config| config.attribution.keys = keys).await;
    let mut api = control.events;
    let quoting = |product: &str, token: &str| {
        events(vec![pb::Event {
            attribution_token: token.to_owned(),
            ..view("e", product)
        }])
    };
    let right = token(KEYS[0]);
    let other = if &right[20..21] == "A" { "B" } else { "A" };
    let changed = format!("{}{other}{}", &right[..20], &right[21..]);
    let one = |event: pb::Event| events(vec![event]);
    let at = |seconds, nanos| pb::Event {
        event_time: Some(prost_types::Timestamp { seconds, nanos }),
        ..view("e", "p")
    };
    let looked = |seconds, nanos| pb::Event {
        dwell_time: Some(prost_types::Duration { seconds, nanos }),
        ..view("e", "p")
    };
    let of_kind = |kind: i32| pb::Event {
        r#type: kind,
        group_id: String::new(),
        ..view("e", "p")
    };
    let text = refusals! {
        api, report_events,
        "no event" => events(vec![]);
        "too many events" => events(vec![view("e", "p"); 1_001]);
        "no id and no product" => one(view("", ""));
        "no type" => one(of_kind(0));
        "unknown type" => one(of_kind(77));
        "purchase without its order" => one(of_kind(pb::EventType::Purchase.into()));
        "return without its order" => one(of_kind(pb::EventType::Return.into()));
        "long user" => one(pb::Event { user_id: "u".repeat(LONG_ID), ..view("e", "p") });
        "control character in a scene" => one(pb::Event { scene_id: "\u{1b}[2J".to_owned(), ..view("e", "p") });
        "absurd quantity" => one(pb::Event { quantity: u32::MAX, ..view("e", "p") });
        "negative price" => one(pb::Event { unit_price: money(-1), ..view("e", "p") });
        "absurd sum" => one(pb::Event { unit_price: money(10_000_001), quantity: 100_000, ..view("e", "p") });
        "looked back in time" => one(looked(-1, 0));
        "looked for two days" => one(looked(172_800, 0));
        "a look that no clock can measure" => one(looked(i64::MAX, 0));
        "the year 1970" => one(at(1, 0));
        "two days from now" => one(at(NOW.as_ms() / 1_000 + 172_800, 0));
        "no such time" => one(at(i64::MAX, -1));
        "a token that is none" => quoting("shown", "please believe me");
        "a token without its end" => quoting("shown", &right[..right.len() / 4 * 4 - 4]);
        "a token of a foreign key" => quoting("shown", &token("a key that nobody here knows"));
        "a forged token" => quoting("shown", &changed);
        "the token of an answer that did not show the product" => quoting("p", &right);
        "an endless token" => quoting("shown", &"A".repeat(5_000));
    };
    insta::assert_snapshot!("events", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_links() {
    let (_house, control) = control().await;
    let mut links = control.links;
    let effect = |effect: pb::LinkEffect, factor: f32| {
        creation(pb::Link {
            effect: effect.into(),
            factor,
            ..pin("a", "b", 0)
        })
    };
    let until = |from, until| {
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        creation(pb::Link {
            valid_from_time: time(from),
            valid_until_time: time(until),
            ..pin("a", "b", 1)
        })
    };
    let mut text = refusals! {
        links, create_link,
        "no link" => pb::CreateLinkRequest::default();
        "self-link" => creation(pin("a", "a", 1));
        "neither product" => creation(pin("", "", 1));
        "no effect" => effect(pb::LinkEffect::Unspecified, 0.0);
        "unknown effect" => creation(pb::Link { effect: 12, ..pin("a", "b", 1) });
        "pin to place 0" => creation(pin("a", "b", 0));
        "pin to place 51" => creation(pin("a", "b", 51));
        "pin with a factor" => creation(pb::Link { factor: 2.0, ..pin("a", "b", 1) });
        "NaN boost" => effect(pb::LinkEffect::Boost, f32::NAN);
        "boost of 1" => effect(pb::LinkEffect::Boost, 1.0);
        "infinite boost" => effect(pb::LinkEffect::Boost, f32::INFINITY);
        "NaN bury" => effect(pb::LinkEffect::Bury, f32::NAN);
        "bury of 1" => effect(pb::LinkEffect::Bury, 1.0);
        "negative bury" => effect(pb::LinkEffect::Bury, -0.5);
        "exclusion with a place" => creation(pb::Link { effect: pb::LinkEffect::Exclude.into(), ..pin("a", "b", 3) });
        "unknown relation" => creation(pb::Link { relation: 8, ..pin("a", "b", 1) });
        "over before it begins" => until(100, 100);
        "long reason" => creation(pb::Link { reason: "r".repeat(501), ..pin("a", "b", 1) });
    };
    text += &refusals! {
        links, delete_links,
        "deleting nothing" => deletion(&[]);
        "deleting too many" => deletion(&[("l", ""); 501]);
        "deleting the same and the nameless" => deletion(&[("l", ""), ("", ""), ("l", "x")]);
    };
    let list = |page_size, token: &str| pb::ListLinksRequest {
        page_size,
        page_token: token.to_owned(),
        ..Default::default()
    };
    text += &refusals! {
        links, list_links,
        "negative page" => list(-1, "");
        "forged token" => list(0, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        "nonsense for a token" => list(0, "next, please");
    };
    insta::assert_snapshot!("links", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn serving_configurations() {
    let (_house, control) = control().await;
    let mut surfaces = control.surfaces;
    let given = |mask: &[&str], change: fn(&mut pb::Surface)| {
        let mut request = surface_update("cart", mask);
        change(request.surface.as_mut().expect("a surface"));
        request
    };
    let mut text = refusals! {
        surfaces, update_surface,
        "no surface" => pb::UpdateSurfaceRequest::default();
        "nameless surface" => surface_update("", &["default_size"]);
        "unknown field in the mask" => surface_update("cart", &["default_sise", "etag"]);
        "no relation, no chain" => surface_update("cart", &["relations", "fallback"]);
        "unknown relation and one not given" => given(&["relations"], |s| s.relations = vec![9, 0]);
        "the same relation twice" => given(&["relations"], |s| s.relations = vec![1, 1]);
        "unknown step" => given(&["fallback"], |s| s.fallback = vec![1, 7]);
        "quota of 0 and one twice" => given(&["quotas"], |s| {
            s.quotas = vec![pb::RelationQuota { relation: 1, max_items: 0 }; 2];
        });
        "list of none" => given(&["default_size"], |s| s.default_size = 0);
        "list of 51" => given(&["default_size"], |s| s.default_size = 51);
        "absurd price band" => given(&["max_price_percent"], |s| s.max_price_percent = u32::MAX);
        "caps beyond a list" => given(&[], |s| (s.max_per_brand, s.max_per_category, s.max_per_shop) = (51, 52, 53));
        "unknown scope" => given(&["shop_scope"], |s| s.shop_scope = 3);
        "stock that is never fresh enough" => given(&["max_stock_age_ms"], |s| s.max_stock_age_ms = 100);
        "no word on what is stale" => given(&["stale_lists", "stale_bundles"], |s| s.stale_bundles = 8);
        "nameless experiment" => given(&["experiment"], |s| s.experiment = Some(pb::Experiment::default()));
        "an etag that is none" => given(&["default_size"], |s| (s.default_size, s.etag) = (3, "one".to_owned()));
        "long reason, long request id" => pb::UpdateSurfaceRequest {
            reason: "r".repeat(501),
            request_id: "r".repeat(LONG_ID),
            ..given(&["default_size"], |s| s.default_size = 3)
        };
        "everything at once" => given(&["*"], |s| {
            (s.surface_id, s.relations, s.default_size) = ("a\u{7}b".to_owned(), vec![77], 99);
        });
    };
    text += &refusals! {
        surfaces, get_surface,
        "surface without id" => pb::GetSurfaceRequest::default();
    };
    text += &refusals! {
        surfaces, list_surfaces,
        "negative page" => pb::ListSurfacesRequest { page_size: -1, page_token: String::new() };
        "forged token" => pb::ListSurfacesRequest { page_size: 0, page_token: "MTIz".to_owned() };
    };
    text += &refusals! {
        surfaces, list_surface_revisions,
        "revisions of a nameless surface, a negative page" => pb::ListSurfaceRevisionsRequest { page_size: -1, ..Default::default() };
    };
    text += &refusals! {
        surfaces, rollback_surface,
        "back to version 0" => pb::RollbackSurfaceRequest { surface_id: "cart".to_owned(), ..Default::default() };
        "back to beyond 63 bits" => pb::RollbackSurfaceRequest { surface_id: "cart".to_owned(), version: u64::MAX, ..Default::default() };
    };
    text += &refusals! {
        surfaces, delete_surface,
        "deleting a nameless surface" => pb::DeleteSurfaceRequest { etag: "x".to_owned(), ..Default::default() };
    };
    insta::assert_snapshot!("surfaces", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_and_generations() {
    let (_house, control) = control().await;
    let mut operations = control.operations;
    let mut text = refusals! {
        operations, get_generation,
        "generation beyond 63 bits" => pb::GetGenerationRequest { generation: u64::MAX };
    };
    text += &refusals! {
        operations, list_generations,
        "negative page" => pb::ListGenerationsRequest { page_size: -5, page_token: String::new() };
        "forged token" => pb::ListGenerationsRequest { page_size: 0, page_token: "MTIz".to_owned() };
    };
    text += &refusals! {
        operations, trigger_build,
        "long request id" => pb::TriggerBuildRequest { request_id: "r".repeat(LONG_ID), ..Default::default() };
        "collapse accepted without a reason" => pb::TriggerBuildRequest { accept_collapse: true, reason: " ".to_owned(), ..Default::default() };
        "unknown kind of build" => pb::TriggerBuildRequest { kind: 9, ..Default::default() };
    };
    text += &refusals! {
        operations, rollback_generation,
        "rollback to generation 0" => pb::RollbackGenerationRequest::default();
        "rollback for a long reason" => pb::RollbackGenerationRequest { generation: 1, reason: "r".repeat(501), ..Default::default() };
    };
    text += &refusals! {
        operations, get_job,
        "nameless job" => pb::GetJobRequest::default();
    };
    let pair = |product: &str, companion: &str| pb::ExplainPairRequest {
        product_id: product.to_owned(),
        companion_product_id: companion.to_owned(),
        ..Default::default()
    };
    text += &refusals! {
        operations, explain_pair,
        "pair of nothing" => pair("", "");
        "pair of one product" => pair("a", "a");
        "pair with an endless id" => pair("a", &"b".repeat(LONG_ID));
    };
    let user = |id: &str, reason: &str| pb::EraseUserRequest {
        user_id: id.to_owned(),
        reason: reason.to_owned(),
        ..Default::default()
    };
    text += &refusals! {
        operations, erase_user,
        "erasing nobody" => user("", "");
        "erasing a user for a long reason" => user("u\n1", &"r".repeat(501));
        "erasing under an endless request id" => pb::EraseUserRequest { request_id: "r".repeat(LONG_ID), ..user("u1", "") };
    };
    text += &refusals! {
        operations, get_user_erasure,
        "erasure 0" => pb::GetUserErasureRequest::default();
        "erasure that nobody asked for" => pb::GetUserErasureRequest { user_erasure_id: 4_711 };
    };
    insta::assert_snapshot!("operations", text);
}

/// A token of one query does not open the pages of another.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_query() {
    let (house, control) = control().await;
    stock_up(&control, &["a", "b", "c"]).await;
    let mut links = control.links;
    for companion in ["b", "c"] {
        links.create_link(creation(pin("a", companion, 1))).await.unwrap();
    }
    let request = pb::ListLinksRequest {
        page_size: 1,
        ..Default::default()
    };
    let token = links
        .list_links(request.clone())
        .await
        .unwrap()
        .into_inner()
        .next_page_token;
    let with_token = pb::ListLinksRequest {
        page_token: token,
        ..request
    };
    let rest = links.list_links(with_token.clone()).await.unwrap().into_inner();
    assert_eq!((rest.links.len(), rest.next_page_token.as_str()), (1, ""));
    let other_anchor = pb::ListLinksRequest {
        anchor_product_id: "a".to_owned(),
        ..with_token.clone()
    };
    let with_deleted = pb::ListLinksRequest {
        show_deleted: true,
        ..with_token.clone()
    };
    let mut text = shown("token of another anchor", links.list_links(other_anchor).await);
    text += &shown(
        "token of a list without tombstones",
        links.list_links(with_deleted).await,
    );
    let mut stranger = house.control_of("stranger").await.links;
    text += &shown("token of another shop", stranger.list_links(with_token).await);
    insta::assert_snapshot!("foreign_tokens", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn category_rules_that_say_nothing_or_too_much() {
    let (_house, control) = control().await;
    let mut rules = control.category_rules;
    let changed = |change: fn(&mut pb::CategoryRule)| {
        let mut request = ruling("phone", "case", pb::CategoryVerdict::Related);
        change(request.category_rule.as_mut().expect("a rule"));
        request
    };
    let band = |min_ratio, max_ratio| Some(pb::PriceRatioBand { min_ratio, max_ratio });
    let banded = |band| {
        let mut request = ruling("phone", "case", pb::CategoryVerdict::Unspecified);
        request.category_rule.as_mut().expect("a rule").price_band = band;
        request
    };
    let mut text = refusals! {
        rules, update_category_rule,
        "no rule" => pb::UpdateCategoryRuleRequest::default();
        "nothing said" => banded(None);
        "unknown verdict" => changed(|rule| rule.verdict = 9);
        "one category" => changed(|rule| rule.companion_category_id = "phone".to_owned());
        "prices of what is forbidden" => changed(|rule| {
            rule.verdict = pb::CategoryVerdict::Forbidden.into();
            rule.price_band = Some(pb::PriceRatioBand { min_ratio: 1.0, max_ratio: 2.0 });
        });
        "a band that ends before it begins" => banded(band(2.0, 1.0));
        "ratios of no prices" => banded(band(0.0, f64::NAN));
        "a ratio beyond all prices" => banded(band(1.0, 10_001.0));
        "a long reason, an etag that is none" => changed(|rule| {
            (rule.reason, rule.etag) = ("r".repeat(501), "\"1\"".to_owned());
        });
        "everything at once" => pb::UpdateCategoryRuleRequest {
            category_rule: Some(pb::CategoryRule {
                shop_id: "s".repeat(LONG_ID),
                companion_category_id: "c\n".to_owned(),
                price_band: band(-1.0, 0.5),
                reason: "a\0b".to_owned(),
                ..Default::default()
            }),
            request_id: "\n".to_owned(),
            ..Default::default()
        };
    };
    text += &refusals! {
        rules, get_category_rule,
        "a rule without a name" => pb::GetCategoryRuleRequest::default();
    };
    text += &refusals! {
        rules, list_category_rules,
        "a negative page" => pb::ListCategoryRulesRequest { page_size: -1, ..Default::default() };
        "a token of nobody" => pb::ListCategoryRulesRequest { page_token: "x".to_owned(), ..Default::default() };
    };
    text += &refusals! {
        rules, delete_category_rule,
        "deleting what has no name" => pb::DeleteCategoryRuleRequest { etag: "x".to_owned(), ..Default::default() };
    };
    insta::assert_snapshot!("category_rules", text);
}
