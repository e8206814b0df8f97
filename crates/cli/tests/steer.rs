//! What an operator says of two categories, and what becomes of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/serving.rs"]
mod serving;
#[path = "support/shop.rs"]
mod shop;
#[path = "support/tandem.rs"]
mod tandem;

use std::collections::BTreeSet;

use serving::{Dev, PATIENCE};
use shop::Shop;
use tandem_testing::wait_for;

/// What `tandem` says to a person.
fn said(shop: &Shop, dev: &Dev, args: &[&str]) -> String {
    let args = [args, &["--gateway", &dev.gateway, "--control", &dev.control]].concat();
    let output = tandem::run(shop.path(), &args);
    assert!(output.status.success(), "{}", tandem::stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until the complements of a cup are of these kinds.
async fn complements(shop: &Shop, dev: &Dev, kinds: &[&str]) {
    let query = ["query", "related", "cup-roses", "--relation", "complement"];
    let expected: BTreeSet<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    wait_for(
        PATIENCE,
        &format!("complements of the kinds {kinds:?}"),
        async || {
            let answer = shop.ask(dev, &query);
            let items = answer["items"].as_array()?.iter();
            let learned = items.filter(|item| item["relation"] == "RELATION_COMPLEMENT");
            let kind = |id: &str| id.split('-').next().unwrap().to_owned();
            let found: BTreeSet<_> = learned
                .map(|item| kind(item["product_id"].as_str().unwrap()))
                .collect();
            (found == expected).then_some(())
        },
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_rule_is_set_built_told_and_deleted() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    shop.import();
    shop.ask(&dev, &["build"]);
    complements(&shop, &dev, &["saucer", "spoon"]).await;

    let forbid = [
        "rules",
        "set",
        "cups",
        "spoons",
        "--forbidden",
        "--reason",
        "too many spoons",
    ];
    let text = said(&shop, &dev, &forbid);
    assert!(
        text.contains("forbidden") && text.contains("next full build on: tandem build"),
        "{text}"
    );
    let band = [
        "rules",
        "set",
        "cups",
        "saucers",
        "--price-ratio",
        "0.5..1.25",
        "--shop",
        "default",
    ];
    let priced = shop.ask(&dev, &band);
    assert_eq!(priced["price_band"]["max_ratio"], 1.25, "{priced}");
    assert_eq!(
        (&priced["verdict"], &priced["in_force"]),
        (&"CATEGORY_VERDICT_UNSPECIFIED".into(), &false.into())
    );
    complements(&shop, &dev, &["saucer", "spoon"]).await;

    shop.ask(&dev, &["build"]);
    complements(&shop, &dev, &["saucer"]).await;
    let listed = shop.ask(&dev, &["rules", "list"]);
    let rules = listed["category_rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["in_force"] == true), "{listed}");
    assert_eq!(
        (&rules[0]["reason"], &rules[1]["shop_id"]),
        (&"too many spoons".into(), &"default".into())
    );
    let get = ["rules", "get", "cups", "spoons"];
    assert_eq!(shop.ask(&dev, &get), rules[0]);
    let text = said(&shop, &dev, &get);
    for (name, value) in [
        ("says", "forbidden"),
        ("in force", "yes"),
        ("why", "too many spoons"),
    ] {
        assert!(text.contains(&format!("{name:<14} {value}\n")), "{text}");
    }
    let text = said(&shop, &dev, &["query", "pair", "cup-roses", "spoon-roses"]);
    let by = "categories cups > spoons do not go together by a rule of the marketplace";
    assert!(text.contains(by), "{text}");
    let text = said(&shop, &dev, &["query", "pair", "cup-roses", "saucer-roses"]);
    let by = "cups > saucers go together by orders; prices 0.5000..1.2500 by a rule of the shop";
    assert!(text.contains(by), "{text}");
    let text = said(&shop, &dev, &["generations", "show"]);
    assert!(text.contains("category rules at version 2"), "{text}");
    assert!(text.contains(r#""verdict":"forbidden""#), "{text}");

    let delete = ["rules", "delete", "cups", "spoons", "--reason", "a mistake"];
    assert!(said(&shop, &dev, &delete).contains("until the next full build"));
    assert_eq!(shop.ask(&dev, &delete)["deleted"], false);
    let output = tandem::run(shop.path(), &[&get[..], &["--control", &dev.control]].concat());
    let (code, text) = (output.status.code(), tandem::stderr(&output));
    assert_eq!((code, text.contains("NOT_FOUND: ")), (Some(1), true), "{text}");
    shop.ask(&dev, &["build"]);
    complements(&shop, &dev, &["saucer", "spoon"]).await;
    dev.stop().await;
}

#[tokio::test]
async fn a_slip_of_the_pen_is_named() {
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &[]).await;
    shop.import();
    let refused = |args: &[&str]| {
        let args = [&["rules", "set"], args, &["--control", &dev.control]].concat();
        let output = tandem::run(shop.path(), &args);
        (output.status.code(), tandem::stderr(&output))
    };
    let (code, text) = refused(&["cups", "spuns", "--related"]);
    assert_eq!((code, text.contains("spuns")), (Some(1), true), "{text}");
    let (code, text) = refused(&["cups", "spoons"]);
    assert_eq!((code, text.contains("says nothing")), (Some(1), true), "{text}");
    let (code, text) = refused(&["cups", "spoons", "--price-ratio", "2..1"]);
    assert_eq!((code, text.contains("least ratio")), (Some(1), true), "{text}");
    let (code, text) = refused(&["cups", "spoons", "--price-ratio", "half"]);
    assert_eq!((code, text.contains("LEAST..MOST")), (Some(2), true), "{text}");
    let (code, _) = refused(&["cups", "spoons", "--related", "--forbidden"]);
    assert_eq!(code, Some(2));
    dev.stop().await;
}
