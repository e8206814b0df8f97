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
        assert_eq!(output.status.code(), Some(1));
        tandem::stderr(&output)
    };
    let said = refused(&["saucer-roses:two", "spoon-roses"]);
    assert!(said.contains("PRODUCT:2"), "{said}");
    let said = refused(&["nobody", "spoon-roses"]);
    assert!(
        said.contains("PRODUCT_NOT_FOUND") || said.contains("nobody"),
        "{said}"
    );
    let said = refused(&["spoon-roses"]);
    assert!(said.contains("members"), "{said}");
    dev.stop().await;
}
