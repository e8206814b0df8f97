//! Cards: a product with its SKUs and the categories above its own.

use tandem_domain::catalog::{Category, Listing, ProductInput, SkuInput};
use tandem_domain::change::Change;
use tandem_domain::id::CategoryId;
use tandem_domain::money::Money;
use tandem_store::{Missing, StoreError};

use crate::catalog::{insert, rich};
use crate::house::{House, product, product_id, sku, sku_id, upsert};

over_both! {
    a_card_carries_its_skus_and_their_prices,
    a_sku_needs_its_product_and_stays_with_it,
    products_are_scanned_with_their_category_path,
    a_card_names_the_categories_above_and_is_told_anew_when_they_move,
}

async fn a_card_carries_its_skus_and_their_prices(house: House) {
    house.put_product("p", &["b", "a"]).await;
    let dear = SkuInput {
        price: Some(Money::from_minor(2_000)),
        ..sku("b", "p")
    };
    house.relay().await;
    house
        .store
        .upsert_skus(&house.ctx(), std::slice::from_ref(&dear))
        .await
        .unwrap();
    let changes = house.changes().await;
    let [Change::Card(card)] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    let skus: Vec<_> = card
        .skus
        .iter()
        .map(|sku| (sku.id.as_str(), sku.price.unwrap().minor()))
        .collect();
    assert_eq!(skus, [("a", 1_000), ("b", 2_000)]);
    // The card moved on, the product's own version did not.
    let (stored, _) = house
        .store
        .product(&house.marketplace, &product_id("p"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stored.version, card.version), (1, 3));
    house.store.upsert_skus(&house.ctx(), &[dear]).await.unwrap();
    assert_eq!(house.changes().await, []);
}

async fn a_sku_needs_its_product_and_stays_with_it(house: House) {
    let missing = house.store.upsert_skus(&house.ctx(), &[sku("k", "none")]).await;
    assert!(matches!(&missing, Err(StoreError::ForeignShop(Missing::Product(id))) if id.as_str() == "none"));
    house.put_product("p", &["k"]).await;
    house.put_product("q", &[]).await;
    let moved = house
        .store
        .upsert_skus(&house.ctx(), &[sku("new", "q"), sku("k", "q")])
        .await;
    assert!(
        matches!(&moved, Err(StoreError::SkuMoved { sku }) if *sku == sku_id("k")),
        "{moved:?}"
    );
    let (_, skus) = house
        .store
        .product(&house.marketplace, &product_id("q"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(skus, []);
}

async fn products_are_scanned_with_their_category_path(house: House) {
    let category = |id: &str, parent: Option<&str>| Category {
        id: CategoryId::new(id).unwrap(),
        parent: parent.map(|id| CategoryId::new(id).unwrap()),
        name: id.to_owned(),
    };
    let tree = [
        category("shirts", Some("clothes")),
        category("clothes", None),
        category("loop", Some("loop")),
    ];
    house
        .store
        .upsert_categories(&house.marketplace, &tree)
        .await
        .unwrap();
    let looped = ProductInput {
        category: Some(CategoryId::new("loop").unwrap()),
        ..product("r")
    };
    let products = [insert(rich("q")), upsert("p"), insert(looped)];
    house
        .store
        .upsert_products(&house.ctx(), &products)
        .await
        .unwrap();
    house.put_product_of("s2", "theirs", &[]).await;
    house
        .store
        .delist_products(&house.ctx(), &[product_id("p")], "")
        .await
        .unwrap();
    let rows = house.store.scan_products(&house.marketplace).await.unwrap();
    let said: Vec<_> = rows
        .iter()
        .map(|row| (row.product.id.as_str(), row.shop.as_str(), row.listing))
        .collect();
    assert_eq!(
        said,
        [
            ("p", "s1", Listing::Delisted),
            ("q", "s1", Listing::Listed),
            ("r", "s1", Listing::Listed),
            ("theirs", "s2", Listing::Listed),
        ]
    );
    let path: Vec<_> = rows[1].category_path.iter().map(CategoryId::as_str).collect();
    assert_eq!(path, ["clothes", "shirts"]);
    assert_eq!((rows[0].category_path.len(), &rows[1].product), (0, &rich("q")));
}

async fn a_card_names_the_categories_above_and_is_told_anew_when_they_move(house: House) {
    let category = |id: &str, parent: Option<&str>| Category {
        id: CategoryId::new(id).unwrap(),
        parent: parent.map(|id| CategoryId::new(id).unwrap()),
        name: id.to_owned(),
    };
    let put = async |tree: &[Category]| {
        let put = house.store.upsert_categories(&house.marketplace, tree);
        put.await.unwrap();
    };
    let told = async || {
        let changes = house.changes().await;
        let cards = changes.into_iter().filter_map(|change| match change {
            Change::Card(card) => {
                let above = card.ancestors.iter().map(|id| id.as_str().to_owned());
                Some((
                    card.id.as_str().to_owned(),
                    above.collect::<Vec<_>>(),
                    card.version,
                ))
            }
            _ => None,
        });
        cards.collect::<Vec<_>>()
    };
    put(&[
        category("shirts", Some("clothes")),
        category("clothes", Some("all")),
        category("all", None),
        category("loop", Some("loop")),
    ])
    .await;
    let looped = ProductInput {
        category: Some(CategoryId::new("loop").unwrap()),
        ..product("r")
    };
    let products = [insert(rich("q")), upsert("p"), insert(looped)];
    house
        .store
        .upsert_products(&house.ctx(), &products)
        .await
        .unwrap();
    let card = |id: &str, above: &[&str], version| {
        (
            id.to_owned(),
            above.iter().map(ToString::to_string).collect::<Vec<_>>(),
            version,
        )
    };
    let first = [
        card("p", &[], 1),
        card("q", &["clothes", "all"], 1),
        card("r", &[], 1),
    ];
    assert_eq!(told().await, first);
    put(&[
        category("clothes", Some("all")),
        category("shoes", Some("clothes")),
    ])
    .await;
    assert_eq!(told().await, [], "nothing moved");
    put(&[category("clothes", Some("sale")), category("sale", None)]).await;
    assert_eq!(told().await, [card("q", &["clothes", "sale"], 2)]);
}
