//! Products: written, read back, taken off sale.

use std::collections::BTreeMap;

use tandem_domain::catalog::{Listing, ProductInput, Provenance, SkuInput};
use tandem_domain::change::{Change, ListingChange};
use tandem_domain::id::{CategoryId, SeriesId};
use tandem_domain::money::Money;
use tandem_store::{Missing, ProductUpsert, StoreError};

use crate::house::{House, product, product_id, sku, upsert};

over_both! {
    what_is_written_is_read_back,
    an_upsert_replaces_and_counts_only_what_changed,
    a_stale_etag_writes_nothing,
    a_product_listed_twice_in_a_batch_ends_as_the_last,
    another_shops_product_is_refused_whatever_is_said,
    delisting_counts_what_was_on_sale,
    two_shops_that_want_the_same_new_id_get_one_answer_each,
    large_batches_fit,
}

pub(crate) fn rich(id: &str) -> ProductInput {
    ProductInput {
        category: Some(CategoryId::new("shirts").unwrap()),
        brand: Some("Ébène".to_owned()),
        series: Some(SeriesId::new("summer").unwrap()),
        image_uri: Some("https://example.org/p.png".to_owned()),
        quality: Some(0.87),
        tags: BTreeMap::from([("colour".to_owned(), vec!["red".to_owned(), "蓝".to_owned()])]),
        provenance: Provenance::Generated,
        ..product(id)
    }
}

pub(crate) fn insert(input: ProductInput) -> ProductUpsert {
    ProductUpsert {
        input,
        listing: None,
        etag: None,
    }
}

async fn what_is_written_is_read_back(house: House) {
    let ctx = house.ctx();
    let written = house
        .store
        .upsert_products(&ctx, &[insert(rich("p"))])
        .await
        .unwrap();
    let sku = SkuInput {
        price: Some(Money::from_minor(5)),
        attributes: BTreeMap::from([("size".to_owned(), "M".to_owned())]),
        ..sku("k", "p")
    };
    let skus = house
        .store
        .upsert_skus(&ctx, std::slice::from_ref(&sku))
        .await
        .unwrap();
    let (product, read) = house
        .store
        .product(&house.marketplace, &product_id("p"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (product.input.clone(), product.listing, product.version),
        (rich("p"), Listing::Listed, 1)
    );
    assert_eq!((product.created, product.updated), (ctx.now, ctx.now));
    assert_eq!((vec![product], &read), (written, &skus));
    assert_eq!((&read[0].input, read[0].version), (&sku, 1));
    assert_eq!(
        house
            .store
            .product(&house.marketplace, &product_id("q"))
            .await
            .unwrap(),
        None
    );
}

async fn an_upsert_replaces_and_counts_only_what_changed(house: House) {
    house.put_product("p", &[]).await;
    house.relay().await;
    let same = house
        .store
        .upsert_products(&house.ctx(), &[upsert("p")])
        .await
        .unwrap();
    assert_eq!(same[0].version, 1);
    assert_eq!(house.changes().await, []);
    let first = same[0].clone();
    let ctx = house.ctx();
    let changed = house
        .store
        .upsert_products(&ctx, &[insert(rich("p"))])
        .await
        .unwrap();
    assert_eq!(
        (changed[0].version, changed[0].created, changed[0].updated),
        (2, first.created, ctx.now)
    );
    let [Change::Card(card)] = &house.changes().await[..] else {
        panic!("one card")
    };
    assert_eq!((card.title.as_str(), card.version), ("Title of p", 2));
    // What is not said any more is gone.
    let cleared = house
        .store
        .upsert_products(&house.ctx(), &[upsert("p")])
        .await
        .unwrap();
    assert_eq!((&cleared[0].input, cleared[0].version), (&product("p"), 3));
}

async fn a_stale_etag_writes_nothing(house: House) {
    house.put_product("p", &[]).await;
    house.relay().await;
    let with = |id: &str, etag| ProductUpsert {
        etag: Some(etag),
        ..insert(rich(id))
    };
    let refused = house
        .store
        .upsert_products(&house.ctx(), &[insert(rich("q")), with("p", 7)])
        .await;
    assert!(
        matches!(&refused, Err(StoreError::EtagMismatch { expected: 7, found: 1, id, .. }) if id == "p"),
        "{refused:?}"
    );
    let absent = house.store.upsert_products(&house.ctx(), &[with("r", 1)]).await;
    assert!(
        matches!(
            absent,
            Err(StoreError::EtagMismatch {
                expected: 1,
                found: 0,
                ..
            })
        ),
        "{absent:?}"
    );
    assert_eq!(
        house
            .store
            .product(&house.marketplace, &product_id("q"))
            .await
            .unwrap(),
        None
    );
    assert_eq!(house.changes().await, []);
    assert_eq!(
        house
            .store
            .upsert_products(&house.ctx(), &[with("p", 1)])
            .await
            .unwrap()[0]
            .version,
        2
    );
}

async fn a_product_listed_twice_in_a_batch_ends_as_the_last(house: House) {
    let both = house
        .store
        .upsert_products(&house.ctx(), &[upsert("p"), insert(rich("p"))])
        .await
        .unwrap();
    assert_eq!((both[0].version, both[1].version), (1, 2));
    let (stored, _) = house
        .store
        .product(&house.marketplace, &product_id("p"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored, both[1]);
}

async fn another_shops_product_is_refused_whatever_is_said(house: House) {
    house.put_product_of("s2", "theirs", &["k"]).await;
    house.relay().await;
    let ctx = house.ctx();
    let stale = ProductUpsert {
        etag: Some(9),
        ..upsert("theirs")
    };
    let answers = [
        house
            .store
            .upsert_products(&ctx, &[upsert("mine"), upsert("theirs")])
            .await
            .map(|_| ()),
        house.store.upsert_products(&ctx, &[stale]).await.map(|_| ()),
        house
            .store
            .delist_products(&ctx, &[product_id("none"), product_id("theirs")], "")
            .await
            .map(|_| ()),
        house
            .store
            .upsert_skus(&ctx, &[sku("new", "theirs")])
            .await
            .map(|_| ()),
        house
            .store
            .upsert_skus(&ctx, &[sku("k", "theirs")])
            .await
            .map(|_| ()),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::ForeignShop(_))), "{answer:?}");
    }
    assert_eq!(
        house
            .store
            .product(&house.marketplace, &product_id("mine"))
            .await
            .unwrap(),
        None
    );
    // Their SKU cannot be taken over by a product of one's own either.
    house.put_product("mine", &[]).await;
    house.relay().await;
    let taken = house.store.upsert_skus(&ctx, &[sku("k", "mine")]).await;
    assert!(matches!(taken, Err(StoreError::ForeignShop(_))), "{taken:?}");
    assert_eq!(house.changes().await, []);
    let mut nobody = house.ctx();
    nobody.principal = house.platform();
    let refused = house.store.upsert_products(&nobody, &[upsert("p")]).await;
    assert!(matches!(refused, Err(StoreError::NoShop)), "{refused:?}");
}

async fn delisting_counts_what_was_on_sale(house: House) {
    house.put_product("p", &[]).await;
    house.put_product("q", &[]).await;
    house.relay().await;
    let both = [product_id("p"), product_id("q")];
    assert_eq!(
        house
            .store
            .delist_products(&house.ctx(), &both[..1], "worn out")
            .await
            .unwrap(),
        1
    );
    let delisted = Change::Listing(ListingChange {
        product: product_id("p"),
        listing: Listing::Delisted,
        version: 2,
    });
    let changes = house.changes().await;
    assert!(changes.contains(&delisted), "{changes:?}");
    assert!(matches!(&changes[0], Change::Card(card) if card.listing == Listing::Delisted));
    assert_eq!(
        house
            .store
            .delist_products(&house.ctx(), &both, "")
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        house
            .store
            .delist_products(&house.ctx(), &both, "")
            .await
            .unwrap(),
        0
    );
    let missing = house
        .store
        .delist_products(&house.ctx(), &[product_id("none")], "")
        .await;
    assert!(matches!(&missing, Err(StoreError::ForeignShop(Missing::Product(id))) if id.as_str() == "none"));
    // An upsert leaves it off sale unless it says otherwise.
    house.relay().await;
    let kept = house
        .store
        .upsert_products(&house.ctx(), &[insert(rich("p"))])
        .await
        .unwrap();
    assert_eq!(kept[0].listing, Listing::Delisted);
    let back = ProductUpsert {
        listing: Some(Listing::Listed),
        ..insert(rich("p"))
    };
    assert_eq!(
        house.store.upsert_products(&house.ctx(), &[back]).await.unwrap()[0].listing,
        Listing::Listed
    );
    let entry = &house.store.audit(&house.marketplace, 10).await.unwrap();
    let delist = entry
        .iter()
        .rfind(|entry| entry.action == "delist_products")
        .unwrap();
    assert_eq!(
        (delist.target.as_str(), delist.reason.as_str()),
        (r#"["p"]"#, "worn out")
    );
    assert_eq!(
        (delist.subject.as_str(), delist.shop.as_ref().unwrap().as_str()),
        ("insecure", "s1")
    );
}

async fn two_shops_that_want_the_same_new_id_get_one_answer_each(house: House) {
    for round in 0..10 {
        let (one, other) = (house.ctx(), house.ctx_of("s2"));
        let wanted = [upsert(&format!("p{round}"))];
        let (first, second) = tokio::join!(
            house.store.upsert_products(&one, &wanted),
            house.store.upsert_products(&other, &wanted)
        );
        let refused = match (&first, &second) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
            both => panic!("one of the two: {both:?}"),
        };
        assert!(matches!(refused, StoreError::ForeignShop(_)), "{refused:?}");
    }
}

async fn large_batches_fit(house: House) {
    let ids: Vec<_> = (0..1_500).map(|n| format!("p{n:05}")).collect();
    let products: Vec<_> = ids.iter().map(|id| insert(rich(id))).collect();
    let written = house
        .store
        .upsert_products(&house.ctx(), &products)
        .await
        .unwrap();
    assert_eq!(written.len(), ids.len());
    assert!(
        written
            .iter()
            .map(|product| product.input.id.as_str())
            .eq(ids.iter().map(String::as_str))
    );
    let skus: Vec<_> = ids.iter().map(|id| sku(&format!("k-{id}"), id)).collect();
    assert_eq!(
        house.store.upsert_skus(&house.ctx(), &skus).await.unwrap().len(),
        ids.len()
    );
    assert_eq!(
        house.store.scan_products(&house.marketplace).await.unwrap().len(),
        ids.len()
    );
}
