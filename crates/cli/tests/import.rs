//! Files that cannot be taken, and what is taken of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/tandem.rs"]
mod tandem;

use std::io::Write as _;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use tandem::stderr;
use tandem_domain::clock::{Clock as _, SystemClock};
use tandem_domain::id::MarketplaceId;
use tandem_store::{Store, StoreOptions};

/// A folder with a database in it.
struct Folder(tempfile::TempDir);

const DATABASE: [&str; 2] = ["--database", "sqlite:shop.db?mode=rwc"];

const GOOD: &str = "sku_id,source,available,source_version\na,wms,1,1\nb,wms,2,1\n";
/// Good rows around a bad one on line 3.
const TYPO: &str = "sku_id,source,available,source_version\na,wms,1,1\nb,wms,two,1\nc,wms,3,1\n";

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    fn import(&self, args: &[&str]) -> Output {
        tandem::run(self.path(), &[&["import"], args, &DATABASE].concat())
    }

    fn import_json(&self, args: &[&str]) -> Value {
        tandem::json(self.path(), &[&["import"], args, &DATABASE].concat())
    }

    /// Imports a good file of stock: how many rows were new and how many were known.
    fn fresh_and_known(&self, stock: &str) -> (u64, u64) {
        self.write("probe.csv", stock);
        let report = self.import_json(&["stock", "probe.csv"])["report"].clone();
        (
            report["applied"].as_u64().unwrap(),
            report["unchanged"].as_u64().unwrap(),
        )
    }

    /// Lets go of the days that lie more than 400 days behind the newest event.
    async fn retire(&self) {
        let options = StoreOptions {
            url: format!("sqlite:{}", self.path().join("shop.db").display()),
            ..StoreOptions::default()
        };
        let store = Store::connect(&options).await.unwrap();
        let marketplace = MarketplaceId::new("default").unwrap();
        let retired = store.retire_events(&marketplace, 400, SystemClock.now()).await;
        assert_eq!(retired.unwrap().map(|day| day.events), Some(1));
        store.close().await;
    }

    fn has_database(&self) -> bool {
        self.path().join("shop.db").exists()
    }
}

/// The file is refused with every one of `said`, and none of its rows reached the database.
fn refused(name: &str, content: &[u8], said: &[&str]) {
    let folder = Folder::new();
    folder.write(name, content);
    let output = folder.import(&["stock", name]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    for said in said {
        assert!(
            stderr(&output).contains(said),
            "no {said:?} in: {}",
            stderr(&output)
        );
    }
    assert!(
        !folder.has_database(),
        "none is made for a file that cannot be taken"
    );
    assert_eq!(folder.fresh_and_known(GOOD), (2, 0), "nothing was written");
}

#[test]
fn bytes_that_are_no_utf8_are_refused() {
    let file = b"sku_id,source,available,source_version\na,wms,1,1\nb,w\xffs,2,1\n";
    refused(
        "stock.csv",
        file,
        &["line 3, column source:", "not UTF-8", "nothing was written"],
    );
}

#[test]
fn a_ragged_row_is_refused() {
    let file = b"sku_id,source,available,source_version\na,wms,1,1\nb,wms,2\n";
    refused("stock.csv", file, &["line 3:", "3 fields where the header has 4"]);
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    refused(
        "stock.csv",
        TYPO.as_bytes(),
        &["line 3, column available:", "\"two\""],
    );
    let lines = b"{\"sku_id\":\"a\",\"source\":\"wms\",\"available\":[1],\"source_version\":1}\n";
    refused("stock.jsonl", lines, &["line 1, column available:", "list"]);
}

#[test]
fn a_key_that_comes_twice_is_refused() {
    let file = b"sku_id,source,available,source_version\na,wms,1,1\nb,wms,2,1\na,wms,1,1\n";
    refused(
        "stock.csv",
        file,
        &["line 4, column", "the same key stands on line 2"],
    );
}

#[test]
fn a_missing_and_an_unknown_column_are_refused_together() {
    let file = b"sku_id,source,availible,source_version\na,wms,1,1\n";
    refused(
        "stock.csv",
        file,
        &[
            "line 1, column availible:",
            "line 1, column available: the column is missing",
        ],
    );
}

#[test]
fn a_gzip_that_breaks_off_is_refused() {
    let rows: String = (0..5_000).map(|row| format!("sku-{row},wms,{row},1\n")).collect();
    let packed = gzip(&format!("sku_id,source,available,source_version\n{rows}"));
    refused(
        "stock.csv.gz",
        &packed[..packed.len() / 2],
        &["line ", "cannot be read"],
    );
}

#[test]
fn good_rows_are_written_where_bad_ones_may_be_left_out() {
    let folder = Folder::new();
    folder.write("stock.csv", TYPO);
    let output = folder.import(&["stock", "stock.csv", "--allow-partial", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("line 3, column available:"),
        "{}",
        stderr(&output)
    );
    let imported: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(imported["report"]["rows"], 2, "{imported}");
    assert_eq!(imported["report"]["bad_rows"], 1, "{imported}");
    assert_eq!(imported["report"]["applied"], 2, "{imported}");
    let mended = TYPO.replace("two", "2");
    assert_eq!(
        folder.fresh_and_known(&mended),
        (1, 2),
        "the mended row alone is new"
    );
}

#[test]
fn all_bad_rows_are_counted_however_many_there_are() {
    let folder = Folder::new();
    let bad: String = (0..50).map(|row| format!("sku-{row},wms,many,1\n")).collect();
    folder.write("stock.csv", format!("{GOOD}{bad}"));
    let stopped = folder.import(&["stock", "stock.csv"]);
    assert_eq!(stopped.status.code(), Some(1));
    assert!(
        stderr(&stopped).contains("stopped after 20 errors"),
        "{}",
        stderr(&stopped)
    );
    for dry_run in [&["--dry-run"][..], &[]] {
        let args = [&["stock", "stock.csv", "--allow-partial", "--json"], dry_run].concat();
        let output = folder.import(&args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("50 rows are left out"),
            "{}",
            stderr(&output)
        );
        let imported: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(imported["report"]["rows"], 2, "{imported}");
        assert_eq!(imported["report"]["bad_rows"], 50, "{imported}");
    }
}

#[test]
fn a_dry_run_writes_nothing_and_makes_no_database() {
    let folder = Folder::new();
    folder.write("stock.csv", GOOD);
    let checked = folder.import_json(&["stock", "stock.csv", "--dry-run"]);
    assert_eq!(checked["written"], false, "{checked}");
    assert_eq!(checked["report"]["rows"], 2, "{checked}");
    folder.write("typo.csv", TYPO);
    let refused = folder.import(&["stock", "typo.csv", "--dry-run"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("line 3, column available:"),
        "{}",
        stderr(&refused)
    );
    assert!(!folder.has_database());
}

#[test]
fn gzip_is_unpacked_whatever_the_file_is_called() {
    let folder = Folder::new();
    folder.write("stock.csv.gz", gzip(GOOD));
    folder.write("plainly.csv", gzip(GOOD));
    assert_eq!(
        folder.import_json(&["stock", "stock.csv.gz"])["report"]["applied"],
        2
    );
    assert_eq!(
        folder.import_json(&["stock", "plainly.csv"])["report"]["unchanged"],
        2
    );
}

#[test]
fn events_that_come_again_count_once() {
    let folder = Folder::new();
    let header = "event_id,product_id,event_type,ts\n";
    folder.write(
        "events.csv",
        format!("{header}1,a,view,2025-05-02T08:26:00Z\n2,b,view,1746174360\n"),
    );
    assert_eq!(
        folder.import_json(&["events", "events.csv"])["report"]["applied"],
        2
    );
    let again = folder.import_json(&["events", "events.csv"]);
    assert_eq!(again["report"]["applied"], 0, "{again}");
    assert_eq!(again["report"]["unchanged"], 2, "{again}");
}

#[tokio::test]
async fn events_of_days_that_were_let_go_are_told_apart_from_known_ones() {
    let folder = Folder::new();
    let header = "event_id,product_id,event_type,ts\n";
    let (old, new) = ("2023-05-02T08:26:00Z", "2025-05-02T08:26:00Z");
    folder.write("events.csv", format!("{header}1,a,view,{old}\n2,b,view,{new}\n"));
    folder.import_json(&["events", "events.csv"]);
    folder.retire().await;
    folder.write(
        "again.csv",
        format!("{header}2,b,view,{new}\n1,a,view,{old}\n3,c,view,{old}\n"),
    );
    let report = folder.import_json(&["events", "again.csv"])["report"].clone();
    assert_eq!(
        (&report["applied"], &report["unchanged"], &report["expired"]),
        (&0.into(), &1.into(), &2.into()),
        "{report}"
    );
    let again = folder.import(&["events", "again.csv"]);
    let said = String::from_utf8(again.stdout).unwrap();
    assert!(
        said.contains("0 took effect, 1 were known already\n2 were ignored: of days"),
        "{said}"
    );
}

const INVOICES: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,71053,METAL LANTERN,some,2010-12-01 08:26:00,3.39,17850,United Kingdom
536366,22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,17850,United Kingdom
";

#[test]
fn a_dry_run_over_faulty_invoices_reports_what_an_import_would() {
    let folder = Folder::new();
    folder.write("invoices.csv", INVOICES);
    let refused = folder.import(&["online-retail", "invoices.csv", "--dry-run"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("line 3, column Quantity:"),
        "{}",
        stderr(&refused)
    );

    let partly = ["online-retail", "invoices.csv", "--allow-partial"];
    let checked = folder.import_json(&[&partly[..], &["--dry-run"]].concat());
    assert!(!folder.has_database());
    assert_eq!(checked["written"], false, "{checked}");
    assert_eq!(checked["report"]["lines"], 3, "{checked}");
    assert_eq!(checked["report"]["unreadable"], 1, "{checked}");
    assert_eq!(checked["report"]["purchase_events"], 2, "{checked}");
    let written = folder.import_json(&partly);
    assert_eq!(written["written"], true, "{written}");
    assert_eq!(written["report"], checked["report"]);
}

#[test]
fn a_foreign_parquet_file_is_read_through_its_mapping() {
    let folder = Folder::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("household", Arc::new(Int64Array::from(vec![1, 1, 2]))),
        ("basket", Arc::new(Int64Array::from(vec![10, 10, 11]))),
        ("item", Arc::new(Int64Array::from(vec![7, 8, 7]))),
        ("units", Arc::new(Int64Array::from(vec![2, 1, 0]))),
        ("paid", Arc::new(Float64Array::from(vec![5.0, 1.25, 0.0]))),
        (
            "sold",
            Arc::new(TimestampMicrosecondArray::from_iter_values(
                [1, 2, 3].map(|second| 1_500_000_000_000_000 + second * 1_000_000),
            )),
        ),
        ("week", Arc::new(Int64Array::from(vec![1, 1, 1]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(folder.path().join("sales.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let mapped = [
        "events",
        "sales.parquet",
        "--map",
        "user_id=household",
        "--map",
        "session_or_order_id=basket",
        "--map",
        "product_id=item",
        "--map",
        "quantity=units",
        "--map",
        "amount=paid",
        "--map",
        "ts=sold",
        "--set",
        "event_type=purchase",
        "--set",
        "event_id=cj-{row}",
    ];
    let refused = folder.import(&mapped);
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(
        said.contains("line 3, column quantity: \"0\" is no whole number"),
        "{said}"
    );
    assert!(!folder.has_database());

    let partial = [&mapped[..], &["--allow-partial"]].concat();
    let report = folder.import_json(&partial)["report"].clone();
    assert_eq!(
        (&report["rows"], &report["applied"], &report["bad_rows"]),
        (&2.into(), &2.into(), &1.into())
    );
    let again = folder.import_json(&partial)["report"].clone();
    assert_eq!((&again["applied"], &again["unchanged"]), (&0.into(), &2.into()));

    let unmapped = folder.import(&["events", "sales.parquet"]);
    assert!(
        stderr(&unmapped).contains("column household: no such column"),
        "{}",
        stderr(&unmapped)
    );
    let misspelt = folder.import(&["events", "sales.parquet", "--map", "produkt_id=item"]);
    assert!(
        stderr(&misspelt).contains("no column is called \"produkt_id\""),
        "{}",
        stderr(&misspelt)
    );
    assert_eq!(misspelt.status.code(), Some(2));
}

#[test]
fn what_is_no_file_or_no_option_is_said() {
    let folder = Folder::new();
    let missing = folder.import(&["stock", "nowhere.csv"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("nowhere.csv"), "{}", stderr(&missing));
    folder.write("stock.txt", GOOD);
    let untold = folder.import(&["stock", "stock.txt"]);
    assert_eq!(untold.status.code(), Some(2));
    assert!(
        stderr(&untold).contains("--format csv, jsonl or parquet"),
        "{}",
        stderr(&untold)
    );
    assert_eq!(
        folder
            .import(&["stock", "stock.txt", "--frobnicate"])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        folder
            .import(&["stock", "stock.txt", "--format", "xml"])
            .status
            .code(),
        Some(2)
    );
    assert!(!folder.path().join("nowhere.csv").exists());
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}
