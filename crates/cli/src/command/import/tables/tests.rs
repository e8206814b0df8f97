use std::fs;

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    options: TableOptions,
}

/// Rows that an import hands to the database, which fails at the batch numbered `failing`.
async fn imported(args: &[&str], failing: Option<usize>) -> (Result<()>, usize) {
    let line = Line::parse_from([&["import"], args].concat());
    let (rows, batches) = (Cell::new(0), Cell::new(0));
    let outcome = import::<StockReport>(&line.common, &line.options, "", async |database, batch| {
        batches.set(batches.get() + 1);
        anyhow::ensure!(Some(batches.get()) != failing, "the database is gone");
        rows.set(rows.get() + batch.len());
        write_stock(database, &batch).await?;
        Ok(Effects::default())
    })
    .await;
    (outcome, rows.get())
}

#[tokio::test]
async fn an_import_that_broke_off_goes_on_where_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stock.csv");
    let rows = 2 * crate::import::BATCH_ROWS + 100;
    let mut text = "sku_id,source,available,source_version\n".to_owned();
    text.extend((0..rows).map(|sku| format!("s{sku},wms,1,1\n")));
    fs::write(&path, &text).unwrap();
    let database = format!("sqlite:{}?mode=rwc", folder.path().join("shop.db").display());
    let args = [path.to_str().unwrap(), "--database", &database];

    let (broken, written) = imported(&args, Some(2)).await;
    assert!(broken.is_err());
    assert_eq!(written, crate::import::BATCH_ROWS);
    let (resumed, written) = imported(&args, None).await;
    resumed.unwrap();
    assert_eq!(written, rows - crate::import::BATCH_ROWS);
    // A file that is written whole is not begun in the middle.
    assert_eq!(imported(&args, Some(3)).await.1, 2 * crate::import::BATCH_ROWS);
    // Nor is one that was told to begin anew, or one that has changed.
    let anew = [&args[..], &["--restart"]].concat();
    assert_eq!(imported(&anew, Some(3)).await.1, 2 * crate::import::BATCH_ROWS);
    // Nor is one that another shop is given.
    assert_eq!(imported(&anew, Some(2)).await.1, crate::import::BATCH_ROWS);
    let elsewhere = [&args[..], &["--shop", "elsewhere"]].concat();
    assert_eq!(imported(&elsewhere, Some(2)).await.1, crate::import::BATCH_ROWS);
    fs::write(&path, text + "s,wms,1,1\n").unwrap();
    assert_eq!(imported(&args, None).await.1, rows + 1);
}
