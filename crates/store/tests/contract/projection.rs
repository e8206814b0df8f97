//! A rebuild reads what the changes said.

use std::collections::BTreeMap;

use tandem_domain::change::Change;
use tandem_domain::clock::Timestamp;

use crate::house::{House, product_id, purchase, set};

over_both! {
    a_rebuild_says_what_the_changes_said_last,
    a_rebuild_of_many_pages_is_whole,
}

/// What a change is about, to compare the newest of each.
fn subject(change: &Change) -> String {
    match change {
        Change::Stock(stock) => format!("stock {} {}", stock.sku, stock.pool),
        Change::Listing(listing) => format!("listing {}", listing.product),
        Change::Card(card) => format!("card {}", card.id),
        Change::Links(links) => format!("links {}", links.anchor),
        Change::Bundles(bundles) => format!("fixed bundles {}", bundles.anchor),
        Change::Surface(surface) => format!("surface {}", surface.id),
        Change::Thresholds(change) => format!("thresholds {}", change.of.shop),
        Change::Heartbeat { .. } => "heartbeat".to_owned(),
    }
}

async fn a_rebuild_says_what_the_changes_said_last(house: House) {
    house.put_product("p", &["k", "l"]).await;
    house.put_product("q", &["m"]).await;
    house.put_product_of("s2", "r", &["n"]).await;
    house
        .report(&[set("k", 1, 5), set("m", 1, 0), set("unknown", 1, 5)])
        .await;
    house.report(&[set("k", 2, 3)]).await;
    house
        .store
        .delist_products(&house.ctx(), &[product_id("q")], "")
        .await
        .unwrap();
    house
        .store
        .record_events(&house.ctx(), &[purchase("e", "p", "o", 0)])
        .await
        .unwrap();
    let said: BTreeMap<_, _> = house
        .changes()
        .await
        .into_iter()
        .map(|change| (subject(&change), change))
        .collect();
    let rebuilt = house.rebuilt().await;
    assert_eq!(rebuilt.len(), said.len());
    for change in rebuilt {
        assert_eq!(Some(&change), said.get(&subject(&change)));
    }
}

async fn a_rebuild_of_many_pages_is_whole(house: House) {
    let ids: Vec<_> = (0..2_100).map(|n| format!("p{n}")).collect();
    let products: Vec<_> = ids.iter().map(|id| crate::house::upsert(id)).collect();
    house
        .store
        .upsert_products(&house.ctx(), &products)
        .await
        .unwrap();
    let skus: Vec<_> = ids
        .iter()
        .map(|id| crate::house::sku(&format!("k{id}"), id))
        .collect();
    house.store.upsert_skus(&house.ctx(), &skus).await.unwrap();
    let reports: Vec<_> = ids.iter().map(|id| set(&format!("k{id}"), 1, 5)).collect();
    house.report(&reports).await;
    let mut kinds = BTreeMap::<_, usize>::new();
    for change in house.rebuilt().await {
        let kind = subject(&change).split(' ').next().unwrap_or_default().to_owned();
        *kinds.entry(kind).or_default() += 1;
    }
    let expected = [
        ("card", 2_100),
        ("listing", 2_100),
        ("stock", 2_100),
        ("surface", 5),
    ];
    assert_eq!(
        kinds,
        expected.map(|(kind, count)| (kind.to_owned(), count)).into()
    );
    assert_eq!(Timestamp::default().as_ms(), 0);
}
