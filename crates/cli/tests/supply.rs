//! A shop's own sets, and what becomes of them while stock comes and goes.

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

/// The first set around a cup, as soon as it has these members.
async fn first_set(shop: &Shop, dev: &Dev, members: &[&str]) -> Value {
    let what = format!("a set of {members:?}");
    wait_for(PATIENCE, &what, async || {
        let answer = shop.ask(dev, &["query", "bundles", "cup-roses"]);
        let set = answer["sets"].get(0)?.clone();
        let items = set["items"].as_array()?.iter();
        let shown: Vec<_> = items.map(|item| item["product_id"].as_str().unwrap()).collect();
        (shown == members).then_some(set)
    })
    .await
    .unwrap()
}

/// Waits until no set around a cup is the shop's own.
async fn withdrawn(shop: &Shop, dev: &Dev) {
    wait_for(PATIENCE, "the shop's own set to go", async || {
        let answer = shop.ask(dev, &["query", "bundles", "cup-roses"]);
        let sets = answer["sets"].as_array().cloned().unwrap_or_default();
        sets.iter().all(|set| set["fixed_bundle_id"] == "").then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_shops_own_set_is_mended_shrunk_withdrawn_and_restored_with_stock() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    shop.import();
    let create = [
        "bundles",
        "create",
        "cup-roses",
        "saucer-dots:2/saucer-stars",
        "spoon-dots",
        "spoon-stars",
        "--title",
        "Tea for two",
    ];
    let made = shop.ask(&dev, &create);
    let id = made["fixed_bundle_id"].as_str().unwrap();
    let stock = |sku: &str, units: &str| shop.ask(&dev, &["stock", "set", sku, units]);

    let whole = ["cup-roses", "saucer-dots", "spoon-dots", "spoon-stars"];
    let set = first_set(&shop, &dev, &whole).await;
    assert_eq!(
        (&set["fixed_bundle_id"], &set["title"]),
        (&id.into(), &"Tea for two".into()),
        "{set}"
    );
    assert_eq!(set["sellable_count"], 20, "forty saucers are twenty pairs: {set}");

    stock("saucer-dots", "1");
    let mended = ["cup-roses", "saucer-stars", "spoon-dots", "spoon-stars"];
    let set = first_set(&shop, &dev, &mended).await;
    assert_eq!(set["items"][1]["replaces_product_id"], "saucer-dots", "{set}");
    stock("spoon-dots", "0");
    first_set(&shop, &dev, &["cup-roses", "saucer-stars", "spoon-stars"]).await;
    stock("spoon-stars", "0");
    withdrawn(&shop, &dev).await;
    stock("saucer-dots", "9");
    stock("spoon-dots", "9");
    stock("spoon-stars", "9");
    let set = first_set(&shop, &dev, &whole).await;
    assert_eq!(set["sellable_count"], 4, "{set}");

    let listed = shop.ask(&dev, &["bundles", "list", "cup-roses"]);
    assert_eq!(listed["fixed_bundles"][0], made, "{listed}");
    let delete = ["bundles", "delete", id, "--reason", "a test"];
    assert_eq!(shop.ask(&dev, &delete)["deleted"], true);
    withdrawn(&shop, &dev).await;
    assert_eq!(shop.ask(&dev, &delete)["deleted"], false);
    dev.stop().await;
}

#[tokio::test]
async fn members_that_cannot_be_read_or_found_are_named() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    shop.import();
    let refused = |members: &[&str]| {
        let create = [&["bundles", "create", "cup-roses"], members, &["--title", "x"]].concat();
        let output = tandem::run(shop.path(), &[&create[..], &["--control", &dev.control]].concat());
        (output.status.code(), tandem::stderr(&output))
    };
    let (code, said) = refused(&["saucer-roses:two", "spoon-roses"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("PRODUCT:2"), "{said}");
    let (code, said) = refused(&["nobody", "spoon-roses"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("PRODUCT_NOT_FOUND") || said.contains("nobody"),
        "{said}"
    );
    let (code, said) = refused(&["spoon-roses"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("members"), "{said}");
    dev.stop().await;
}

/// What `tandem` says to a person.
fn said(shop: &Shop, dev: &Dev, args: &[&str]) -> String {
    let args = [args, &["--gateway", &dev.gateway, "--control", &dev.control]].concat();
    let output = tandem::run(shop.path(), &args);
    assert!(output.status.success(), "{}", tandem::stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn people_are_told_in_words_what_stands_in_for_what() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    shop.import();
    let members = [
        "saucer-dots/saucer-stars",
        "spoon-dots",
        "spoon-stars",
        "--title",
        "Tea",
    ];
    shop.ask(
        &dev,
        &[&["bundles", "create", "cup-roses"], &members[..]].concat(),
    );
    first_set(
        &shop,
        &dev,
        &["cup-roses", "saucer-dots", "spoon-dots", "spoon-stars"],
    )
    .await;
    for gone in ["saucer-dots", "spoon-dots"] {
        shop.ask(&dev, &["stock", "set", gone, "0"]);
    }
    first_set(&shop, &dev, &["cup-roses", "saucer-stars", "spoon-stars"]).await;
    let text = said(&shop, &dev, &["query", "bundles", "cup-roses"]);
    assert!(text.contains("set Tea ("), "{text}");
    assert!(text.contains("stands in for saucer-dots: out of stock"), "{text}");
    assert!(text.contains("without spoon-dots: out of stock"), "{text}");
    let text = said(&shop, &dev, &["query", "explain", "cup-roses", "saucer-dots"]);
    for raw in ["DROP_REASON_", "VERDICT_", "RELATION_", "ADJUSTMENT_"] {
        assert!(!text.contains(raw), "{text}");
    }
    dev.stop().await;
}

#[tokio::test]
async fn stock_rules_of_a_surface_are_changed_one_by_one_and_in_force_at_once() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    shop.import();
    let shown = async |wanted: bool| {
        wait_for(PATIENCE, "the list to follow", async || {
            let answer = shop.ask(&dev, &["query", "related", "cup-roses"]);
            let some = !answer["items"].as_array()?.is_empty();
            (some == wanted).then_some(())
        })
        .await
        .unwrap();
    };
    shop.ask(&dev, &["build"]);
    shown(true).await;
    shop.ask(&dev, &["stock", "policy", "set", "--low", "50"]);
    let set = |rules: &[&str]| shop.ask(&dev, &[&["surface", "set", "detail_page"], rules].concat());
    let hidden = set(&["--anchor-rule", "hide=low", "--companion-rule", "demote=critical"]);
    assert_eq!(hidden["stock"]["anchor"]["hide"], "SUPPLY_LOW", "{hidden}");
    shown(false).await;
    let open = set(&["--anchor-rule", "hide=never", "--pools", "normal,room"]);
    assert_eq!(open["stock"]["anchor"]["hide"], "SUPPLY_UNSPECIFIED", "{open}");
    assert_eq!(
        open["stock"]["companion"]["demote"], "SUPPLY_CRITICAL",
        "what is not named stays: {open}"
    );
    shown(true).await;
    let text = said(&shop, &dev, &["surface", "get", "detail_page"]);
    assert!(text.contains("low companion  demote=critical"), "{text}");
    assert!(text.contains("pools          normal room"), "{text}");
    let control = ["--control", &dev.control];
    let refused = tandem::run(
        shop.path(),
        &[
            &["surface", "set", "detail_page", "--anchor-rule", "hide=plenty"][..],
            &control,
        ]
        .concat(),
    );
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        tandem::stderr(&refused).contains("low, critical, out or never"),
        "{}",
        tandem::stderr(&refused)
    );
    dev.stop().await;
}
