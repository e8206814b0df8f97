use std::collections::BTreeMap;
use std::time::Duration;

use tandem_proto::v1 as pb;

use crate::house::{NOW, on_both};
use crate::samples::{money, product, products, sku, stock_up};

fn complete() -> pb::Product {
    pb::Product {
        product_id: "外套 85123A".to_owned(),
        title: "White hanging heart".to_owned(),
        category_id: "decoration".to_owned(),
        brand: "Hearts & Co".to_owned(),
        series_id: "hearts".to_owned(),
        price: money(255),
        image_uri: "https://example.com/heart.jpg".to_owned(),
        quality: Some(0.75),
        tags: BTreeMap::from([(
            "colour".to_owned(),
            pb::TagValues {
                values: vec!["white".to_owned(), "red".to_owned()],
            },
        )]),
        generated: true,
        shop_id: "not for the caller to say".to_owned(),
        ..pb::Product::default()
    }
}

on_both! {
    async fn a_product_comes_back_as_it_was_written(house: House) {
        let mut catalog = house.control().await.catalog;
        let request = pb::BatchUpsertProductsRequest { products: vec![complete()], ..Default::default() };
        catalog.batch_upsert_products(request).await.unwrap();
        let size = BTreeMap::from([("size".to_owned(), "M".to_owned())]);
        let one = pb::Sku { price: money(300), attributes: size, ..sku("s1", "外套 85123A") };
        let other = pb::Sku { stock_policy: pb::StockPolicy::PreOrder.into(), ..sku("s2", "外套 85123A") };
        let request = pb::BatchUpsertSkusRequest { skus: vec![one.clone(), other.clone()], ..Default::default() };
        catalog.batch_upsert_skus(request).await.unwrap();

        let request = pb::GetProductRequest { product_id: "外套 85123A".to_owned() };
        let found = catalog.get_product(request).await.unwrap().into_inner();
        let pounds = |amount_minor| Some(pb::Money { currency_code: "GBP".to_owned(), amount_minor });
        let seconds = NOW.as_ms() / 1_000;
        let now = Some(prost_types::Timestamp { seconds, nanos: 0 });
        let expected = pb::Product {
            shop_id: "default".to_owned(),
            price: pounds(255),
            listing: pb::Listing::Listed.into(),
            etag: found.etag.clone(),
            create_time: now,
            update_time: now,
            skus: vec![
                pb::Sku { price: pounds(300), stock_policy: pb::StockPolicy::Tracked.into(), ..one },
                other,
            ],
            ..complete()
        };
        assert_eq!(found, expected);
        assert!(!found.etag.is_empty());
    }

    async fn an_upsert_answers_in_the_order_of_the_request_and_moves_the_etag(house: House) {
        let mut catalog = house.control().await.catalog;
        let first = catalog.batch_upsert_products(products(&["b", "a"])).await.unwrap().into_inner().products;
        assert_eq!([&first[0].product_id, &first[1].product_id], ["b", "a"]);

        house.clock.advance(Duration::from_secs(5));
        let renamed = pb::Product { title: "Other".to_owned(), etag: first[0].etag.clone(), ..product("b") };
        let request = pb::BatchUpsertProductsRequest { products: vec![renamed], ..Default::default() };
        let second = catalog.batch_upsert_products(request).await.unwrap().into_inner().products;
        assert_ne!(second[0].etag, first[0].etag);
        assert_eq!(second[0].title, "Other");
        assert_eq!(second[0].create_time, first[0].create_time);
        assert_eq!(second[0].update_time.unwrap().seconds, NOW.as_ms() / 1_000 + 5);
    }

    async fn a_delisted_product_stays_off_sale_until_an_upsert_says_otherwise(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a", "b"]).await;
        let mut catalog = control.catalog;
        let delist = pb::DelistProductsRequest { product_ids: vec!["a".to_owned()], ..Default::default() };
        let count = catalog.delist_products(delist.clone()).await.unwrap().into_inner().delisted_count;
        assert_eq!(count, 1);
        let again = catalog.delist_products(delist).await.unwrap().into_inner().delisted_count;
        assert_eq!(again, 0);

        let listing = |answer: pb::BatchUpsertProductsResponse| answer.products[0].listing();
        let silent = catalog.batch_upsert_products(products(&["a"])).await.unwrap().into_inner();
        assert_eq!(listing(silent), pb::Listing::Delisted);
        let loud = pb::Product { listing: pb::Listing::Listed.into(), ..product("a") };
        let request = pb::BatchUpsertProductsRequest { products: vec![loud], ..Default::default() };
        let listed = catalog.batch_upsert_products(request).await.unwrap().into_inner();
        assert_eq!(listing(listed), pb::Listing::Listed);
    }

    async fn relisting_puts_products_back_on_sale_in_one_step(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a", "b"]).await;
        let mut catalog = control.catalog;
        let ids = vec!["a".to_owned(), "b".to_owned()];
        let delist = pb::DelistProductsRequest { product_ids: ids.clone(), ..Default::default() };
        catalog.delist_products(delist).await.unwrap();
        let relist = pb::RelistProductsRequest { product_ids: ids, ..Default::default() };
        let count = catalog.relist_products(relist.clone()).await.unwrap().into_inner().relisted_count;
        assert_eq!(count, 2);
        let again = catalog.relist_products(relist).await.unwrap().into_inner().relisted_count;
        assert_eq!(again, 0);
        let request = pb::GetProductRequest { product_id: "a".to_owned() };
        assert_eq!(catalog.get_product(request).await.unwrap().into_inner().listing(), pb::Listing::Listed);
        let foreign = pb::RelistProductsRequest { product_ids: vec!["nobody".to_owned()], ..Default::default() };
        assert_eq!(catalog.relist_products(foreign).await.unwrap_err().code(), tonic::Code::PermissionDenied);
    }
}
