//! How far an import came.

use crate::house::House;

over_both! {
    an_import_that_broke_off_is_known_until_it_is_whole,
}

async fn an_import_that_broke_off_is_known_until_it_is_whole(house: House) {
    let (store, marketplace) = (&house.store, &house.marketplace);
    let rows = async |file| store.imported_rows(marketplace, file).await.unwrap();
    assert_eq!(rows("a").await, 0);
    for (file, written) in [("a", 500), ("b", 7), ("a", 1000)] {
        let now = house.now();
        store
            .note_imported_rows(marketplace, file, written, now)
            .await
            .unwrap();
    }
    assert_eq!((rows("a").await, rows("b").await), (1000, 7));
    store.forget_import(marketplace, "a").await.unwrap();
    assert_eq!((rows("a").await, rows("b").await), (0, 7));
}
