//! Every part in one process, and the commands that talk to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/serving.rs"]
mod serving;
#[path = "support/shop.rs"]
mod shop;
#[path = "support/tandem.rs"]
mod tandem;

use serde_json::Value;
use serving::{Dev, PATIENCE};
use shop::Shop;
use tandem_testing::wait_for;

/// Imports, builds, and waits until the gateway shows companions.
async fn stocked(shop: &Shop) -> Dev {
    let dev = Dev::start(&shop.data(), &[]).await;
    shop.import();
    build(shop, &dev);
    shown(shop, &dev, |ids| ids.contains(&"saucer-roses".to_owned())).await;
    dev
}

/// Builds a graph of all events.
fn build(shop: &Shop, dev: &Dev) -> Value {
    let generation = shop.ask(dev, &["build"]);
    assert_eq!(generation["stats"]["events"], shop::events().1, "{generation}");
    generation
}

/// The companions of a cup, as soon as they are as `wanted`.
async fn shown(shop: &Shop, dev: &Dev, wanted: impl Fn(&[String]) -> bool) -> Value {
    wait_for(PATIENCE, "the companions", async || {
        let answer = shop.ask(dev, &["query", "related", "cup-roses"]);
        wanted(&ids(&answer["items"], "product_id")).then_some(answer)
    })
    .await
    .unwrap()
}

fn ids(items: &Value, field: &str) -> Vec<String> {
    items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item[field].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_imported_and_built_is_served_with_reasons() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    let [products, events, stock] = shop.import();
    assert_eq!(products["report"]["applied"], 12, "{products}");
    assert_eq!(events["report"]["applied"], shop::events().1, "{events}");
    assert_eq!(stock["report"]["applied"], 12, "{stock}");
    let generation = build(&shop, &dev);
    assert_eq!(generation["serving"], true, "{generation}");

    let related = shown(&shop, &dev, |ids| ids.contains(&"saucer-roses".to_owned())).await;
    let first = &related["items"][0];
    assert_eq!(first["product_id"], "saucer-roses", "{related}");
    assert_eq!(first["relation"], "RELATION_COMPLEMENT", "{related}");
    assert_eq!(first["evidence"]["text"], "80 % of 100 orders", "{related}");
    assert_eq!(first["card"]["price"]["amount_minor"], 305, "{related}");
    assert_eq!(first["sellable_count"], 40, "{related}");

    let basket = shop.ask(&dev, &["query", "basket", "cup-roses", "saucer-roses", "nobody"]);
    assert_eq!(basket["items"][0]["product_id"], "spoon-roses", "{basket}");
    assert_eq!(basket["missing_product_ids"][0], "nobody", "{basket}");

    let bundles = shop.ask(&dev, &["query", "bundles", "saucer-roses"]);
    let set = &bundles["sets"][0];
    assert_eq!(
        ids(&set["items"], "product_id"),
        ["saucer-roses", "cup-roses", "spoon-roses"],
        "{bundles}"
    );
    assert_eq!(set["evidence"], "all 3 in 60 of 80 orders", "{bundles}");

    let reason = shop.ask(&dev, &["query", "explain", "cup-roses", "saucer-roses"]);
    assert_eq!(reason["verdict"], "VERDICT_SHOWN", "{reason}");
    assert_eq!(reason["position"], 1, "{reason}");
    let relations = ids(&reason["edges"], "relation");
    assert!(relations.contains(&"RELATION_TOGETHER".to_owned()), "{reason}");

    let job = shop.ask(&dev, &["query", "pair", "cup-roses", "saucer-roses"]);
    let orders = &job["pair"]["counts"][0];
    assert_eq!(orders["evidence"]["text"], "80 % of 100 orders", "{job}");
    assert_eq!(orders["verdict"], "VERDICT_PASSES", "{job}");

    let levels = shop.ask(&dev, &["query", "stock", "cup-roses", "nobody"]);
    assert_eq!(levels["levels"][0]["available"], 40, "{levels}");
    assert_eq!(levels["missing_sku_ids"][0], "nobody", "{levels}");
    let said = dev.stop().await;
    assert!(
        !said.contains("has not been filled") && !said.contains("stopping at once"),
        "an ordinary life needs no warning: {said}"
    );
}

#[tokio::test]
async fn stock_reports_take_companions_away_and_bring_them_back() {
    let shop = Shop::new();
    let dev = stocked(&shop).await;
    let saucer = "saucer-roses".to_owned();
    let set = shop.ask(&dev, &["stock", "set", &saucer, "0"]);
    assert_eq!(set["outcomes"][0]["applied"], true, "{set}");
    shown(&shop, &dev, |ids| !ids.contains(&saucer)).await;
    let reason = shop.ask(&dev, &["query", "explain", "cup-roses", &saucer]);
    assert_eq!(reason["verdict"], "VERDICT_DROPPED", "{reason}");
    assert_eq!(reason["drop_reason"], "DROP_REASON_OUT_OF_STOCK", "{reason}");

    let change = ["stock", "change", &saucer, "3", "--key", "delivery-1"];
    assert_eq!(shop.ask(&dev, &change)["outcomes"][0]["applied"], true);
    shown(&shop, &dev, |ids| ids.contains(&saucer)).await;
    let again = shop.ask(&dev, &change);
    assert_eq!(again["outcomes"][0]["applied"], false, "{again}");
    assert_eq!(again["outcomes"][0]["level"]["available"], 3, "{again}");
    let sold = shop.ask(&dev, &["stock", "change", &saucer, "-2"]);
    assert_eq!(sold["outcomes"][0]["level"]["available"], 1, "{sold}");
    let late = [
        "stock",
        "set",
        &saucer,
        "50",
        "--source",
        "wms",
        "--source-version",
        "1",
    ];
    let late = tandem::run(shop.path(), &[&late[..], &["--control", &dev.control]].concat());
    assert_eq!(late.status.code(), Some(1), "version 1 of this source said 40");
    assert!(
        tandem::stderr(&late).contains("ABORTED"),
        "{}",
        tandem::stderr(&late)
    );
    dev.stop().await;
}

#[tokio::test]
async fn generations_are_listed_shown_rolled_back_and_exported() {
    let shop = Shop::new();
    let dev = stocked(&shop).await;
    build(&shop, &dev);
    assert_eq!(serving(&shop, &dev), [(2, true), (1, false)]);
    let first = shop.ask(&dev, &["generations", "show", "1"]);
    assert_eq!(first["generation"], 1, "{first}");
    assert!(first["stats"]["edges"].as_u64().unwrap() > 0, "{first}");

    let shown = tandem::run(
        shop.path(),
        &["generations", "show", "1", "--control", &dev.control],
    );
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("STATE_PUBLISHED") && shown.contains("\nbundles {"),
        "{shown}"
    );

    let back = shop.ask(&dev, &["generations", "rollback", "1", "--reason", "a test"]);
    assert_eq!(back["generation"], 1, "{back}");
    assert_eq!(serving(&shop, &dev), [(2, false), (1, true)]);
    wait_for(PATIENCE, "the gateway to follow", async || {
        let answer = shop.ask(&dev, &["query", "related", "cup-roses"]);
        (answer["generation"] == 1).then_some(())
    })
    .await
    .unwrap();

    exports(&shop, first["stats"]["edges"].as_u64().unwrap());
    dev.stop().await;
}

/// Generations, newest first, and whether they serve.
fn serving(shop: &Shop, dev: &Dev) -> Vec<(u64, bool)> {
    let listed = shop.ask(dev, &["generations", "list"]);
    let generations = listed["generations"].as_array().unwrap().iter();
    generations
        .map(|one| {
            (
                one["generation"].as_u64().unwrap(),
                one["serving"].as_bool().unwrap(),
            )
        })
        .collect()
}

fn exports(shop: &Shop, edges: u64) {
    let (database, segments) = (
        shop.database(),
        shop.data().join("segments").display().to_string(),
    );
    let from = ["--database", &database, "--segments", &segments];
    let told = tandem::json(
        shop.path(),
        &[&["export", "edges", "--out", "edges.csv"], &from[..]].concat(),
    );
    assert_eq!(told["edges"], edges, "every stored edge is exported");
    assert_eq!(told["anchors"], 12, "{told}");
    let file = std::fs::read_to_string(shop.path().join("edges.csv")).unwrap();
    let mut lines = file.lines();
    let header = "anchor,companion,relation,rank,score,basket_score,support,lift,llr,source,generation";
    assert_eq!(lines.next(), Some(header));
    assert_eq!(lines.clone().count() as u64, edges);
    let row = lines
        .find(|line| line.starts_with("cup-roses,saucer-roses,together,"))
        .unwrap();
    let fields: Vec<&str> = row.split(',').collect();
    assert_eq!(
        (fields[3], fields[6], fields[9], fields[10]),
        ("1", "80", "learned", "1"),
        "{row}"
    );

    let complements = [&["export", "edges", "--relation", "complement"], &from[..]].concat();
    let piped = String::from_utf8(tandem::run(shop.path(), &complements).stdout).unwrap();
    assert_eq!(piped.lines().next(), Some(header));
    assert!(piped.lines().count() > 12);
    assert!(
        piped
            .lines()
            .skip(1)
            .all(|line| line.split(',').nth(2) == Some("complement")),
        "{piped}"
    );
}

#[tokio::test]
async fn a_restart_serves_the_same_again() {
    let shop = Shop::new();
    let dev = stocked(&shop).await;
    shop.ask(&dev, &["stock", "set", "spoon-roses", "0"]);
    let spoon = "spoon-roses".to_owned();
    let before = shown(&shop, &dev, |ids| !ids.contains(&spoon)).await;
    dev.stop().await;

    let dev = Dev::start(&shop.data(), &[]).await;
    let after = shown(&shop, &dev, |ids| !ids.is_empty()).await;
    assert_eq!(
        after["items"], before["items"],
        "the cache is filled from SQL and segments"
    );
    assert_eq!(after["generation"], before["generation"]);
    dev.stop().await;
}

#[tokio::test]
async fn nobody_at_the_address_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let port = tandem_testing::free_port();
    let nobody = format!("http://127.0.0.1:{port}");
    let output = tandem::run(
        folder.path(),
        &["query", "related", "cup-roses", "--gateway", &nobody],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = tandem::stderr(&output);
    assert!(said.contains(&nobody) && said.contains("tandem dev"), "{said}");
}

#[tokio::test]
async fn a_surface_is_changed_while_everything_runs_and_put_back() {
    let shop = Shop::new();
    let dev = stocked(&shop).await;
    let changed = shop.ask(
        &dev,
        &[
            "surface",
            "set",
            "detail_page",
            "--size",
            "1",
            "--reason",
            "short",
        ],
    );
    assert_eq!(
        (&changed["default_size"], &changed["etag"]),
        (&1.into(), &"2".into()),
        "{changed}"
    );
    shown(&shop, &dev, |ids| ids.len() == 1).await;
    let history = shop.ask(&dev, &["surface", "history", "detail_page"]);
    assert_eq!(history["revisions"][0]["reason"], "short", "{history}");
    assert_eq!(history["revisions"][1]["action"], "ACTION_CREATE", "{history}");
    let back = shop.ask(&dev, &["surface", "rollback", "detail_page", "1"]);
    assert_eq!(back["etag"], "3", "{back}");
    shown(&shop, &dev, |ids| ids.len() > 1).await;

    let set = [
        "surface",
        "set",
        "mini",
        "--create",
        "--relation",
        "substitute=2",
        "--max-per-brand",
        "1",
        "--attach-share",
        "20",
        "--attach-slow-below",
        "5",
        "--attach-clearance",
        "true",
    ];
    let made = shop.ask(&dev, &set);
    let attached = ["share_percent", "min_score_percent", "slow_below"];
    let attached = attached.map(|name| made[format!("attach_{name}")].as_u64());
    assert_eq!(attached, [Some(20), Some(50), Some(5)], "{made}");
    assert_eq!(made["attach_clearance"], true, "{made}");
    assert_eq!(made["quotas"][0]["max_items"], 2, "{made}");
    assert_eq!(made["built_in"], false, "{made}");
    let got = shop.ask(&dev, &["surface", "get", "mini"]);
    assert_eq!(got, made);
    let listed = shop.ask(&dev, &["surface", "list"]);
    assert!(
        ids(&listed["surfaces"], "surface_id").contains(&"mini".to_owned()),
        "{listed}"
    );
    let query = [
        "query",
        "related",
        "cup-roses",
        "--surface",
        "mini",
        "--gateway",
        &dev.gateway,
    ];
    let answers = async |code| {
        let what = "the gateway to hear of the surface";
        let answered = async || (tandem::run(shop.path(), &query).status.code() == Some(code)).then_some(());
        wait_for(PATIENCE, what, answered).await.unwrap();
    };
    answers(0).await;
    let deleted = shop.ask(&dev, &["surface", "delete", "mini", "--etag", "1"]);
    assert_eq!(deleted["version"], 2, "{deleted}");
    answers(1).await;
    dev.stop().await;
}
